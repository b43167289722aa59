package apiconnection

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAStateIsTheWorstOfAllStatuses(t *testing.T) {
	for properties, want := range map[string]state{
		`{"overallStatus":"Connected","statuses":[{"status":"Connected"}]}`:                    stateConnected,
		`{"statuses":[{"status":"connected"}]}`:                                                stateConnected,
		`{"overallStatus":"Ready"}`:                                                            stateConnected,
		`{"overallStatus":"Connected","statuses":[{"status":"Connected"},{"status":"Error"}]}`: stateError,
		`{"overallStatus":"Unauthenticated"}`:                                                  stateError,
		`{}`:                                                                                   stateUnknown,
		`{"statuses":[{}]}`:                                                                    stateUnknown,
	} {
		var c connection
		require.NoError(t, json.Unmarshal([]byte(properties), &c.shown))
		assert.Equal(t, want, c.state(), properties)
		assert.Equal(t, want == stateConnected, c.refusal() == nil)
	}
}

// FuzzReadConnection: what was read is written back as an object, whatever it was.
func FuzzReadConnection(f *testing.F) {
	const id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/connections/c"
	for _, seed := range []string{
		`{"id":"` + id + `","name":"c","properties":{"api":{"id":"x"},"parameterValueSet":{"name":"s","values":{"a":{"value":1}}}}}`,
		`{"id":"` + id + `","name":"c","properties":{"api":{"id":"x"},"nonSecretParameterValues":{"a":null},"testLinks":[{}]}}`,
		`{"properties":null}`, `[]`, `null`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c, err := readConnection([]byte(body), id)
		if err != nil {
			return
		}
		values := map[string]any{}
		for name, value := range c.values() {
			values[name] = value
		}
		written, err := c.with(values)
		if err != nil {
			return // a number that Go does not write
		}
		assert.True(t, json.Valid(written))
		_ = c.refusal()
	})
}

func FuzzReadConnector(f *testing.F) {
	f.Add(`{"name":"x","properties":{"connectionParameters":{"token:clientId":{"type":"string","uiDefinition":{"constraints":{"required":true}}}}}}`)
	f.Add(`{"properties":{"connectionParameterSets":{"values":[{"name":"s","parameters":{"a":{"type":"clientCertificate"}}}]}}}`)
	f.Fuzz(func(_ *testing.T, body string) {
		if k, err := readConnector([]byte(body)); err == nil {
			_ = k.certificateSet()
		}
	})
}
