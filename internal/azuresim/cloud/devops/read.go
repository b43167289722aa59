package devops

import (
	"slices"
	"strings"
)

// getConnection answers null for what is not there for the caller.
func (s *Service) getConnection(c *call) (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	role, err := wanted(c.request.URL.Query().Get("actionFilter"))
	if err != nil {
		return nil, err
	}
	n := c.org.connection(c.path["endpoint"])
	if n == nil || !n.in(p) || c.role(n) < role {
		return nil, nil
	}
	return n.show(c.now, true), nil
}

func (o *organization) connection(id string) *connection {
	i := slices.IndexFunc(o.connections, func(n *connection) bool { return strings.EqualFold(n.id, id) })
	if i < 0 {
		return nil
	}
	return o.connections[i]
}

// listConnections shows what is ready; of what failed, what is asked for.
func (s *Service) listConnections(c *call) (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	query := c.request.URL.Query()
	role, err := wanted(query.Get("actionFilter"))
	if err != nil {
		return nil, err
	}
	shown := []any{}
	for _, n := range c.org.connections {
		state, _ := n.state(c.now)
		visible := state == "Ready" || state == "Failed" && strings.EqualFold(query.Get("includeFailed"), "true")
		if visible && n.in(p) && c.role(n) >= role && n.matches(query.Get) {
			shown = append(shown, n.show(c.now, false))
		}
	}
	return list(shown), nil
}

// matches applies the filters of a list, none of which has to be given.
func (n *connection) matches(filter func(string) string) bool {
	for parameter, own := range map[string]string{
		"type": text(n.document, "type"), "owner": text(n.document, "owner"),
		"authSchemes": n.scheme(), "endpointIds": n.id, "endpointNames": text(n.document, "name"),
	} {
		given := filter(parameter)
		same := func(one string) bool { return strings.EqualFold(strings.TrimSpace(one), own) }
		if given != "" && !slices.ContainsFunc(strings.Split(given, ","), same) {
			return false
		}
	}
	return true
}
