package devops

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Organization is what AddOrganization needs. The id is made up if it is left
// out, and the tenant is the service's own.
type Organization struct{ ID, Name, TenantID string }

// AddOrganization adds an organization without members and projects.
func (s *Service) AddOrganization(o Organization) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.organizations[strings.ToLower(o.Name)] = &organization{
		id: cmp.Or(o.ID, uuid.NewString()), name: o.Name, tenantID: cmp.Or(o.TenantID, s.tenantID), members: map[string]*member{},
	}
}

// AddProject adds a project to an organization and returns its id.
func (s *Service) AddProject(org, name string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.existing(org)
	p := &project{id: uuid.NewString(), name: name}
	o.projects = append(o.projects, p)
	slices.SortFunc(o.projects, func(a, b *project) int { return cmp.Compare(a.name, b.name) })
	return p.id
}

// AddMember lets a principal into an organization and some of its projects.
func (s *Service) AddMember(org, objectID string, projects ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.existing(org)
	added := &member{}
	for _, name := range projects {
		added.projects = append(added.projects, o.existingProject(name).id)
	}
	o.members[objectID] = added
}

// Connection is what AddConnection needs. Type is azurerm, Scheme that of a
// service principal, and the id made up, if they are left out.
type Connection struct {
	ID, Name, Description, Type, Scheme string
	Projects                            []string // names
	Parameters                          map[string]string
	Data                                map[string]string
	Extra                               map[string]any // further properties of the object
}

// AddConnection adds a service connection that is ready, and returns its id.
func (s *Service) AddConnection(org string, c Connection) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.existing(org)
	c.ID = cmp.Or(c.ID, uuid.NewString())
	document := o.document(c)
	n := &connection{id: c.ID, roles: map[string]Role{}, orgRoles: map[string]Role{}}
	n.secrets = takeSecrets(document, nil)
	n.document = document
	o.connections = append(o.connections, n)
	return c.ID
}

// document is a connection as the API has it.
func (o *organization) document(c Connection) map[string]any {
	references := []any{}
	for _, name := range c.Projects {
		p := o.existingProject(name)
		references = append(references, map[string]any{
			"projectReference": map[string]any{"id": p.id, "name": p.name}, "name": c.Name, "description": c.Description,
		})
	}
	document := map[string]any{
		"id": c.ID, "name": c.Name, "description": c.Description, "type": cmp.Or(c.Type, "azurerm"), "url": "https://management.azure.com/",
		"owner": "library", "createdBy": map[string]any{"displayName": "Ada Example", "id": identity("ada"), "uniqueName": "ada@example.com"},
		"data":                             c.Data,
		"authorization":                    map[string]any{"scheme": cmp.Or(c.Scheme, SchemeServicePrincipal), "parameters": c.Parameters},
		"serviceEndpointProjectReferences": references,
	}
	for name, value := range c.Extra {
		document[name] = value
	}
	return plain(document)
}

// plain turns a document into what JSON makes of it.
func plain(document map[string]any) (same map[string]any) {
	text, err := json.Marshal(document)
	if err == nil {
		err = json.Unmarshal(text, &same)
	}
	if err != nil {
		panic(fmt.Sprintf("devops: a connection that is no JSON: %v", err))
	}
	return same
}

// SetRole gives a principal a role at a connection.
func (s *Service) SetRole(org, connection, objectID string, role Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.existing(org).connection(connection).roles[objectID] = role
}

// SetOrganizationRole gives a principal a role at a connection at the level of
// the organization, which the administrator of a shared connection needs.
func (s *Service) SetOrganizationRole(org, connection, objectID string, role Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.existing(org).connection(connection).orgRoles[objectID] = role
}

// Federate converts a connection to workload identity federation, as a person does
// in the portal: from then on it has no credential.
func (s *Service) Federate(org, connection string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.existing(org).connection(connection)
	authorization, _ := c.document["authorization"].(map[string]any)
	parameters, _ := authorization["parameters"].(map[string]any)
	for _, name := range []string{"serviceprincipalkey", "servicePrincipalCertificate", "authenticationType"} {
		delete(parameters, name)
	}
	authorization["scheme"], c.secrets = SchemeFederation, nil
}

// FailNextChange lets the next change of a connection end in failure.
func (s *Service) FailNextChange(org, connection, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.existing(org).connection(connection).failsWith = message
}

// existing panics where a seed names what it did not add.
func (s *Service) existing(org string) *organization {
	o := s.organizations[strings.ToLower(org)]
	if o == nil {
		panic(fmt.Sprintf("devops: no organization %q", org))
	}
	return o
}

func (o *organization) existingProject(name string) *project {
	p := o.find(name)
	if p == nil {
		panic(fmt.Sprintf("devops: no project %q", name))
	}
	return p
}
