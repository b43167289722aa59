package graph

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// filter wants objects for what one property says.
type filter struct {
	property string
	matches  func(string) bool
}

var (
	equals     = regexp.MustCompile(`^(\w+) eq '((?:[^']|'')*)'$`)
	startsWith = regexp.MustCompile(`^startswith\((\w+), ?'((?:[^']|'')*)'\)$`)
	oneOf      = regexp.MustCompile(`^(\w+) in ?\((.*)\)$`)
	quoted     = regexp.MustCompile(`^'((?:[^']|'')*)'$`)
)

// readFilter reads the clauses that are simulated: eq, in and startswith.
// https://learn.microsoft.com/graph/filter-query-parameter
func readFilter(value string, of entityType) (*filter, error) {
	value = strings.TrimSpace(value)
	if match := equals.FindStringSubmatch(value); match != nil && filterable(match[1], of) {
		return &filter{match[1], func(s string) bool { return strings.EqualFold(s, unquote(match[2])) }}, nil
	}
	if match := startsWith.FindStringSubmatch(value); match != nil && match[1] == "displayName" {
		prefix := strings.ToLower(unquote(match[2]))
		return &filter{match[1], func(s string) bool { return strings.HasPrefix(strings.ToLower(s), prefix) }}, nil
	}
	if match := oneOf.FindStringSubmatch(value); match != nil && filterable(match[1], of) {
		return readIn(match[1], match[2])
	}
	return nil, badRequest("Request_UnsupportedQuery", fmt.Sprintf("Unsupported or invalid query filter clause specified for resource '%s': %s.", of.name, value))
}

func readIn(property, values string) (*filter, error) {
	var wanted []string
	for _, value := range strings.Split(values, ",") {
		match := quoted.FindStringSubmatch(strings.TrimSpace(value))
		if match == nil {
			return nil, badRequest("BadRequest", "Invalid filter clause: "+value+" is not a string.")
		}
		wanted = append(wanted, strings.ToLower(unquote(match[1])))
	}
	return &filter{property, func(s string) bool { return slices.Contains(wanted, strings.ToLower(s)) }}, nil
}

func filterable(property string, of entityType) bool {
	return of.knows(property) && slices.Contains([]string{"id", "appId", "displayName", "servicePrincipalType", "keyId"}, property)
}

func unquote(s string) string { return strings.ReplaceAll(s, "''", "'") }
