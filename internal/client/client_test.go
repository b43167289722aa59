package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/client"
)

// caller is a client before a server, and the pauses that it made.
type caller struct {
	*client.Client
	server *httptest.Server
	pauses []time.Duration
}

func newCaller(t *testing.T, answer http.HandlerFunc) *caller {
	t.Helper()
	c := &caller{server: httptest.NewServer(answer)}
	t.Cleanup(c.server.Close)
	var err error
	c.Client, err = client.New(client.Options{
		Server: c.server.URL, Transport: http.DefaultTransport, Agent: "rekey/1.2.3", Timeout: 10 * time.Second, Patience: time.Minute, Now: time.Now,
		Authorize: func(_ context.Context, h http.Header) error { h.Set("X-Api-Key", "the key"); return nil },
		Pause:     func(_ context.Context, d time.Duration) error { c.pauses = append(c.pauses, d); return nil },
	})
	require.NoError(t, err)
	return c
}

func TestOnlyAnEncryptedServerIsCalled(t *testing.T) {
	for server, want := range map[string]string{
		"https://rekey.example.org":          "",
		"https://rekey.example.org:8443/at/": "",
		"http://localhost:7071":              "",
		"http://127.0.0.1:7071":              "",
		"http://[::1]:7071":                  "",
		"http://rekey.example.org":           `client: "rekey.example.org" would be called without encryption; only this machine itself may be, use https`,
		"http://localhost.example.org":       `client: "localhost.example.org" would be called without encryption; only this machine itself may be, use https`,
		"http://127.0.0.1.example.org":       `client: "127.0.0.1.example.org" would be called without encryption; only this machine itself may be, use https`,
		"https://user:word@rekey.example":    client.ErrServer.Error(),
		"https://rekey.example?key=1":        client.ErrServer.Error(),
		"https://rekey.example#x":            client.ErrServer.Error(),
		"rekey.example.org":                  client.ErrServer.Error(),
		"ftp://rekey.example.org":            client.ErrServer.Error(),
		"https://":                           client.ErrServer.Error(),
		"":                                   client.ErrServer.Error(),
		"https://%zz":                        client.ErrServer.Error(),
	} {
		_, err := client.New(client.Options{Server: server})
		if want == "" {
			assert.NoError(t, err, server)
			continue
		}
		assert.EqualError(t, err, want, server)
	}
}

func TestARequestSaysWhatItIsAndWhoSendsIt(t *testing.T) {
	var got *http.Request
	c := newCaller(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		_, _ = w.Write([]byte(`{"ok":true}`))
	})
	answer, err := c.Do(t.Context(), client.Request{
		Method: "PUT", Path: client.Path("groups", "a/b c"), Query: url.Values{"q": {"x&y"}}, Body: []byte(`{}`), Header: http.Header{"If-Match": {`"1"`}},
	})
	require.NoError(t, err)
	assert.JSONEq(t, `{"ok":true}`, string(answer.Body))
	assert.Equal(t, "/api/groups/a%2Fb%20c?q=x%26y", got.RequestURI)
	for name, want := range map[string]string{
		"User-Agent": "rekey/1.2.3", "X-Api-Key": "the key", "If-Match": `"1"`, "Content-Type": "application/json", "Accept": "application/json, application/problem+json",
	} {
		assert.Equal(t, want, got.Header.Get(name), name)
	}
}

func TestARefusalSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"fields that are wrong": {422, `{"status":422,"detail":"body.a: must be there; query.b: must be 1","errors":[{"location":"body.a","message":"must be there"},{"location":"query.b","message":"must be 1"}]}`,
			"the request is not right (422)\n  body.a: must be there\n  query.b: must be 1"},
		"a reason beside fields":    {412, `{"detail":"it was changed","errors":[{"location":"header.If-Match","message":"is old"}]}`, "it was changed (412)\n  header.If-Match: is old"},
		"a reason":                  {409, `{"detail":"it is paused"}`, "it is paused (409)"},
		"a page of somebody else":   {502, `<html>Bad gateway</html>`, "the server answered Bad Gateway (502)"},
		"nothing":                   {500, ``, "the server answered Internal Server Error (500)"},
		"another document":          {400, `{"detail":7}`, "the server answered Bad Request (400)"},
		"a way to somewhere else":   {302, ``, "the server leads elsewhere, which is not followed; is the address right, and does it take a program's credential? (302)"},
		"a throttle without a time": {429, `{"detail":"too much"}`, "too much (429)"},
	} {
		t.Run(name, func(t *testing.T) {
			caller := newCaller(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://elsewhere.example")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			_, err := caller.Do(t.Context(), client.Request{Path: "/api/x"})
			problem, ok := errors.AsType[*client.Problem](err)
			require.True(t, ok, err)
			assert.Equal(t, c.status, problem.Status)
			assert.EqualError(t, err, c.want)
			assert.Empty(t, caller.pauses)
		})
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	elsewhere := newCaller(t, func(http.ResponseWriter, *http.Request) { t.Error("it was followed") })
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := newCaller(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.server.URL, status) })
		_, err := c.Do(t.Context(), client.Request{Method: "PUT", Path: "/api/x", Body: []byte("{}")})
		assert.Error(t, err)
	}
}

func TestItComesBackWhenItIsAskedTo(t *testing.T) {
	keyed := http.Header{"Idempotency-Key": {"1"}}
	for name, c := range map[string]struct {
		method string
		header http.Header
		status int
		after  string
		want   []time.Duration
		calls  int
	}{
		"throttled":                       {"GET", nil, 429, "7", []time.Duration{7 * time.Second}, 2},
		"throttled for no time":           {"GET", nil, 429, "0", []time.Duration{time.Second}, 2},
		"a POST is throttled":             {"POST", nil, 429, "7", []time.Duration{7 * time.Second}, 2},
		"out of order for a while":        {"PUT", nil, 503, "10", []time.Duration{10 * time.Second}, 2},
		"a POST that can be repeated":     {"POST", keyed, 503, "10", []time.Duration{10 * time.Second}, 2},
		"a POST that may have had effect": {"POST", nil, 503, "10", nil, 1},
		"nothing says when":               {"GET", nil, 503, "", nil, 1},
		"longer than it waits":            {"GET", nil, 429, "61", nil, 1},
		"another trouble":                 {"GET", nil, 500, "1", nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			caller := newCaller(t, func(w http.ResponseWriter, _ *http.Request) {
				if calls++; calls > 1 {
					return
				}
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(c.status)
			})
			_, err := caller.Do(t.Context(), client.Request{Method: c.method, Path: "/api/x", Header: c.header})
			assert.Equal(t, c.calls == 2, err == nil, err)
			assert.Equal(t, c.want, caller.pauses)
			assert.Equal(t, c.calls, calls)
		})
	}
}

func TestItsPatienceIsBounded(t *testing.T) {
	calls := 0
	c := newCaller(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Retry-After", "25")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	_, err := c.Do(t.Context(), client.Request{Path: "/api/x"})
	assert.EqualError(t, err, "the server answered Service Unavailable (503)")
	assert.Equal(t, 3, calls, "at once, after 25 and 50 seconds; 75 were too long")
}

func TestAServerThatIsNotThereIsNamed(t *testing.T) {
	c := newCaller(t, func(http.ResponseWriter, *http.Request) {})
	c.server.Close()
	_, err := c.Do(t.Context(), client.Request{Path: "/api/x?secret"})
	_, ok := errors.AsType[*client.Unreachable](err)
	assert.True(t, ok)
	assert.ErrorContains(t, err, "client: "+strings.TrimPrefix(c.server.URL, "http://")+" is out of reach: ")
	assert.NotContains(t, err.Error(), "/api")
}

func TestWithoutACredentialNothingIsSent(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was sent") }))
	t.Cleanup(server.Close)
	c, err := client.New(client.Options{Server: server.URL, Transport: http.DefaultTransport, Timeout: time.Second,
		Authorize: func(context.Context, http.Header) error { return errors.New("az: please run az login") }})
	require.NoError(t, err)
	_, err = c.Do(t.Context(), client.Request{Path: "/api/x"})
	_, ok := errors.AsType[*client.NoCredential](err)
	assert.True(t, ok)
	assert.EqualError(t, err, "az: please run az login")
}

// pages answers a list of items in pages of two, of which the last has one.
func pages(w http.ResponseWriter, r *http.Request) {
	from := 0
	_, _ = fmt.Sscanf(r.URL.Query().Get("cursor"), "at%d", &from)
	if from == 4 {
		_, _ = w.Write([]byte(`{"items":[4],"next":null,"places":["c"],"fresh":{"at":4}}`))
		return
	}
	_, _ = fmt.Fprintf(w, `{"items":[%d,%d],"next":"at%d","places":["a"],"fresh":{}}`, from, from+1, from+2)
}

func TestAListIsFollowed(t *testing.T) {
	for name, c := range map[string]struct {
		most int
		want string
		more bool
	}{
		"one page is as the API gave it": {2, `{"items":[0,1],"next":"at2","places":["a"],"fresh":{}}`, true},
		"to the end":                     {100, `{"fresh":{"at":4},"items":[0,1,2,3,4],"next":null,"places":["a","a","c"]}`, false},
		"no further than is asked":       {3, `{"fresh":{},"items":[0,1,2,3],"next":"at4","places":["a","a"]}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			caller := newCaller(t, pages)
			list, err := caller.List(t.Context(), "/api/x", nil, c.most, 0)
			require.NoError(t, err)
			assert.Equal(t, c.want, string(list.Document))
			assert.Equal(t, c.more, list.More)
		})
	}
}

func TestAListWithoutAnEndEnds(t *testing.T) {
	c := newCaller(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"items":[],"next":"again"}`)) })
	_, err := c.List(t.Context(), "/api/x", nil, 10, 0)
	assert.EqualError(t, err, "client: the server gives the same page again and again; is the address right?")
}

func TestWhatIsNoAnswerOfTheAPIIsSaid(t *testing.T) {
	c := newCaller(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) })
	_, err := c.List(t.Context(), "/api/x", nil, 10, 0)
	assert.ErrorContains(t, err, "client: this is no answer of rekey's API; is the address right? ")
}
