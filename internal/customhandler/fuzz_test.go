package customhandler_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/customhandler"
)

// FuzzInvocation feeds whole calls to every decoder: none may panic.
func FuzzInvocation(f *testing.F) {
	f.Add(capturedMessage)
	f.Add(`{"Data":{"timer":{"ScheduleStatus":{"Last":"0001-01-01T00:00:00"},"IsPastDue":true}},"Metadata":{"sys":{}}}`)
	f.Add(`{"Data":{"event":{"specversion":"1.0","id":"1","type":"t","data_base64":"e30="}}}`)
	f.Add(`{"Data":null,"Metadata":[]}`)
	f.Fuzz(func(t *testing.T, body string) {
		in, err := customhandler.ParseInvocation("fn", "id", []byte(body))
		if err != nil {
			return
		}
		in.ServiceBus()
		in.Timer()
		in.EventGrid()
	})
}

// FuzzServiceBusBody sends a body as the host encodes bytes and as it encodes
// text: both must arrive as they were sent.
func FuzzServiceBusBody(f *testing.F) {
	f.Add([]byte(`{"a":1}`))
	f.Add([]byte(`"quoted"`))
	f.Add([]byte("aGVsbG8="))
	f.Add([]byte{0xff, 0x00})
	f.Fuzz(func(t *testing.T, body []byte) {
		asBytes, err := json.Marshal(body)
		require.NoError(t, err)
		if body != nil {
			assert.Equal(t, string(body), received(t, asBytes))
		}
		inner, err := json.Marshal(string(body))
		require.NoError(t, err)
		asText, err := json.Marshal(string(inner))
		require.NoError(t, err)
		var readable string
		require.NoError(t, json.Unmarshal(inner, &readable))
		assert.Equal(t, readable, received(t, asText))
	})
}

func received(t *testing.T, data json.RawMessage) string {
	in := customhandler.Invocation{Function: "fn", Data: map[string]json.RawMessage{"msg": data}}
	message, err := in.ServiceBus()
	require.NoError(t, err)
	return string(message.Body)
}

// FuzzMetadata puts one value in every place of the metadata: none is trusted, none
// fails the message.
func FuzzMetadata(f *testing.F) {
	f.Add(`"\"x\""`)
	f.Add(`{"a":[1e400]}`)
	f.Add(`"9999-99-99T00:00:00"`)
	f.Fuzz(func(t *testing.T, value string) {
		if !json.Valid([]byte(value)) {
			return
		}
		in := customhandler.Invocation{
			Data:     map[string]json.RawMessage{"msg": json.RawMessage(`"aGVsbG8="`)},
			Metadata: map[string]json.RawMessage{},
		}
		for _, name := range []string{"MessageId", "DeliveryCount", "SequenceNumber", "EnqueuedTimeUtc", "ApplicationProperties"} {
			in.Metadata[name] = json.RawMessage(value)
		}
		message, err := in.ServiceBus()
		require.NoError(t, err)
		assert.Equal(t, "hello", string(message.Body))
	})
}

// FuzzTimer and FuzzEvent: what decodes has kept its promise.
func FuzzTimer(f *testing.F) {
	f.Add(`{"ScheduleStatus":{"Last":"2026-01-02T04:00:00+01:00","Next":5},"IsPastDue":true}`)
	f.Fuzz(func(t *testing.T, value string) {
		timer, err := customhandler.Invocation{Data: map[string]json.RawMessage{"t": json.RawMessage(value)}}.Timer()
		if err != nil {
			assert.Zero(t, timer)
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add(`{"id":"1","eventType":"t","eventTime":"2026-01-02T03:00:00Z","data":{}}`)
	f.Add(`{"specversion":"1.0","id":"1","type":"t","data":null,"data_base64":"e30="}`)
	f.Fuzz(func(t *testing.T, value string) {
		event, err := customhandler.ParseEvent([]byte(value))
		if err != nil {
			assert.Zero(t, event)
			return
		}
		assert.NotEmpty(t, event.ID)
		assert.NotEmpty(t, event.Type)
		assert.True(t, event.Data == nil || json.Valid(event.Data))
	})
}
