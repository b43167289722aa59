package connections

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const (
	managedAPIType = "Microsoft.Web/locations/managedApis"
	readManagedAPI = "Microsoft.Web/locations/managedApis/read"
)

func managedAPIID(subscription, location, name string) string {
	return fmt.Sprintf("/subscriptions/%s/providers/Microsoft.Web/locations/%s/managedApis/%s", subscription, location, name)
}

func managedAPIJSON(c *Connector, path map[string]string) map[string]any {
	properties := map[string]any{
		"name": c.Name, "capabilities": []any{"actions"}, "metadata": map[string]any{"source": "marketplace"},
		"generalInformation": map[string]any{"displayName": c.DisplayName},
	}
	c.describe(properties)
	return map[string]any{
		"id": managedAPIID(path["subscription"], path["location"], c.Name), "name": c.Name, "type": managedAPIType,
		"location": path["location"], "properties": properties,
	}
}

func (s *Service) getManagedAPI(r *resourcemanager.Request) (int, any, error) {
	if err := r.Authorize(readManagedAPI, managedAPIID(r.Path["subscription"], r.Path["location"], r.Path["name"])); err != nil {
		return 0, nil, err
	}
	if found := s.managedAPI(r.Path["name"]); found != nil {
		return http.StatusOK, managedAPIJSON(found, r.Path), nil
	}
	return 0, nil, apiNotFound(r.Path["name"])
}

func (s *Service) listManagedAPIs(r *resourcemanager.Request) (int, any, error) {
	scope := managedAPIID(r.Path["subscription"], r.Path["location"], "")
	if err := r.Authorize(readManagedAPI, strings.TrimSuffix(scope, "/")); err != nil {
		return 0, nil, err
	}
	var shown []any
	for _, c := range s.managed {
		shown = append(shown, managedAPIJSON(c, r.Path))
	}
	return s.page(r, shown)
}

// managedAPI finds a connector of the catalog, which never changes.
func (s *Service) managedAPI(name string) *Connector {
	for _, c := range s.managed {
		if strings.EqualFold(c.Name, name) {
			return c
		}
	}
	return nil
}

func apiNotFound(name string) error {
	return resourcemanager.Refuse(http.StatusNotFound, "ApiResourceNotFound", "The API '%s' could not be found.", name)
}

var (
	managedReference = regexp.MustCompile(`(?i)^/?subscriptions/[^/]+/providers/Microsoft\.Web/locations/([^/]+)/managedApis/([^/]+)$`)
	customReference  = regexp.MustCompile(`(?i)^/?subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.Web/customApis/([^/]+)$`)
)

// joined finds the connector that a connection names, and completes what it says of it.
func (s *Service) joined(r *resourcemanager.Request, reference map[string]any) (*Connector, map[string]any, error) {
	id := text(reference, "id")
	if parts := managedReference.FindStringSubmatch(id); parts != nil {
		found := s.managedAPI(parts[2])
		if found == nil {
			return nil, nil, apiNotFound(parts[2])
		}
		return found, referTo(found, "/"+strings.TrimPrefix(id, "/"), managedAPIType), nil
	}
	parts := customReference.FindStringSubmatch(id)
	if parts == nil {
		return nil, nil, badRequest("InvalidApiReference", "The property 'properties.api.id' does not name an API: '%s'.", id)
	}
	found := s.customAPI(parts[1], parts[2], parts[3])
	if found == nil {
		return nil, nil, apiNotFound(parts[3])
	}
	const join = "Microsoft.Web/customApis/join/action"
	if !r.MayRead(join, found.id()) {
		return nil, nil, resourcemanager.Refuse(http.StatusForbidden, "LinkedAuthorizationFailed", "The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, it does not have permission to perform action '%s' on the linked scope(s) '%s' or the linked scope(s) are invalid.",
			r.Caller.AppID, r.Caller.ObjectID, writeConnection, connectionID(r.Path["subscription"], r.Path["group"], r.Path["name"]), join, found.id())
	}
	return &found.Connector, referTo(&found.Connector, found.id(), customAPIType), nil
}

func referTo(c *Connector, id, resourceType string) map[string]any {
	return map[string]any{"name": c.Name, "displayName": c.DisplayName, "id": id, "type": resourceType}
}
