package connections

import (
	"maps"
	"slices"
	"strings"
)

// Connector is an API that connections are made to: a managed or a custom one.
type Connector struct {
	Name        string
	DisplayName string
	// Resource is the audience of the tokens that the connector asks Entra for.
	Resource string
	// Parameters are those of a connection without a parameter set.
	Parameters map[string]Parameter
	Sets       []ParameterSet
	// Alternative connections sign in with a managed identity.
	Alternative bool
	// TestPath is what its test link calls; empty where it has none.
	TestPath string
}

// Parameter is one parameter of a connection.
type Parameter struct {
	Type     string // string, securestring, clientCertificate, oauthSetting, managedIdentity, …
	Required bool
	OAuth    map[string]any // the settings of an oauthSetting
}

// ParameterSet is one way to sign in, of several that a connector has.
type ParameterSet struct {
	Name       string
	Parameters map[string]Parameter
}

func (p Parameter) secret() bool {
	return slices.Contains([]string{"securestring", "secureobject", "clientCertificate"}, p.Type)
}

func (p Parameter) json() map[string]any {
	required := "false"
	if p.Required {
		required = "true"
	}
	shown := map[string]any{"type": p.Type, "uiDefinition": map[string]any{"constraints": map[string]any{"required": required, "hidden": "false"}}}
	if p.OAuth != nil {
		shown["oAuthSettings"] = p.OAuth
	}
	return shown
}

func parametersJSON(parameters map[string]Parameter) map[string]any {
	shown := map[string]any{}
	for name, p := range parameters {
		shown[name] = p.json()
	}
	return shown
}

// describe adds what a connection needs to know to the properties of an API.
func (c *Connector) describe(properties map[string]any) {
	if c.Parameters != nil {
		properties["connectionParameters"] = parametersJSON(c.Parameters)
	}
	if c.Alternative {
		properties["connectionAlternativeParameters"] = map[string]any{"authentication": map[string]any{"type": "managedIdentity"}}
	}
	if len(c.Sets) == 0 {
		return
	}
	values := []any{}
	for _, set := range c.Sets {
		values = append(values, map[string]any{
			"name": set.Name, "uiDefinition": map[string]any{"displayName": set.Name}, "parameters": parametersJSON(set.Parameters),
		})
	}
	properties["connectionParameterSets"] = map[string]any{"uiDefinition": map[string]any{"displayName": "Authentication Type"}, "values": values}
}

// set finds a parameter set by its name, which is matched without case.
func (c *Connector) set(name string) *ParameterSet {
	i := slices.IndexFunc(c.Sets, func(s ParameterSet) bool { return strings.EqualFold(s.Name, name) })
	if i < 0 {
		return nil
	}
	return &c.Sets[i]
}

// named finds a value by its parameter's name without regard to its case, which
// only the name that is written has to have right.
func named(values map[string]any, name string) any {
	for key, value := range values {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return nil
}

func text(values map[string]any, name string) string {
	found, _ := named(values, name).(string)
	return found
}

// visible leaves out the values of secret parameters.
func visible(values map[string]any, of map[string]Parameter) map[string]any {
	shown := maps.Clone(values)
	maps.DeleteFunc(shown, func(name string, _ any) bool { return of[name].secret() })
	return shown
}
