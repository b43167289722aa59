package functionshost_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/functionshost"
)

const (
	hostJSON = `{"version":"2.0","functionTimeout":"00:00:20",
		"extensionBundle":{"id":"Microsoft.Azure.Functions.ExtensionBundle","version":"[4.0.0, 5.0.0)"},
		"customHandler":{"description":{"defaultExecutablePath":"handler"},"enableForwardingHttpRequest":true},
		"extensions":{"http":{"routePrefix":""},"serviceBus":{"maxConcurrentCalls":4}}}`
	apiJSON = `{"bindings":[
		{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","route":"api/{*path}","methods":["get","post","put","delete"]},
		{"type":"http","direction":"out","name":"res"}]}`
	dashboardJSON = `{"bindings":[
		{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","route":"{*path}","methods":["get","head"]},
		{"type":"http","direction":"out","name":"res"}]}`
	nearExpiryJSON = `{"bindings":[{"type":"eventGridTrigger","direction":"in","name":"event"}]}`
	sweepJSON      = `{"bindings":[{"type":"timerTrigger","direction":"in","name":"timer","schedule":"%Schedule%","useMonitor":true}]}`
)

// dist returns a new app folder with these files beside the handler.
func dist(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(dir, "handler")))
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return dir
}

// standard is an app with every trigger that needs no bus.
func standard() map[string]string {
	return map[string]string{
		"host.json": hostJSON, "api/function.json": apiJSON, "dashboard/function.json": dashboardJSON,
		"nearexpiry/function.json": nearExpiryJSON, "sweep/function.json": sweepJSON,
		"notes/deeper/function.json": "not read",
	}
}

// running is a host under test and what its handler saw.
type running struct {
	*functionshost.Host
	clock *clock.Clock
	seen  chan request
	mu    sync.Mutex
	other bytes.Buffer // lines that are no requests
}

func start(t testing.TB, files map[string]string, edit func(*functionshost.Options)) *running {
	t.Helper()
	r := &running{seen: make(chan request, 1000)}
	o := functionshost.Options{
		Dir:      dist(t, files),
		Settings: map[string]string{"Schedule": "0 0 3 * * *"},
		Env:      []string{"TEST_CUSTOM_HANDLER=1"},
		Stdout:   r,
		Clock:    clock.New(),
	}
	if edit != nil {
		edit(&o)
	}
	host, err := functionshost.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(host.Stop)
	r.Host, r.clock = host, o.Clock
	return r
}

// Write takes the handler's lines.
func (r *running) Write(line []byte) (int, error) {
	var seen request
	if json.Unmarshal(line, &seen) == nil && seen.Method != "" {
		r.seen <- seen
		return len(line), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.other.Write(line)
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.other.String()
}

func (r *running) next(t *testing.T) request {
	t.Helper()
	select {
	case seen := <-r.seen:
		return seen
	case <-time.After(10 * time.Second):
		require.Fail(t, "the handler saw nothing")
		return request{}
	}
}

// send sends a request to the host; redirects are not followed.
func (r *running) send(t *testing.T, method, target, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+r.Addr()+target, strings.NewReader(body))
	require.NoError(t, err)
	for at := 0; at < len(header); at += 2 {
		req.Header.Set(header[at], header[at+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(answer)
}

// envelope is a call as the handler saw it.
type envelope struct {
	Data, Metadata map[string]json.RawMessage
}

func (r request) envelope(t *testing.T) envelope {
	t.Helper()
	var e envelope
	require.NoError(t, json.Unmarshal([]byte(r.Body), &e))
	return e
}
