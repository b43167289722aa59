package servicebus_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/servicebus"
)

func TestDecodeReadsEveryAttribute(t *testing.T) {
	e, err := servicebus.Decode([]byte(`{
		"specversion": "1.0", "id": "1", "source": "rekey", "type": "t", "subject": "s", "time": "2026-03-01T12:00:00Z",
		"datacontenttype": "application/json; charset=utf-8", "data": {"a": [1]}, "traceparent": "an extension", "ID": "not the id"
	}`))
	require.NoError(t, err)
	assert.Equal(t, servicebus.Event{
		SpecVersion: "1.0", ID: "1", Source: "rekey", Type: "t", Subject: "s", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		DataContentType: "application/json; charset=utf-8", Data: json.RawMessage(`{"a": [1]}`),
	}, e)
}

func TestDecodeNeedsNoMoreThanItMust(t *testing.T) {
	e, err := servicebus.Decode([]byte(`{"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": 0, "subject": null}`))
	require.NoError(t, err)
	assert.Equal(t, servicebus.Event{SpecVersion: "1.0", ID: "1", Source: "s", Type: "t", Data: json.RawMessage(`0`)}, e)
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	for body, want := range map[string]string{
		``:   "servicebus: not a CloudEvent in JSON: unexpected end of JSON input",
		`[]`: "servicebus: not a CloudEvent in JSON: json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
		`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{}} {}`: "servicebus: not a CloudEvent in JSON: invalid character '{' after top-level value",
		`{}`:   "servicebus: not a CloudEvent with data: specversion: must be \"1.0\", not \"\"\nid: is missing\nsource: is missing\ntype: is missing\ndata: is missing",
		`null`: "servicebus: not a CloudEvent with data: specversion: must be \"1.0\", not \"\"\nid: is missing\nsource: is missing\ntype: is missing\ndata: is missing",
		`{"specversion":"0.3","id":"1","source":"s","type":"t","data":{}}`:                                 "servicebus: not a CloudEvent with data: specversion: must be \"1.0\", not \"0.3\"",
		`{"specversion":"1.0","ID":"1","source":"s","type":"t","data":null}`:                               "servicebus: not a CloudEvent with data: id: is missing\ndata: is missing",
		`{"specversion":"1.0","id":1,"source":"s","type":"t","data":{}}`:                                   "servicebus: not a CloudEvent with data: id: json: cannot unmarshal number into Go value of type string\nid: is missing",
		`{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"e30="}`:                      "servicebus: not a CloudEvent with data: data: is missing",
		`{"specversion":"1.0","id":"1","source":"s","type":"t","data":"x","datacontenttype":"text/plain"}`: "servicebus: not a CloudEvent with data: datacontenttype: must be application/json, not \"text/plain\"",
		`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{},"time":"yesterday"}`:              "servicebus: not a CloudEvent with data: time: parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\"",
	} {
		_, err := servicebus.Decode([]byte(body))
		assert.EqualError(t, err, want, body)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{}}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-03-01T12:00:00Z","datacontenttype":"application/json","data":[1]}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := servicebus.Decode(body)
		if err != nil {
			assert.Equal(t, servicebus.Event{}, e)
			return
		}
		assert.NotEmpty(t, e.ID)
		assert.NotEmpty(t, e.Type)
		assert.True(t, json.Valid(e.Data))
		again, err := json.Marshal(e)
		require.NoError(t, err)
		_, err = servicebus.Decode(again)
		require.NoError(t, err)
	})
}

// FuzzLifecycle reads any body of the topic "lifecycle": it is an event of the type
// that the message says, or refused in words.
func FuzzLifecycle(f *testing.F) {
	const envelope = `{"specversion":"1.0","id":"1","source":"rekey","type":"dev.rekey.failed","data":`
	f.Add([]byte(envelope + `{"id":"1","type":"dev.rekey.failed","time":"2026-03-01T12:00:00Z","appId":"app","reason":"why"}}`))
	f.Add([]byte(envelope + `{"id":"1","type":"dev.rekey.rotated"}}`))
	f.Add([]byte(envelope + `{"id":7}}`))
	f.Add([]byte(envelope + `{"id":"1","type":"dev.rekey.failed","end":"never"}}`))
	f.Add([]byte(envelope + `null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := servicebus.DecodeLifecycle(body)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		envelope, err := servicebus.Decode(body)
		require.NoError(t, err)
		assert.Equal(t, envelope.Type, string(event.Type))
		assert.NotEmpty(t, event.ID)
	})
}
