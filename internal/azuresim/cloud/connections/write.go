package connections

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const (
	writeConnection  = "Microsoft.Web/connections/write"
	deleteConnection = "Microsoft.Web/connections/delete"
)

// putConnection replaces the whole connection.
func (s *Service) putConnection(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := bodyOf(r)
	if err != nil {
		return 0, nil, err
	}
	return s.write(r, body, s.find(r.Path))
}

// patchConnection changes what is given, property by property.
func (s *Service) patchConnection(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := bodyOf(r)
	if err != nil {
		return 0, nil, err
	}
	before := s.find(r.Path)
	if before == nil {
		return 0, nil, notFound(connectionType, r.Path)
	}
	properties := maps.Clone(before.properties)
	maps.Copy(properties, object(body["properties"]))
	merged := maps.Clone(before.top)
	maps.Copy(merged, body)
	merged["properties"] = properties
	return s.write(r, merged, before)
}

func bodyOf(r *resourcemanager.Request) (body map[string]any, err error) {
	if err := permitted(r, writeConnection); err != nil {
		return nil, err
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body == nil {
		return nil, badRequest("InvalidRequestContent", "The request content was invalid: a connection is required.")
	}
	return body, nil
}

// write checks a whole connection and puts it where one may have been before.
func (s *Service) write(r *resourcemanager.Request, body map[string]any, before *connection) (int, any, error) {
	made, err := s.read(r, body, before)
	if err != nil {
		return 0, nil, err
	}
	made.created, made.changed = r.Now, r.Now
	if before == nil {
		s.connections = append(s.connections, made)
		s.settle(r.Context(), made)
		return http.StatusCreated, made.json(), nil
	}
	made.created, made.testStatus = before.created, before.testStatus
	made.keepConsent(before)
	*before = *made
	s.settle(r.Context(), before)
	return http.StatusOK, before.json(), nil
}

var namePattern = regexp.MustCompile(`^[\p{L}\p{N}_().-]{1,80}$`)

// read checks the body of a write.
func (s *Service) read(r *resourcemanager.Request, body map[string]any, before *connection) (*connection, error) {
	made := &connection{subscription: r.Path["subscription"], group: r.Path["group"], name: r.Path["name"], top: body}
	if before != nil {
		made.subscription, made.group, made.name = before.subscription, before.group, before.name
	}
	properties, isObject := body["properties"].(map[string]any)
	switch {
	case !namePattern.MatchString(made.name):
		return nil, badRequest("InvalidResourceName", "The resource name '%s' is not valid.", made.name)
	case !isObject:
		return nil, badRequest("InvalidRequestContent", "The request content was invalid: the property 'properties' is required.")
	case made.location() == "":
		return nil, badRequest("LocationRequired", "The location property is required for this definition.")
	case before != nil && !sameLocation(before.location(), made.location()):
		return nil, resourcemanager.Refuse(http.StatusConflict, "InvalidResourceLocation", "The resource '%s' already exists in location '%s' in resource group '%s'. A resource with the same name cannot be created in location '%s'. Please select a new resource name.",
			made.name, before.location(), made.group, made.location())
	}
	if err := made.checkKind(); err != nil {
		return nil, err
	}
	connector, api, err := s.joined(r, object(properties["api"]))
	if err != nil {
		return nil, err
	}
	made.connector = connector
	if made.signIn, err = readSignIn(properties, connector); err != nil {
		return nil, err
	}
	if before != nil && r.Method == http.MethodPatch && properties["parameterValues"] == nil && properties["parameterValueSet"] == nil {
		made.signIn = before.signIn
	}
	made.properties = maps.Clone(properties)
	made.properties["api"] = api
	maps.DeleteFunc(made.properties, func(name string, _ any) bool { return slices.Contains(computed(), name) })
	maps.DeleteFunc(made.top, func(name string, _ any) bool {
		return slices.Contains([]string{"id", "name", "type", "properties"}, name)
	})
	return made, nil
}

// computed are the properties that a write may hold and that have no effect.
func computed() []string {
	return []string{
		"statuses", "overallStatus", "testLinks", "testRequests", "createdTime", "changedTime", "authenticatedUser",
		"connectionRuntimeUrl", "nonSecretParameterValues", "parameterValues", "parameterValueSet",
	}
}

func (c *connection) checkKind() error {
	switch kind := text(c.top, "kind"); strings.ToUpper(kind) {
	case "":
		c.top["kind"] = "V1"
	case "V1", "V2":
	default:
		return badRequest("InvalidConnectionKind", "The connection kind '%s' is not valid. The kinds are 'V1' and 'V2'.", kind)
	}
	return nil
}

// keepConsent keeps a user's sign-in where nothing else takes its place.
func (c *connection) keepConsent(before *connection) {
	if before.user != "" && len(c.signIn.values) == 0 && c.connector == before.connector {
		c.user, c.status = before.user, before.status
	}
}

func (s *Service) deleteConnection(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := r.Authorize(deleteConnection, connectionID(r.Path["subscription"], r.Path["group"], r.Path["name"])); err != nil {
		return 0, nil, err
	}
	found := s.find(r.Path)
	if found == nil {
		return http.StatusNoContent, nil, nil
	}
	s.connections = slices.DeleteFunc(s.connections, func(c *connection) bool { return c == found })
	return http.StatusOK, nil, nil
}

func object(value any) map[string]any {
	found, _ := value.(map[string]any)
	return found
}

// sameLocation compares "West Europe" with "westeurope".
func sameLocation(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, " ", ""), strings.ReplaceAll(b, " ", ""))
}
