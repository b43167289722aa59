package customhandler_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/customhandler"
)

// app is a custom handler behind a real socket.
type app struct {
	*httptest.Server
	log     *bytes.Buffer
	rotated atomic.Int64
	seen    chan string // what the HTTP functions saw: function, method, path, query
}

func newApp(t *testing.T, o customhandler.Options, rotate func(context.Context, customhandler.ServiceBusMessage) error) *app {
	t.Helper()
	a := &app{log: &bytes.Buffer{}, seen: make(chan string, 100)}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewJSONHandler(a.log, nil))
	}
	server, err := customhandler.NewServer(map[string]customhandler.Function{
		"rotate": customhandler.OnMessage(func(ctx context.Context, m customhandler.ServiceBusMessage) error {
			a.rotated.Add(1)
			return rotate(ctx, m)
		}),
		"api":       customhandler.OnHTTP("api/{*path}", a.see("api")),
		"dashboard": customhandler.OnHTTP("{*path}", a.see("dashboard")),
	}, o)
	require.NoError(t, err)
	a.Server = httptest.NewServer(server)
	t.Cleanup(a.Close)
	return a
}

func (a *app) see(function string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("no page")
		}
		if r.URL.Path == "/torn" {
			w.WriteHeader(http.StatusOK)
			panic("half a page")
		}
		body, _ := io.ReadAll(r.Body)
		a.seen <- strings.Join([]string{function, r.Method, r.URL.Path, r.URL.RawQuery, string(body), customhandler.InvocationID(r.Context())}, "|")
		w.Header().Set("X-Answer", function)
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "seen")
	})
}

func succeed(context.Context, customhandler.ServiceBusMessage) error { return nil }

// call sends a request as the host's own, its target byte for byte; edit makes it
// another's.
func (a *app) call(t *testing.T, method, target, body string, edit func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, a.URL, nil)
	require.NoError(t, err)
	req.Header.Set("X-Azure-Functions-InvocationId", "inv-1")
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if edit != nil {
		edit(req)
	}
	conn, err := net.Dial("tcp", a.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nConnection: close\r\n", method, target, req.Host, len(body))
	require.NoError(t, req.Header.Write(conn))
	io.WriteString(conn, "\r\n"+body)
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(answer)
}

func TestTriggerCall(t *testing.T) {
	a := newApp(t, customhandler.Options{}, func(ctx context.Context, m customhandler.ServiceBusMessage) error {
		assert.Equal(t, "inv-1", customhandler.InvocationID(ctx))
		assert.JSONEq(t, `{"message":"hello"}`, string(m.Body))
		deadline, bounded := ctx.Deadline()
		assert.True(t, bounded)
		assert.InDelta(t, 4*time.Minute, time.Until(deadline), float64(10*time.Second))
		return nil
	})
	resp, body := a.call(t, "POST", "/rotate", capturedMessage, nil)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	assert.Equal(t, `{"Outputs":{},"Logs":[],"ReturnValue":null}`, body)
	assert.EqualValues(t, 1, a.rotated.Load())
}

func TestFailedInvocationsAnswer500AndLogWhy(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		rotate func(context.Context, customhandler.ServiceBusMessage) error
		why    string
	}{
		"an error":           {capturedMessage, func(context.Context, customhandler.ServiceBusMessage) error { return errors.New("store out of reach") }, "store out of reach"},
		"a panic":            {capturedMessage, func(context.Context, customhandler.ServiceBusMessage) error { panic("boom") }, `function \"rotate\" panicked: boom`},
		"no JSON":            {`{`, succeed, "unexpected end of JSON input"},
		"no body":            {``, succeed, "unexpected end of JSON input"},
		"no message":         {`{"Data":{}}`, succeed, "the call carries no data"},
		"a body without end": {`"` + strings.Repeat("x", 16<<20), succeed, "request body too large"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, customhandler.Options{}, c.rotate)
			resp, body := a.call(t, "POST", "/rotate", c.body, nil)
			assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
			assert.Equal(t, "invocation failed\n", body)
			assert.Contains(t, a.log.String(), c.why)
			assert.Contains(t, a.log.String(), `"function":"rotate","invocation":"inv-1"`)
		})
	}
}

func TestTimeoutEndsTheContext(t *testing.T) {
	a := newApp(t, customhandler.Options{Timeout: time.Millisecond}, func(ctx context.Context, _ customhandler.ServiceBusMessage) error {
		<-ctx.Done()
		return ctx.Err()
	})
	resp, _ := a.call(t, "POST", "/rotate", capturedMessage, nil)
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Contains(t, a.log.String(), "context deadline exceeded")
}

func TestProbeTouchesNoFunction(t *testing.T) {
	a := newApp(t, customhandler.Options{}, succeed)
	resp, body := a.call(t, "GET", "/", "", func(r *http.Request) { r.Header.Del("X-Azure-Functions-InvocationId") })
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "ready\n", body)
	assert.Empty(t, a.seen)
}

func TestForwardedRequests(t *testing.T) {
	for name, c := range map[string]struct{ method, target, body, want string }{
		"the first page":                 {"GET", "/", "", "dashboard|GET|/|||inv-1"},
		"a page":                         {"HEAD", "/applications/42?tab=log", "", "dashboard|HEAD|/applications/42|tab=log||inv-1"},
		"the API":                        {"POST", "/api/rotations?x=1", `{"a":1}`, `api|POST|/api/rotations|x=1|{"a":1}|inv-1`},
		"the API's root":                 {"GET", "/api", "", "api|GET|/api|||inv-1"},
		"the API as the host matches it": {"GET", "/API/rotations", "", "api|GET|/API/rotations|||inv-1"},
		"a name that begins like it":     {"GET", "/apiary", "", "dashboard|GET|/apiary|||inv-1"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, customhandler.Options{}, succeed)
			resp, _ := a.call(t, c.method, c.target, c.body, func(r *http.Request) { r.Host = "rekey.example" })
			assert.Equal(t, http.StatusAccepted, resp.StatusCode)
			assert.Equal(t, c.want, <-a.seen)
		})
	}
}

func TestTheHostsInvocationIDCountsNotTheOutsiders(t *testing.T) {
	a := newApp(t, customhandler.Options{}, succeed)
	a.call(t, "GET", "/", "", func(r *http.Request) {
		r.Header["X-Azure-Functions-Invocationid"] = []string{"forged", "inv-2"}
	})
	assert.Equal(t, "dashboard|GET|/|||inv-2", <-a.seen)
}

func TestPanicsOfPages(t *testing.T) {
	a := newApp(t, customhandler.Options{}, succeed)
	resp, body := a.call(t, "GET", "/panic", "", nil)
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Equal(t, "internal error\n", body)
	assert.Contains(t, a.log.String(), `"function":"dashboard","invocation":"inv-1","panic":"no page"`)

	_, err := a.Client().Get(a.URL + "/torn")
	assert.ErrorIs(t, err, io.EOF, "an answer that had begun is cut off")
}

func TestNewServerRefuses(t *testing.T) {
	page := http.NotFoundHandler()
	for name, c := range map[string]struct {
		name string
		f    customhandler.Function
		want string
	}{
		"a bad name":     {"ro/tate", customhandler.OnTimer(nil), `customhandler: register function "ro/tate": the name must match ^[A-Za-z][A-Za-z0-9_-]{0,127}$`},
		"a parameter":    {"api", customhandler.OnHTTP("api/{id}/{*path}", page), `customhandler: register function "api": its route must be a literal path, or one that ends in {*path}: api/{id}/{*path}`},
		"an end slash":   {"api", customhandler.OnHTTP("api/", page), `customhandler: register function "api": its route must be a literal path, or one that ends in {*path}: api/`},
		"no handler":     {"api", customhandler.OnHTTP("api", nil), `customhandler: register function "api": it has no handler`},
		"nothing at all": {"api", customhandler.Function{}, `customhandler: register function "api": it has no handler`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := customhandler.NewServer(map[string]customhandler.Function{c.name: c.f}, customhandler.Options{})
			assert.EqualError(t, err, c.want)
		})
	}
}

func TestHTTPEnvelope(t *testing.T) {
	const call = `{"Data":{"req":{"Url":"http://localhost:7071/api/rotations?x=1","Method":"POST","Query":{"x":"1"},"Headers":{"content-type":["application/json"]},"Params":{},"Identities":[],"Body":"{\"a\":1}"}},"Metadata":{}}`
	a := newApp(t, customhandler.Options{HTTPEnvelope: true}, succeed)
	resp, body := a.call(t, "POST", "/api", call, nil)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, `api|POST|/api/rotations|x=1|{"a":1}|inv-1`, <-a.seen)
	assert.JSONEq(t, `{"Outputs":{"res":{"statusCode":202,"headers":{"X-Answer":"api"},"body":"seen"}},"Logs":[],"ReturnValue":null}`, body)

	resp, _ = a.call(t, "POST", "/api", `{"Data":{"req":{"Url":"","Method":"POST"}}}`, nil)
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Contains(t, a.log.String(), "it has no url or no method")

	forwarding := newApp(t, customhandler.Options{}, succeed)
	forwarding.call(t, "POST", "/api", call, nil)
	assert.Equal(t, "api|POST|/api||"+call+"|inv-1", <-forwarding.seen, "with forwarding, an envelope is only a body")
}

// TestAHeaderInTwoSpellingsIsThereTwice: whoever refuses a doubled one has to see both.
func TestAHeaderInTwoSpellingsIsThereTwice(t *testing.T) {
	var seen []string
	server, err := customhandler.NewServer(map[string]customhandler.Function{
		"api": customhandler.OnHTTP("api/{*path}", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Values("X-Who") })),
	}, customhandler.Options{HTTPEnvelope: true})
	require.NoError(t, err)
	host := httptest.NewServer(server)
	defer host.Close()
	call, err := http.NewRequestWithContext(t.Context(), http.MethodPost, host.URL+"/api", strings.NewReader(`{"Data":{"req":{"Url":"http://x/api/a","Method":"GET","Headers":{"X-WHO":["a"],"x-who":["b"]}}},"Metadata":{}}`))
	require.NoError(t, err)
	call.Header.Set("X-Azure-Functions-InvocationId", "1")
	call.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultTransport.RoundTrip(call)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.ElementsMatch(t, []string{"a", "b"}, seen)
}

func TestServeUntilTheContextEnds(t *testing.T) {
	server, err := customhandler.NewServer(nil, customhandler.Options{})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()

	resp, err := http.Get("http://" + listener.Addr().String())
	require.NoError(t, err)
	resp.Body.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	assert.ErrorContains(t, server.ListenAndServe(t.Context(), port), `customhandler: listen on port "`+port+`"`)

	cancel()
	assert.NoError(t, <-ended)
}
