package resourcemanager

import (
	"regexp"
	"strings"
)

// https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope
func (s *Service) listAssignments(c *call) (answer, error) {
	scope := c.path["scope"]
	if err := s.authorize(c, "Microsoft.Authorization/roleAssignments/read", scope); err != nil {
		return answer{}, err
	}
	if err := s.checkScope(scope); err != nil {
		return answer{}, err
	}
	filter, err := parseFilter(c.request.URL.Query().Get("$filter"))
	if err != nil {
		return answer{}, err
	}
	found := []any{}
	for _, a := range s.assignments {
		if a.exists() && filter.passes(a, scope) {
			found = append(found, a.json())
		}
	}
	return s.page(c, found)
}

// filter is the part of OData that role assignments understand. Without it a list
// shows what stands at, above and below the scope.
type filter struct {
	atScope   bool
	principal string
}

var (
	principalEquals = regexp.MustCompile(`(?i)^principalId\s+eq\s+'([^']*)'$`)
	assignedTo      = regexp.MustCompile(`(?i)^assignedTo\('([^']*)'\)$`)
	and             = regexp.MustCompile(`(?i)\s+and\s+`)
)

func parseFilter(text string) (filter, error) {
	var f filter
	if strings.TrimSpace(text) == "" {
		return f, nil
	}
	for _, term := range and.Split(strings.TrimSpace(text), -1) {
		principal := principalEquals.FindStringSubmatch(term)
		if principal == nil {
			principal = assignedTo.FindStringSubmatch(term)
		}
		switch {
		case strings.EqualFold(term, "atScope()"):
			f.atScope = true
		case principal != nil && f.principal == "":
			f.principal = principal[1]
		default:
			return f, badRequest("InvalidFilter", "The filter '%s' is not supported. Supported filters are either 'atScope()', 'principalId eq '{value}'', 'assignedTo('{value}')' or a combination of these.", text)
		}
	}
	return f, nil
}

func (f filter) passes(a *assignment, scope string) bool {
	if f.principal != "" && !strings.EqualFold(f.principal, a.principalID) {
		return false
	}
	return contains(a.scope, scope) || !f.atScope && contains(scope, a.scope)
}
