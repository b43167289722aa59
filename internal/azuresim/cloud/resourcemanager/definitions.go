package resourcemanager

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

type definitionJSON struct {
	ID         string               `json:"id"`
	Name       string               `json:"name"`
	Type       string               `json:"type"`
	Properties definitionProperties `json:"properties"`
}

type definitionProperties struct {
	RoleName         string       `json:"roleName"`
	Type             string       `json:"type"`
	Description      string       `json:"description"`
	AssignableScopes []string     `json:"assignableScopes"`
	Permissions      []permission `json:"permissions"`
}

// definitionID names the subscription that the scope lies in, as the service does.
func definitionID(scope, roleID string) string {
	id := "/providers/Microsoft.Authorization/roleDefinitions/" + roleID
	if subscription := scopeSubscription(scope); subscription != "" {
		return "/subscriptions/" + subscription + id
	}
	return id
}

func (r role) json(scope string) definitionJSON {
	granted := r.permission
	for _, list := range []*[]string{&granted.Actions, &granted.NotActions, &granted.DataActions, &granted.NotDataActions} {
		*list = append([]string{}, *list...)
	}
	return definitionJSON{
		ID:   definitionID(scope, r.id),
		Name: r.id,
		Type: "Microsoft.Authorization/roleDefinitions",
		Properties: definitionProperties{
			RoleName: r.name, Type: "BuiltInRole", Description: r.name, AssignableScopes: []string{"/"}, Permissions: []permission{granted},
		},
	}
}

// https://learn.microsoft.com/rest/api/authorization/role-definitions/get
func (s *Service) getDefinition(c *call) (answer, error) {
	if err := s.authorize(c, "Microsoft.Authorization/roleDefinitions/read", c.path["scope"]); err != nil {
		return answer{}, err
	}
	found, known := roles[strings.ToLower(c.path["name"])]
	if !known {
		return answer{}, refuse(http.StatusNotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", c.path["name"])
	}
	return ok(found.json(c.path["scope"]))
}

var nameEquals = regexp.MustCompile(`(?i)^roleName\s+eq\s+'([^']*)'$`)

// https://learn.microsoft.com/rest/api/authorization/role-definitions/list
func (s *Service) listDefinitions(c *call) (answer, error) {
	if err := s.authorize(c, "Microsoft.Authorization/roleDefinitions/read", c.path["scope"]); err != nil {
		return answer{}, err
	}
	text := c.request.URL.Query().Get("$filter")
	name := nameEquals.FindStringSubmatch(text)
	if text != "" && name == nil && !strings.EqualFold(text, "type eq 'BuiltInRole'") && !strings.EqualFold(text, "atScopeAndBelow()") {
		return answer{}, badRequest("InvalidFilter", "The filter '%s' is not supported.", text)
	}
	found := []any{}
	for _, id := range slices.Sorted(maps.Keys(roles)) {
		if name == nil || strings.EqualFold(name[1], roles[id].name) {
			found = append(found, roles[id].json(c.path["scope"]))
		}
	}
	return s.page(c, found)
}
