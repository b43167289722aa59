package connections

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const (
	customAPIType   = "Microsoft.Web/customApis"
	readCustomAPI   = "Microsoft.Web/customApis/read"
	writeCustomAPI  = "Microsoft.Web/customApis/write"
	deleteCustomAPI = "Microsoft.Web/customApis/delete"
)

// customAPI is a connector that somebody made, in a resource group.
type customAPI struct {
	Connector
	subscription, group string
	top, properties     map[string]any // as written, without the connector's parameters
}

func customAPIID(subscription, group, name string) string {
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/%s/%s", subscription, group, customAPIType, name)
}

func (a *customAPI) id() string { return customAPIID(a.subscription, a.group, a.Name) }

func (a *customAPI) json() map[string]any {
	shown, properties := maps.Clone(a.top), maps.Clone(a.properties)
	a.describe(properties)
	shown["id"], shown["name"], shown["type"], shown["properties"] = a.id(), a.Name, customAPIType, properties
	return shown
}

// customAPI needs the lock.
func (s *Service) customAPI(subscription, group, name string) *customAPI {
	i := slices.IndexFunc(s.customAPIs, func(a *customAPI) bool { return strings.EqualFold(a.id(), customAPIID(subscription, group, name)) })
	if i < 0 {
		return nil
	}
	return s.customAPIs[i]
}

// openCustomAPI authorizes a call on one custom API and finds it, or nothing.
func (s *Service) openCustomAPI(r *resourcemanager.Request, action string) (*customAPI, error) {
	if err := r.Authorize(action, customAPIID(r.Path["subscription"], r.Path["group"], r.Path["name"])); err != nil {
		return nil, err
	}
	if _, err := r.Group(); err != nil {
		return nil, err
	}
	return s.customAPI(r.Path["subscription"], r.Path["group"], r.Path["name"]), nil
}

func (s *Service) getCustomAPI(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.openCustomAPI(r, readCustomAPI)
	if err != nil {
		return 0, nil, err
	}
	if found == nil {
		return 0, nil, notFound(customAPIType, r.Path)
	}
	return http.StatusOK, found.json(), nil
}

func (s *Service) listCustomAPIs(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := inGroup(r); err != nil {
		return 0, nil, err
	}
	var shown []any
	for _, a := range s.customAPIs {
		if under(r.Path, a.subscription, a.group) && r.MayRead(readCustomAPI, a.id()) {
			shown = append(shown, a.json())
		}
	}
	if shown == nil {
		if err := r.Authorize(readCustomAPI, scopeOf(r.Path)); err != nil {
			return 0, nil, err
		}
	}
	return s.page(r, shown)
}

func (s *Service) putCustomAPI(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.openCustomAPI(r, writeCustomAPI)
	if err != nil {
		return 0, nil, err
	}
	var body map[string]any
	if err := r.Decode(&body); err != nil {
		return 0, nil, err
	}
	made := readCustomAPIBody(r.Path, body)
	if text(made.top, "location") == "" {
		return 0, nil, badRequest("LocationRequired", "The location property is required for this definition.")
	}
	if before != nil {
		// The connections keep their connector, in its new form.
		*before = *made
		return http.StatusOK, made.json(), nil
	}
	s.customAPIs = append(s.customAPIs, made)
	return http.StatusCreated, made.json(), nil
}

// readCustomAPIBody reads the parameters; the secret of an OAuth client is not kept.
func readCustomAPIBody(path map[string]string, body map[string]any) *customAPI {
	properties := maps.Clone(object(body["properties"]))
	if properties == nil {
		properties = map[string]any{}
	}
	made := &customAPI{
		Connector: Connector{
			Name: path["name"], DisplayName: text(properties, "displayName"), TestPath: testConnection, Parameters: map[string]Parameter{},
		},
		subscription: path["subscription"], group: path["group"], top: maps.Clone(body), properties: properties,
	}
	for name, described := range object(properties["connectionParameters"]) {
		p := object(described)
		settings := maps.Clone(object(p["oAuthSettings"]))
		delete(settings, "clientSecret")
		required := text(object(object(p["uiDefinition"])["constraints"]), "required")
		made.Parameters[name] = Parameter{Type: text(p, "type"), Required: strings.EqualFold(required, "true"), OAuth: settings}
		if resource := text(object(object(settings["customParameters"])["resourceUri"]), "value"); resource != "" {
			made.Resource = resource
		}
	}
	delete(properties, "connectionParameters")
	return made
}

func (s *Service) deleteCustomAPI(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.openCustomAPI(r, deleteCustomAPI)
	if err != nil {
		return 0, nil, err
	}
	if found == nil {
		return http.StatusNoContent, nil, nil
	}
	s.customAPIs = slices.DeleteFunc(s.customAPIs, func(a *customAPI) bool { return a == found })
	return http.StatusOK, nil, nil
}
