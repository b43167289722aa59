package apiconnection

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
)

// connector is a managed or custom API, as far as it says how its connections sign in.
type connector struct {
	name       string
	parameters map[string]parameter // of connections without a parameter set
	sets       []parameterSet
}

type parameterSet struct {
	Name       string               `json:"name"`
	Parameters map[string]parameter `json:"parameters"`
}

type parameter struct {
	Type         string `json:"type"`
	UIDefinition struct {
		Constraints struct {
			Required any `json:"required"` // "true", or true
		} `json:"constraints"`
	} `json:"uiDefinition"`
}

// The types of parameters that matter here.
// https://learn.microsoft.com/rest/api/connections (ConnectionParameterType)
const (
	typeCertificate     = "clientCertificate"
	typeManagedIdentity = "managedIdentity"
)

func (p parameter) isSecret() bool {
	switch strings.ToLower(p.Type) {
	case "securestring", "secureobject", strings.ToLower(typeCertificate):
		return true
	}
	return false
}

func (p parameter) isRequired() bool {
	return strings.EqualFold(fmt.Sprint(p.UIDefinition.Constraints.Required), "true")
}

// The names of the parameters that client credentials are, whatever their case.
const (
	paramClient      = "token:clientId"
	paramSecret      = "token:clientSecret"
	paramCertificate = "token:clientCertificateSecret"
	paramGrant       = "token:grantType"
)

// isCredential reports that a parameter is rekey's to set, or to compare.
func isCredential(name string) bool {
	return strings.EqualFold(name, paramClient) || strings.EqualFold(name, paramSecret) || strings.EqualFold(name, paramCertificate)
}

// spelled returns a name as a map's keys spell it.
func spelled[V any](of map[string]V, name string) (string, bool) {
	if _, exact := of[name]; exact {
		return name, true
	}
	for key := range of {
		if strings.EqualFold(key, name) {
			return key, true
		}
	}
	return "", false
}

// readConnector reads an API, managed or custom.
func readConnector(body []byte) (connector, error) {
	var api struct {
		Name       string `json:"name"`
		Properties *struct {
			DisplayName          string               `json:"displayName"`
			ConnectionParameters map[string]parameter `json:"connectionParameters"`
			Sets                 struct {
				Values []parameterSet `json:"values"`
			} `json:"connectionParameterSets"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(body, &api); err != nil || api.Properties == nil {
		return connector{}, errNonsense
	}
	return connector{
		name: cmp.Or(api.Name, api.Properties.DisplayName), parameters: api.Properties.ConnectionParameters, sets: api.Properties.Sets.Values,
	}, nil
}

// set finds a parameter set by its name.
func (k connector) set(name string) (parameterSet, bool) {
	for _, s := range k.sets {
		if strings.EqualFold(s.Name, name) {
			return s, true
		}
	}
	return parameterSet{}, false
}

// certificateSet returns the name of the set that takes a certificate, or nothing.
func (k connector) certificateSet() string {
	for _, s := range k.sets {
		if _, takes := spelled(s.Parameters, paramCertificate); takes {
			return s.Name
		}
	}
	return ""
}
