package functionshost_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/functionshost"
)

func TestForwardedRequest(t *testing.T) {
	host := start(t, standard(), nil)
	resp, body := host.send(t, "POST", "/api/rotations?b=2&a=1&B=x%20y", `{"a":1}`, "Content-Type", "application/json",
		"X-Ours", "1", "User-Agent", "tester/1", "X-Azure-Functions-InvocationId", "forged", "Content-Language", "en", "Host", "ignored")
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode, "redirects are not followed")
	assert.Equal(t, []string{"a=1", "b=2"}, resp.Header.Values("Set-Cookie"))
	assert.Equal(t, "page", body)

	seen := host.next(t)
	assert.Equal(t, "POST", seen.Method)
	assert.Equal(t, "/api/rotations?b=2%2Cx%20y&a=1", seen.URI)
	assert.Equal(t, host.Addr(), seen.Host, "the outside Host header goes on")
	assert.Equal(t, `{"a":1}`, seen.Body)
	assert.Equal(t, "application/json", seen.Header.Get("Content-Type"))
	assert.Equal(t, "1", seen.Header.Get("X-Ours"))
	assert.Empty(t, seen.Header.Get("Content-Language"))
	assert.Regexp(t, `^forged, [0-9a-f-]{36}$`, seen.Header.Get("X-Azure-Functions-InvocationId"))
	assert.Regexp(t, `^tester/1 Azure-Functions-Host/4`, seen.Header.Get("User-Agent"))
	assert.NotEmpty(t, seen.Header.Get("X-Azure-Functions-HostVersion"))
}

func TestBodiesWithoutALengthAreDropped(t *testing.T) {
	host := start(t, standard(), nil)
	req, err := http.NewRequest("POST", "http://"+host.Addr()+"/api/x", io.MultiReader(strings.NewReader("chunked")))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "text/plain")
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	resp.Body.Close()
	seen := host.next(t)
	assert.Empty(t, seen.Body)
	assert.Empty(t, seen.Header.Get("Content-Type"))
}

func TestRoutes(t *testing.T) {
	host := start(t, standard(), nil)
	for name, c := range map[string]struct {
		method, target, forwarded string
		status                    int
	}{
		"the root":                         {"GET", "/", "/", 303},
		"a page":                           {"HEAD", "/applications/42", "/applications/42", 303},
		"a method that no page takes":      {"POST", "/rotate", "", 404},
		"the API in any case":              {"DELETE", "/API/x", "/API/x", 303},
		"a method that the API lacks":      {"HEAD", "/api/x", "/api/x", 303},
		"an escape":                        {"GET", "/%72otate", "/rotate", 303},
		"a space":                          {"GET", "/a%20b", "/a%20b", 303},
		"an escaped slash stays":           {"GET", "/a%2Fb", "/a%2Fb", 303},
		"an escaped question mark":         {"GET", "/a%3Fb", "/a", 303},
		"an escaped number sign":           {"GET", "/a%23b", "/a", 303},
		"two slashes":                      {"GET", "//rotate", "//rotate", 303},
		"a failure passes through":         {"GET", "/x?do:fail", "/x?do%3Afail=", 500},
		"dots are resolved first":          {"POST", "/api/../rotate", "", 404},
		"escaped dots are, too":            {"POST", "/api/%2e%2e/rotate", "", 404},
		"dots behind a backslash are late": {"POST", "/api/..%5Crotate", "/rotate", 200},
		"dots escaped twice are late":      {"POST", "/api/%252e%252e/rotate", "/rotate", 200},
		"letters beyond ASCII":             {"GET", "/%C3%A9", "/%C3%A9", 303},
		"no UTF-8":                         {"GET", "/%ff", "", 400},
		"a null character":                 {"GET", "/%00", "", 400},
	} {
		t.Run(name, func(t *testing.T) {
			resp, _ := host.send(t, c.method, c.target, "", "X-Case", name)
			assert.Equal(t, c.status, resp.StatusCode)
			if c.forwarded != "" {
				assert.Equal(t, c.forwarded, host.next(t).URI)
			}
		})
	}
	assert.Empty(t, host.seen)
}

func TestParameterRoutesAndTheHomepage(t *testing.T) {
	files := map[string]string{
		"host.json":         `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"handler"}}}`,
		"one/function.json": `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","route":"items/{id}"},{"type":"http","direction":"out","name":"res"}]}`,
		"two/function.json": `{"bindings":[{"type":"http","direction":"out","name":"res"},{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous"}]}`,
	}
	host := start(t, files, nil)
	resp, body := host.send(t, "POST", "/api/items/7?x=do:answer", `{"a":1}`)
	assert.Equal(t, http.StatusCreated, resp.StatusCode)
	assert.Equal(t, "created", body)
	assert.Equal(t, "envelope", resp.Header.Get("X-Kind"))
	seen := host.next(t)
	assert.Equal(t, "/one", seen.URI)
	assert.Contains(t, seen.Body, `"Url":"http://`+host.Addr()+`/api/items/7?x=do:answer"`)
	assert.Contains(t, seen.Body, `"Params":{"id":"7"}`)
	assert.Contains(t, seen.Body, `"Body":"{\"a\":1}"`)

	host.send(t, "GET", "/api/two/", "")
	assert.Equal(t, "/two", host.next(t).URI)
	for target, status := range map[string]int{"/": 200, "/api/items": 404, "/api/items/7/8": 404, "/two": 404} {
		resp, _ := host.send(t, "GET", target, "")
		assert.Equal(t, status, resp.StatusCode, target)
	}
}

func TestALargeBodyIsRefused(t *testing.T) {
	host := start(t, standard(), nil)
	req, err := http.NewRequest("POST", "http://"+host.Addr()+"/api/x", http.NoBody)
	require.NoError(t, err)
	req.ContentLength, req.Body = 100<<20+1, io.NopCloser(strings.NewReader(""))
	req.Header.Set("Expect", "100-continue")
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
}

func TestAClientThatLeavesCancelsNothing(t *testing.T) {
	host := start(t, standard(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+host.Addr()+"/x?do:hang", nil)
	require.NoError(t, err)
	left := make(chan struct{})
	go func() {
		defer close(left)
		http.DefaultTransport.RoundTrip(req)
	}()
	pid := host.next(t).PID
	cancel()
	<-left
	resp, _ := host.send(t, "GET", "/y", "")
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
	assert.Equal(t, pid, host.next(t).PID)
}

func TestAdmin(t *testing.T) {
	host := start(t, standard(), nil)
	for name, c := range map[string]struct {
		method, target, body, data string
		status                     int
	}{
		"a timer":          {"POST", "/admin/functions/sweep", `{"input":""}`, `{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"0001-01-01T00:00:00","Next":"0001-01-01T00:00:00","LastUpdated":"0001-01-01T00:00:00"},"IsPastDue":false}}`, 202},
		"an event":         {"POST", "/admin/functions/NearExpiry", `{"input":"{\"id\":\"1\"}"}`, `{"event":{"id":"1"}}`, 202},
		"no event":         {"POST", "/admin/functions/nearexpiry", `{"input":"x"}`, "", 400},
		"no input":         {"POST", "/admin/functions/sweep", ``, "", 400},
		"an HTTP function": {"POST", "/admin/functions/api", `{"input":""}`, "", 400},
		"another method":   {"GET", "/admin/functions/sweep", ``, "", 400},
		"unknown":          {"POST", "/admin/functions/nothing", `{"input":""}`, "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			resp, _ := host.send(t, c.method, c.target, c.body)
			assert.Equal(t, c.status, resp.StatusCode)
			if c.data == "" {
				return
			}
			var call struct{ Data map[string]any }
			decode(t, host.next(t).Body, &call)
			var want map[string]any
			decode(t, c.data, &want)
			assert.Equal(t, want, call.Data)
		})
	}
	assert.Empty(t, host.seen)
}

func TestStartRefuses(t *testing.T) {
	binding := func(json string) map[string]string {
		return map[string]string{"host.json": hostJSON, "fn/function.json": `{"bindings":[` + json + `]}`}
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no host.json":            {map[string]string{"api/function.json": apiJSON}, "host.json: no such file"},
		"another version":         {map[string]string{"host.json": `{"version":"1"}`}, `version must be "2.0", not "1"`},
		"a misspelled setting":    {map[string]string{"host.json": `{"version":"2.0","functionTimeOuts":"1"}`}, `unknown field "functionTimeOuts"`},
		"no executable":           {map[string]string{"host.json": `{"version":"2.0"}`}, "defaultExecutablePath is missing"},
		"a missing executable":    {map[string]string{"host.json": `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"nothing"}}}`}, `exec: "nothing": executable file not found`},
		"a bad timeout":           {map[string]string{"host.json": strings.Replace(hostJSON, "00:00:20", "20s", 1)}, `functionTimeout: "20s" is not a time span`},
		"own settlement":          {map[string]string{"host.json": strings.Replace(hostJSON, `"maxConcurrentCalls":4`, `"autoCompleteMessages":false`, 1)}, "a custom handler cannot settle messages itself"},
		"no function":             {map[string]string{"host.json": hostJSON}, "no folder holds a function.json"},
		"a bad name":              {map[string]string{"host.json": hostJSON, "1fn/function.json": apiJSON}, "the folder's name is no function name"},
		"no trigger":              {binding(``), "it has no trigger"},
		"two triggers":            {binding(`{"type":"eventGridTrigger","direction":"in","name":"a"},{"type":"eventGridTrigger","direction":"in","name":"b"}`), "binding 2: a function has one trigger"},
		"an unknown binding":      {binding(`{"type":"queueTrigger","direction":"in","name":"a"}`), `bindings of type "queueTrigger" are not simulated`},
		"an unknown property":     {binding(`{"type":"eventGridTrigger","direction":"in","name":"a","topic":"x"}`), `unknown field "topic"`},
		"no direction":            {binding(`{"type":"eventGridTrigger","name":"a"}`), "name and direction are needed"},
		"the wrong direction":     {binding(`{"type":"eventGridTrigger","direction":"out","name":"a"}`), `direction must be "in"`},
		"function keys":           {binding(`{"type":"httpTrigger","direction":"in","name":"a"}`), `authLevel "": function keys are not simulated`},
		"an output without HTTP":  {binding(`{"type":"eventGridTrigger","direction":"in","name":"a"},{"type":"http","direction":"out","name":"b"}`), "an http output needs an httpTrigger"},
		"an unknown setting":      {binding(`{"type":"timerTrigger","direction":"in","name":"a","schedule":"%Nothing%"}`), "%Nothing% is not an app setting"},
		"a bad schedule":          {binding(`{"type":"timerTrigger","direction":"in","name":"a","schedule":"0 0 25 * * *"}`), `schedule "0 0 25 * * *": hour: "25" is not a value from 0 to 23`},
		"a retry policy":          {map[string]string{"host.json": hostJSON, "fn/function.json": `{"retry":{},"bindings":[]}`}, "retry policies are not simulated"},
		"sessions":                {binding(`{"type":"serviceBusTrigger","direction":"in","name":"a","queueName":"q","isSessionsEnabled":true}`), "sessions are not simulated"},
		"neither queue nor topic": {binding(`{"type":"serviceBusTrigger","direction":"in","name":"a","topicName":"t"}`), "either queueName or topicName and subscriptionName are needed"},
		"no connection":           {binding(`{"type":"serviceBusTrigger","direction":"in","name":"a","queueName":"q"}`), `connection "ServiceBus": no app setting of this name`},
		"a managed identity":      {binding(`{"type":"serviceBusTrigger","direction":"in","name":"a","queueName":"q","connection":"Bus"}`), `connection "Bus": identity-based connections are not simulated`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := functionshost.Start(t.Context(), functionshost.Options{
				Dir: dist(t, c.files), Settings: map[string]string{"Bus__fullyQualifiedNamespace": "x"},
			})
			assert.ErrorContains(t, err, c.want)
		})
	}
}
