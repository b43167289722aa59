package customhandler_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/customhandler"
)

// capturedMessage is a call as the host makes it without "dataType": "binary": text
// twice quoted, and the body's field copied into the metadata.
const capturedMessage = `{"Data":{"msg":"\"{\\\"message\\\":\\\"hello\\\"}\""},
 "Metadata":{"DeliveryCount":"1","LockToken":"\"4e77\"","MessageId":"\"m-1\"","ContentType":"\"application/json\"","SequenceNumber":"7",
 "EnqueuedTimeUtc":"2023-10-12T20:13:49","ExpiresAtUtc":"2023-10-13T20:13:49","ApplicationProperties":{"integration":"vercel","n":12345678901234567},
 "UserProperties":{},"MessageReceiver":{},"MessageActions":{},"Client":{"FullyQualifiedNamespace":"namespace"},
 "sys":{"MethodName":"fn","UtcNow":"2023-10-12T20:13:49.640002Z","RandGuid":"4e77"},"message":"\"hello\""}}`

func parse(t *testing.T, body string) customhandler.Invocation {
	t.Helper()
	in, err := customhandler.ParseInvocation("fn", "id-1", []byte(body))
	require.NoError(t, err)
	return in
}

func TestServiceBusMessage(t *testing.T) {
	in := parse(t, capturedMessage)
	assert.Equal(t, "id-1", in.ID)
	message, err := in.ServiceBus()
	require.NoError(t, err)
	assert.Equal(t, customhandler.ServiceBusMessage{
		Body:           []byte(`{"message":"hello"}`),
		MessageID:      "m-1",
		ContentType:    "application/json",
		DeliveryCount:  1,
		SequenceNumber: 7,
		EnqueuedTime:   time.Date(2023, 10, 12, 20, 13, 49, 0, time.UTC),
		ExpiresAt:      time.Date(2023, 10, 13, 20, 13, 49, 0, time.UTC),
		ApplicationProperties: map[string]any{
			"integration": "vercel", "n": json.Number("12345678901234567"),
		},
	}, message)
}

func TestServiceBusBody(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"bytes are base64":                          {`"aGVsbG8="`, "hello"},
		"a quoted string is text":                   {`"\"hello\""`, "hello"},
		"quoted text that could be base64 is text":  {`"\"aGVsbG8=\""`, "aGVsbG8="},
		"a string quoted once that is no base64":    {`"{\"a\":1}"`, `{"a":1}`},
		"an object stands for itself":               {`{"a":1}`, `{"a":1}`},
		"an array in a string":                      {`"[1,2]"`, `[1,2]`},
		"a number":                                  {`"1"`, `1`},
		"empty bytes":                               {`""`, ""},
		"empty text":                                {`"\"\""`, ""},
		"text that holds a quoted string keeps it":  {`"\"\\\"x\\\"\""`, `"x"`},
		"bytes that hold a quoted string keep them": {`"Ingi"`, `"x"`},
	} {
		t.Run(name, func(t *testing.T) {
			message, err := parse(t, `{"Data":{"msg":`+c.data+`},"Metadata":{}}`).ServiceBus()
			require.NoError(t, err)
			assert.Equal(t, c.want, string(message.Body))
		})
	}
}

func TestPollutedMetadataReadsAsAbsent(t *testing.T) {
	message, err := parse(t, `{"Data":{"msg":"aGVsbG8="},"Metadata":{"DeliveryCount":{"a":1},"MessageId":["x"],
		"SequenceNumber":"\"many\"","EnqueuedTimeUtc":"\"soon\"","ApplicationProperties":"\"none\"","contenttype":"\"text/plain\""}}`).ServiceBus()
	require.NoError(t, err)
	assert.Equal(t, customhandler.ServiceBusMessage{Body: []byte("hello"), ContentType: "text/plain"}, message)
}

func TestMetadataForms(t *testing.T) {
	want := time.Date(2023, 10, 12, 20, 13, 49, 0, time.UTC)
	for name, c := range map[string]string{
		"as documented":        `"EnqueuedTimeUtc":"2023-10-12T20:13:49","DeliveryCount":"3"`,
		"with a zone":          `"EnqueuedTimeUtc":"2023-10-12T22:13:49+02:00","DeliveryCount":3`,
		"quoted twice":         `"EnqueuedTimeUtc":"\"2023-10-12T20:13:49Z\"","DeliveryCount":"\"3\""`,
		"spelled in lowercase": `"enqueuedtimeutc":"2023-10-12T20:13:49","deliverycount":"3"`,
	} {
		t.Run(name, func(t *testing.T) {
			message, err := parse(t, `{"Data":{"msg":"aGVsbG8="},"Metadata":{`+c+`}}`).ServiceBus()
			require.NoError(t, err)
			assert.Equal(t, want, message.EnqueuedTime)
			assert.Equal(t, 3, message.DeliveryCount)
		})
	}
}

func TestTimer(t *testing.T) {
	last := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		data string
		want customhandler.Timer
	}{
		"without a monitor": {`{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}`, customhandler.Timer{}},
		"first run": {`{"ScheduleStatus":{"Last":"0001-01-01T00:00:00","Next":"2026-01-02T03:00:00Z","LastUpdated":"0001-01-01T00:00:00+00:00"},"IsPastDue":false}`,
			customhandler.Timer{Next: last}},
		"past due": {`{"ScheduleStatus":{"Last":"2026-01-02T04:00:00+01:00","Next":"2026-01-02T03:05:00.5Z"},"IsPastDue":true}`,
			customhandler.Timer{PastDue: true, Last: last, Next: last.Add(5*time.Minute + 500*time.Millisecond)}},
		"as a string": {`"{\"IsPastDue\":true}"`, customhandler.Timer{PastDue: true}},
	} {
		t.Run(name, func(t *testing.T) {
			timer, err := parse(t, `{"Data":{"timer":`+c.data+`},"Metadata":{"sys":{}}}`).Timer()
			require.NoError(t, err)
			assert.Equal(t, c.want, timer)
		})
	}
}

func TestEventGrid(t *testing.T) {
	want := customhandler.Event{
		ID: "e1", Source: "/subscriptions/s/vaults/v", Subject: "secret-1", Type: "Microsoft.KeyVault.SecretNearExpiry",
		Time: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), Data: json.RawMessage(`{"Id":"x"}`),
	}
	const eventGrid = `{"id":"e1","topic":"/subscriptions/s/vaults/v","subject":"secret-1","eventType":"Microsoft.KeyVault.SecretNearExpiry","dataVersion":"1","metadataVersion":"1","eventTime":"2026-01-02T03:00:00Z","data":{"Id":"x"}}`
	quoted, err := json.Marshal(eventGrid)
	require.NoError(t, err)
	for name, data := range map[string]string{
		"Event Grid schema":   eventGrid,
		"as a string":         string(quoted),
		"CloudEvents 1.0":     `{"specversion":"1.0","id":"e1","source":"/subscriptions/s/vaults/v","subject":"secret-1","type":"Microsoft.KeyVault.SecretNearExpiry","time":"2026-01-02T03:00:00Z","data":{"Id":"x"}}`,
		"CloudEvents, base64": `{"specversion":"1.0","id":"e1","source":"/subscriptions/s/vaults/v","subject":"secret-1","type":"Microsoft.KeyVault.SecretNearExpiry","time":"2026-01-02T03:00:00Z","data_base64":"eyJJZCI6IngifQ=="}`,
	} {
		t.Run(name, func(t *testing.T) {
			event, err := parse(t, `{"Data":{"event":`+data+`},"Metadata":{"data":{},"sys":{}}}`).EventGrid()
			require.NoError(t, err)
			assert.Equal(t, want, event)
		})
	}
}

func TestDecodersSayWhatIsWrong(t *testing.T) {
	message := func(in customhandler.Invocation) error { _, err := in.ServiceBus(); return err }
	timer := func(in customhandler.Invocation) error { _, err := in.Timer(); return err }
	event := func(in customhandler.Invocation) error { _, err := in.EventGrid(); return err }
	for name, c := range map[string]struct {
		body   string
		decode func(customhandler.Invocation) error
		want   string
	}{
		"no data":           {`{}`, message, `customhandler: read message of function "fn": the call carries no data`},
		"null":              {`{"Data":{"msg":null}}`, message, `customhandler: read message of function "fn": binding "msg" is null`},
		"two bindings":      {`{"Data":{"b":1,"a":2}}`, timer, `customhandler: read timer of function "fn": one binding expected, the call carries a, b`},
		"no timer":          {`{"Data":{"timer":"x"}}`, timer, `customhandler: read timer of function "fn": must be a JSON object: invalid character 'x' looking for beginning of value`},
		"empty event":       {`{"Data":{"event":{}}}`, event, `customhandler: read event of function "fn": event without id and type`},
		"event time":        {`{"Data":{"event":{"id":"1","eventType":"t","eventTime":"noon"}}}`, event, `customhandler: read event of function "fn": event time "noon": not an ISO 8601 time`},
		"several events":    {`{"Data":{"event":[{"id":"1"}]}}`, event, `customhandler: read event of function "fn": must be one event as a JSON object: it must not be a JSON array`},
		"an id of a number": {`{"Data":{"event":{"id":1}}}`, event, `customhandler: read event of function "fn": must be one event as a JSON object: id must not be a JSON number`},
		"a timer's truth":   {`{"Data":{"timer":{"IsPastDue":"yes"}}}`, timer, `customhandler: read timer of function "fn": must be a JSON object: IsPastDue must not be a JSON string`},
		"event in base64":   {`{"Data":{"event":{"specversion":"1.0","id":"1","type":"t","data_base64":"!"}}}`, event, `customhandler: read event of function "fn": event data_base64: not JSON in base64`},
	} {
		t.Run(name, func(t *testing.T) {
			assert.EqualError(t, c.decode(parse(t, c.body)), c.want)
		})
	}
}

func TestParseInvocationRefusesWhatIsNoObject(t *testing.T) {
	_, err := customhandler.ParseInvocation("fn", "id", []byte(`[]`))
	assert.EqualError(t, err, `customhandler: decode call of function "fn": must be a JSON object with Data and Metadata: it must not be a JSON array`)
}

func TestResultIsNeverEmpty(t *testing.T) {
	answer, err := json.Marshal(customhandler.Result{})
	require.NoError(t, err)
	assert.Equal(t, `{"Outputs":{},"Logs":[],"ReturnValue":null}`, string(answer))
}
