package customhandler

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Invocation is one trigger call as the host sent it. ID is the host's invocation
// id; a message that is delivered again has another one.
type Invocation struct {
	ID       string
	Function string
	Data     map[string]json.RawMessage
	Metadata map[string]json.RawMessage
}

// ParseInvocation decodes the body of a trigger call.
func ParseInvocation(function, id string, body []byte) (Invocation, error) {
	var wire struct{ Data, Metadata map[string]json.RawMessage }
	if err := json.Unmarshal(body, &wire); err != nil {
		return Invocation{}, fmt.Errorf("customhandler: decode call of function %q: must be a JSON object with Data and Metadata: %w", function, unreadable(err))
	}
	return Invocation{ID: id, Function: function, Data: wire.Data, Metadata: wire.Metadata}, nil
}

// trigger returns the value of the one trigger binding.
func (in Invocation) trigger() (json.RawMessage, error) {
	names := slices.Sorted(maps.Keys(in.Data))
	if len(names) == 0 {
		return nil, errors.New("the call carries no data")
	}
	if len(names) > 1 {
		return nil, fmt.Errorf("one binding expected, the call carries %s", strings.Join(names, ", "))
	}
	value := in.Data[names[0]]
	if isNull(value) {
		return nil, fmt.Errorf("binding %q is null", names[0])
	}
	return value, nil
}

// metadata finds a value by name. The host's dictionary ignores case and keeps the
// spelling of whoever wrote a key first.
func (in Invocation) metadata(name string) json.RawMessage {
	if value, exact := in.Metadata[name]; exact {
		return value
	}
	for _, key := range slices.Sorted(maps.Keys(in.Metadata)) {
		if strings.EqualFold(key, name) {
			return in.Metadata[key]
		}
	}
	return nil
}

// Result is what the host expects as the answer to a trigger call. Its zero value
// is the answer of a function without outputs. An output that is a string of valid
// base64 arrives decoded at the binding, so outputs had better be objects.
type Result struct {
	Outputs     map[string]any
	Logs        []string
	ReturnValue any
}

// MarshalJSON writes all three members, none of the first two as null.
func (r Result) MarshalJSON() ([]byte, error) {
	type wire Result
	if r.Outputs == nil {
		r.Outputs = map[string]any{}
	}
	if r.Logs == nil {
		r.Logs = []string{}
	}
	return json.Marshal(wire(r))
}
