package customhandler_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
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

// FuzzRequest sends whatever can be sent to the socket. Only the host's own call runs a
// trigger; no panic leaves the handler; a failure is logged with its function.
func FuzzRequest(f *testing.F) {
	const host = "Host: 127.0.0.1:7071\r\nX-Azure-Functions-InvocationId: inv-1\r\n"
	for target, body := range map[string]string{
		"/message": capturedMessage,
		"/tick":    `{"Data":{"timer":{"ScheduleStatus":{"Last":"0001-01-01T00:00:00"},"IsPastDue":true}},"Metadata":{"sys":{}}}`,
		"/event":   `{"Data":{"event":{"specversion":"1.0","id":"1","type":"t","data_base64":"e30="}}}`,
		"/api":     `{"Data":{"req":{"Url":"http://x/api/a%2Fb?x=1","Method":"POST","Headers":{"a":["b"]},"Body":"{}"}}}`,
	} {
		for _, headers := range []string{host, "Host: rekey.example\r\n", host + "X-Forwarded-For: 1.2.3.4\r\n"} {
			f.Add(fmt.Sprintf("POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", target, headers, len(body), body), false)
			f.Add(fmt.Sprintf("POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", target, headers, len(body), body), true)
		}
	}
	f.Add("GET /api/..%5Cmessage?x HTTP/1.1\r\n"+host+"\r\n", false)
	f.Add("POST http://127.0.0.1:7071/message HTTP/1.1\r\n"+host+"\r\n", false)
	f.Add("POST /api HTTP/1.1\r\n"+host+"Content-Length: 60\r\n\r\n"+`{"Data":{"req":{"Url":"x","Method":"a b","Headers":{"":null}}}}`, true)
	f.Fuzz(func(t *testing.T, raw string, envelope bool) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return
		}
		r = r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7071}))
		var log bytes.Buffer
		ran := ""
		server, err := customhandler.NewServer(panicking(&ran), customhandler.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil)), HTTPEnvelope: envelope})
		require.NoError(t, err)
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, r)
		if ran != "" && ran != "api" {
			assert.Equal(t, "/"+ran, r.RequestURI)
			assert.Equal(t, "127.0.0.1:7071", r.Host)
			assert.Len(t, r.Header.Values("X-Azure-Functions-InvocationId"), 1)
		}
		if answer.Code == http.StatusInternalServerError {
			assert.Contains(t, log.String(), `"function":`)
			assert.Contains(t, log.String(), `"invocation":`)
			assert.NotContains(t, answer.Body.String(), "boom", "what went wrong is for the log")
		}
	})
}

// panicking has a function of every kind, each of which panics after saying its name.
func panicking(ran *string) map[string]customhandler.Function {
	boom := func(name string) error {
		*ran = name
		panic("boom of " + name)
	}
	return map[string]customhandler.Function{
		"message": customhandler.OnMessage(func(context.Context, customhandler.ServiceBusMessage) error { return boom("message") }),
		"tick":    customhandler.OnTimer(func(context.Context, customhandler.Timer) error { return boom("tick") }),
		"event":   customhandler.OnEvent(func(context.Context, customhandler.Event) error { return boom("event") }),
		"api":     customhandler.OnHTTP("api/{*path}", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { _ = boom("api") })),
	}
}

// TestNoPanicOfAnyTriggerReachesTheHost has every kind of function panic, in the host's
// own call and in what it forwards: the invocation fails, the log says where, and the
// process answers the next one.
func TestNoPanicOfAnyTriggerReachesTheHost(t *testing.T) {
	for name, body := range map[string]string{
		"message": `{"Data":{"msg":"aGVsbG8="}}`,
		"tick":    `{"Data":{"timer":{}}}`,
		"event":   `{"Data":{"event":{"id":"1","eventType":"t"}}}`,
		"api":     `{"Data":{"req":{"Url":"/api","Method":"GET"}}}`,
	} {
		for _, envelope := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, envelope %t", name, envelope), func(t *testing.T) {
				var log bytes.Buffer
				ran := ""
				server, err := customhandler.NewServer(panicking(&ran), customhandler.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil)), HTTPEnvelope: envelope})
				require.NoError(t, err)
				for range 2 {
					r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:7071/"+name, strings.NewReader(body))
					r.RequestURI = "/" + name
					r.Header.Set("X-Azure-Functions-InvocationId", "inv-1")
					r = r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7071}))
					answer := httptest.NewRecorder()
					server.ServeHTTP(answer, r)
					assert.Equal(t, name, ran)
					assert.Equal(t, http.StatusInternalServerError, answer.Code)
					assert.Contains(t, log.String(), "boom of "+name)
					assert.Contains(t, log.String(), `"function":"`+name+`","invocation":"inv-1"`)
					assert.Contains(t, log.String(), "fuzz_test.go", "the stack")
				}
			})
		}
	}
}
