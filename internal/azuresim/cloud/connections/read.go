package connections

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const readConnection = "Microsoft.Web/connections/read"

func (s *Service) getConnection(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.opened(r)
	if err != nil {
		return 0, nil, err
	}
	s.settle(r.Context(), found)
	return http.StatusOK, found.json(), nil
}

// listConnections lists those of a subscription or of a group that the caller may
// read. Who may read none and not the scope either is refused.
func (s *Service) listConnections(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keep, err := readFilter(r.URL.Query().Get("$filter"))
	if err != nil {
		return 0, nil, err
	}
	if err := inGroup(r); err != nil {
		return 0, nil, err
	}
	var shown []any
	readable := false
	for _, c := range s.connections {
		if !under(r.Path, c.subscription, c.group) || !r.MayRead(readConnection, c.id()) {
			continue
		}
		readable = true
		if keep(c) {
			s.settle(r.Context(), c)
			shown = append(shown, c.json())
		}
	}
	if !readable {
		if err := r.Authorize(readConnection, scopeOf(r.Path)); err != nil {
			return 0, nil, err
		}
	}
	return s.page(r, shown)
}

// inGroup refuses a path whose resource group does not exist.
func inGroup(r *resourcemanager.Request) error {
	if r.Path["group"] == "" {
		return nil
	}
	_, err := r.Group()
	return err
}

func under(path map[string]string, subscription, group string) bool {
	return strings.EqualFold(path["subscription"], subscription) && (path["group"] == "" || strings.EqualFold(path["group"], group))
}

func scopeOf(path map[string]string) string {
	scope := "/subscriptions/" + path["subscription"]
	if path["group"] != "" {
		scope += "/resourceGroups/" + path["group"]
	}
	return scope
}

var clause = regexp.MustCompile(`(?i)^\s*([a-z/]+)\s+eq\s+(?:'([^']*)'|(null))\s*$`)

// readFilter understands what the portal filters by.
func readFilter(filter string) (func(*connection) bool, error) {
	if filter == "" {
		return func(*connection) bool { return true }, nil
	}
	wanted := map[string]string{}
	for _, one := range regexp.MustCompile(`(?i)\s+and\s+`).Split(filter, -1) {
		parts := clause.FindStringSubmatch(one)
		if parts == nil {
			return nil, badRequest("InvalidFilter", "The $filter '%s' is not valid.", filter)
		}
		switch name := strings.ToLower(parts[1]); name {
		case "location", "managedapiname", "kind", "properties/integrationserviceenvironmentresourceid":
			wanted[name] = parts[2]
		default:
			return nil, badRequest("InvalidFilter", "The property '%s' cannot be filtered by.", parts[1])
		}
	}
	return func(c *connection) bool { return c.matches(wanted) }, nil
}

func (c *connection) matches(wanted map[string]string) bool {
	has := map[string]string{"location": c.location(), "managedapiname": c.connector.Name, "kind": text(c.top, "kind")}
	for name, value := range wanted {
		if !strings.EqualFold(has[name], value) {
			return false
		}
	}
	return true
}
