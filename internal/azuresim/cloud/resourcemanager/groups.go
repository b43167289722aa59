package resourcemanager

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

type resourceJSON struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Location   string            `json:"location,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Properties any               `json:"properties,omitempty"`
}

func (s *Service) subscriptionJSON(sub *subscription) any {
	return map[string]any{
		"id": "/subscriptions/" + sub.id, "subscriptionId": sub.id, "tenantId": s.tenantID,
		"displayName": sub.name, "state": "Enabled", "authorizationSource": "RoleBased",
	}
}

// https://learn.microsoft.com/rest/api/resources/subscriptions/list
func (s *Service) listSubscriptions(c *call) (answer, error) {
	found := []any{}
	for _, key := range slices.Sorted(maps.Keys(s.subscriptions)) {
		if sub := s.subscriptions[key]; s.below(c, "/subscriptions/"+sub.id) {
			found = append(found, s.subscriptionJSON(sub))
		}
	}
	return s.page(c, found)
}

func (s *Service) getSubscription(c *call) (answer, error) {
	sub := s.subscriptions[strings.ToLower(c.path["subscription"])]
	if scope := "/subscriptions/" + sub.id; !s.below(c, scope) {
		return answer{}, s.authorize(c, "Microsoft.Resources/subscriptions/read", scope)
	}
	return ok(s.subscriptionJSON(sub))
}

func groupID(subscription, name string) string {
	return "/subscriptions/" + subscription + "/resourceGroups/" + name
}

func (g *group) json(subscription string) resourceJSON {
	return resourceJSON{
		ID: groupID(subscription, g.name), Name: g.name, Type: "Microsoft.Resources/resourceGroups",
		Location: g.location, Tags: g.tags, Properties: map[string]string{"provisioningState": "Succeeded"},
	}
}

const readGroups = "Microsoft.Resources/subscriptions/resourceGroups/read"

// https://learn.microsoft.com/rest/api/resources/resource-groups/list
func (s *Service) listGroups(c *call) (answer, error) {
	sub := s.subscriptions[strings.ToLower(c.path["subscription"])]
	if !s.below(c, "/subscriptions/"+sub.id) {
		return answer{}, s.authorize(c, readGroups, "/subscriptions/"+sub.id)
	}
	found := []any{}
	for _, key := range slices.Sorted(maps.Keys(sub.groups)) {
		if g := sub.groups[key]; s.mayRead(c, readGroups, groupID(sub.id, g.name)) {
			found = append(found, g.json(sub.id))
		}
	}
	return s.page(c, found)
}

// https://learn.microsoft.com/rest/api/resources/resource-groups/get
func (s *Service) getGroup(c *call) (answer, error) {
	sub, name := s.subscriptions[strings.ToLower(c.path["subscription"])], c.path["group"]
	if err := s.authorize(c, readGroups, groupID(sub.id, name)); err != nil {
		return answer{}, err
	}
	found := sub.groups[strings.ToLower(name)]
	if found == nil {
		return answer{}, groupNotFound(name)
	}
	return ok(found.json(sub.id))
}

// https://learn.microsoft.com/rest/api/resources/resource-groups/create-or-update
func (s *Service) putGroup(c *call) (answer, error) {
	sub, name := s.subscriptions[strings.ToLower(c.path["subscription"])], c.path["group"]
	if err := s.authorize(c, "Microsoft.Resources/subscriptions/resourceGroups/write", groupID(sub.id, name)); err != nil {
		return answer{}, err
	}
	var body resourceJSON
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	if body.Location == "" {
		return answer{}, badRequest("LocationRequired", "The location property is required for this definition.")
	}
	found := sub.groups[strings.ToLower(name)]
	if found != nil {
		found.tags = body.Tags
		return ok(found.json(sub.id))
	}
	made := &group{name: name, location: body.Location, tags: body.Tags}
	sub.groups[strings.ToLower(name)] = made
	return answer{http.StatusCreated, made.json(sub.id)}, nil
}

var typeEquals = regexp.MustCompile(`(?i)^resourceType\s+eq\s+'Microsoft.KeyVault/vaults'$`)

// listResources knows vaults only.
// https://learn.microsoft.com/rest/api/resources/resources/list
func (s *Service) listResources(c *call) (answer, error) {
	if filter := c.request.URL.Query().Get("$filter"); filter != "" && !typeEquals.MatchString(filter) {
		return s.page(c, []any{})
	}
	found, err := s.readableVaults(c, "/subscriptions/"+c.path["subscription"])
	if err != nil {
		return answer{}, err
	}
	generic := []any{}
	for _, v := range found {
		generic = append(generic, resourceJSON{ID: v.id(), Name: v.name, Type: vaultType, Location: v.location, Tags: v.tags})
	}
	return s.page(c, generic)
}
