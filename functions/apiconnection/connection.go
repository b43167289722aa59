package apiconnection

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
)

// connection is an API connection as it was read: the whole object, and what rekey
// understands of it.
type connection struct {
	ID, Name string

	document   map[string]json.RawMessage
	properties map[string]json.RawMessage
	shown
}

// shown are the properties that matter here.
type shown struct {
	API struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"api"`
	DisplayName        string                     `json:"displayName"`
	ParameterValueType string                     `json:"parameterValueType"`
	NonSecret          map[string]json.RawMessage `json:"nonSecretParameterValues"`
	Set                *struct {
		Name   string `json:"name"`
		Values map[string]struct {
			Value json.RawMessage `json:"value"`
		} `json:"values"`
	} `json:"parameterValueSet"`
	User struct {
		Name string `json:"name"`
	} `json:"authenticatedUser"`
	OverallStatus string   `json:"overallStatus"`
	Statuses      []status `json:"statuses"`
	TestLinks     []struct {
		RequestURI string `json:"requestUri"`
		Method     string `json:"method"`
	} `json:"testLinks"`
}

var errNonsense = errors.New("the answer makes no sense")

// readConnection reads the connection of an identifier. What is not one, or another,
// is an error.
func readConnection(body []byte, id string) (c connection, err error) {
	if err := json.Unmarshal(body, &c.document); err != nil {
		return c, errNonsense
	}
	text := func(name string) (value string) {
		if json.Unmarshal(c.document[name], &value) != nil {
			return ""
		}
		return value
	}
	c.ID, c.Name = text("id"), text("name")
	properties := c.document["properties"]
	if !strings.EqualFold(c.ID, id) || c.Name == "" || json.Unmarshal(properties, &c.properties) != nil || json.Unmarshal(properties, &c.shown) != nil || c.API.ID == "" {
		return c, errNonsense
	}
	return c, nil
}

// values are the parameters that the connection shows.
func (c connection) values() map[string]json.RawMessage {
	if c.Set == nil {
		return c.NonSecret
	}
	values := map[string]json.RawMessage{}
	for name, wrapped := range c.Set.Values {
		values[name] = wrapped.Value
	}
	return values
}

// computed are what the service makes and a write need not hold.
func computed() (ofDocument, ofProperties []string) {
	return []string{"id", "name", "type", "systemData"}, []string{
		"statuses", "overallStatus", "testLinks", "testRequests", "createdTime", "changedTime", "authenticatedUser",
		"connectionRuntimeUrl", "nonSecretParameterValues", "parameterValues", "parameterValueSet",
	}
}

// with is the whole object with other values, for writing.
func (c connection) with(values map[string]any) ([]byte, error) {
	document, properties := maps.Clone(c.document), maps.Clone(c.properties)
	ofDocument, ofProperties := computed()
	for _, name := range ofDocument {
		delete(document, name)
	}
	for _, name := range ofProperties {
		delete(properties, name)
	}
	name, form := "parameterValues", any(values)
	if c.Set != nil {
		wrapped := map[string]any{}
		for key, value := range values {
			wrapped[key] = map[string]any{"value": value}
		}
		name, form = "parameterValueSet", map[string]any{"name": c.Set.Name, "values": wrapped}
	}
	var err error
	if properties[name], err = json.Marshal(form); err != nil {
		return nil, err
	}
	if document["properties"], err = json.Marshal(properties); err != nil {
		return nil, err
	}
	return json.Marshal(document)
}
