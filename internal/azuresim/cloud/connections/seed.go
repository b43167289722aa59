package connections

import (
	"cmp"
	"maps"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// Connection is a connection that stands from the start. Its resource group has to
// be made at Resource Manager.
type Connection struct {
	Name          string
	Subscription  string
	ResourceGroup string
	Location      string // westeurope when left out
	Kind          string // V1 when left out
	Tags          map[string]any
	// API is a managed API's name, or a custom one's identifier from AddCustomAPI.
	API string
	// Set names the parameter set that Values are for; empty where they are for none.
	Set    string
	Values map[string]any
	// Alternative connections sign in with the managed identity of whoever uses them.
	Alternative bool
	// User is who consented, of a connection that signs in as a user.
	User string
	// Properties are further ones.
	Properties map[string]any
	// TestStatus is what the test link answers; when left out, what the sign-in comes to.
	TestStatus int
}

// AddConnection adds a connection and returns its identifier. It panics where the
// API does not exist, because that is a mistake of the program.
func (s *Service) AddConnection(seed Connection) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	connector, api := s.seededAPI(seed)
	now := s.clock.Now()
	made := &connection{
		subscription: seed.Subscription, group: seed.ResourceGroup, name: seed.Name, connector: connector,
		top: map[string]any{"location": cmp.Or(seed.Location, defaultLocation), "kind": cmp.Or(seed.Kind, "V1")}, properties: maps.Clone(seed.Properties),
		signIn: signIn{set: seed.Set, values: maps.Clone(seed.Values)}, user: seed.User, testStatus: seed.TestStatus, created: now, changed: now.Add(-s.options.StatusDelay),
	}
	if seed.Tags != nil {
		made.top["tags"] = maps.Clone(seed.Tags)
	}
	if made.properties == nil {
		made.properties = map[string]any{}
	}
	if seed.Set != "" {
		made.signIn.form = inSet
	}
	made.properties["api"] = api
	if made.properties["displayName"] == nil {
		made.properties["displayName"] = seed.Name
	}
	if seed.Alternative {
		made.properties["parameterValueType"] = "Alternative"
	}
	if seed.User != "" {
		made.status = status{state: connected}
	}
	s.connections = append(s.connections, made)
	return made.id()
}

const defaultLocation = "westeurope"

func (s *Service) seededAPI(seed Connection) (*Connector, map[string]any) {
	if found := s.managedAPI(seed.API); found != nil {
		return found, referTo(found, managedAPIID(seed.Subscription, cmp.Or(seed.Location, defaultLocation), found.Name), managedAPIType)
	}
	for _, a := range s.customAPIs {
		if a.id() == seed.API {
			return &a.Connector, referTo(&a.Connector, a.id(), customAPIType)
		}
	}
	panic("connections: there is no API " + seed.API)
}

// AddCustomAPI adds a custom connector whose connections sign in to Entra with
// client credentials. Its parameters are spelled as generic OAuth connectors spell
// theirs: token:ClientId. Further parameters are added to them. It returns the
// identifier.
func (s *Service) AddCustomAPI(subscription, group, name string, further map[string]Parameter) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	parameters := servicePrincipal("oauth2generic", entra.GraphAudience, "token:ClientId", "token:ClientSecret", "token:TenantId")
	maps.Copy(parameters, further)
	made := &customAPI{
		Connector:    Connector{Name: name, DisplayName: name, Resource: entra.GraphAudience, Parameters: parameters, TestPath: testConnection},
		subscription: subscription, group: group, top: map[string]any{"location": defaultLocation},
		properties: map[string]any{"displayName": name, "apiType": "Rest", "capabilities": []any{}},
	}
	s.customAPIs = append(s.customAPIs, made)
	return made.id()
}
