package apiconnection

import (
	"encoding/json"
	"testing"
	"time"

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

func TestRetryAfterIsReadInAllItsForms(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "2.5": 2500 * time.Millisecond, "-1": 0, "soon": 0, "NaN": 0, "1e300": 0,
		"Sun, 01 Mar 2026 12:00:30 GMT": 30 * time.Second, "Sun, 01 Mar 2026 11:00:00 GMT": 0,
	} {
		assert.Equal(t, want, retryAfter(text, now), text)
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
