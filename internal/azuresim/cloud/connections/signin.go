package connections

import (
	"maps"
	"slices"
	"strings"
)

// readSignIn reads the values of a connection's parameters, in one of three forms.
func readSignIn(properties map[string]any, c *Connector) (signIn, error) {
	values, hasValues := properties["parameterValues"]
	set, hasSet := properties["parameterValueSet"]
	alternative := strings.EqualFold(text(properties, "parameterValueType"), "Alternative")
	switch {
	case hasValues && hasSet:
		return signIn{}, badRequest("InvalidConnectionParameters", "A connection has either 'parameterValues' or 'parameterValueSet'.")
	case alternative && !c.Alternative:
		return signIn{}, badRequest("AlternativeParametersNotSupported", "The API '%s' has no alternative connection parameters.", c.Name)
	case hasSet:
		return readSet(object(set), c)
	}
	given := object(values)
	if err := checkValues(given, c.Parameters); err != nil {
		return signIn{}, err
	}
	return signIn{form: plain, values: given}, nil
}

// readSet accepts a set that has not the form of one: it leaves the connection in Error.
func readSet(given map[string]any, c *Connector) (signIn, error) {
	name, isText := given["name"].(string)
	if !isText {
		return signIn{form: flat, values: given}, nil
	}
	set := c.set(name)
	if set == nil {
		return signIn{}, badRequest("ParameterSetNotDefined", "The parameter set '%s' is not one of API '%s'.", name, c.Name)
	}
	values := map[string]any{}
	for key, wrapped := range object(given["values"]) {
		value, hasValue := object(wrapped)["value"]
		if !hasValue {
			return signIn{form: flat, values: given}, nil
		}
		values[key] = value
	}
	if err := checkValues(values, set.Parameters); err != nil {
		return signIn{}, err
	}
	return signIn{form: inSet, set: set.Name, values: values}, nil
}

// checkValues refuses what the connector does not know, spelled exactly, and
// values of another type than its parameter's.
func checkValues(values map[string]any, known map[string]Parameter) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parameter, defined := known[name]
		if !defined {
			return badRequest("ParameterNotDefined", "Parameter '%s' is not allowed on the connection since it was not defined as a connection parameter when api was registered.", name)
		}
		_, isText := values[name].(string)
		if parameter.Type == "clientCertificate" {
			isText = text(object(values[name]), "pfx") != ""
		}
		if !isText && slices.Contains([]string{"string", "securestring", "clientCertificate"}, parameter.Type) {
			return badRequest("InvalidConnectionParameterValue", "The value of parameter '%s' is not of the type '%s'.", name, parameter.Type)
		}
	}
	return nil
}
