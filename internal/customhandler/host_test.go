package customhandler_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/functionshost"
	"github.com/rekey-dev/rekey/internal/customhandler"
)

// TestMain lets the test binary be a custom handler behind the simulated host.
func TestMain(m *testing.M) {
	if port := os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"); port != "" {
		serveBehindHost(port)
		return
	}
	os.Exit(m.Run())
}

// serveBehindHost prints a line for whatever reaches a function.
func serveBehindHost(port string) {
	page := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Printf("page %s %s %s\n", name, r.Method, r.URL.Path)
			io.WriteString(w, name)
		})
	}
	server, err := customhandler.NewServer(map[string]customhandler.Function{
		"rotate": customhandler.OnEvent(func(_ context.Context, e customhandler.Event) error {
			fmt.Println("trigger", e.ID)
			return nil
		}),
		"api":       customhandler.OnHTTP("api/{*path}", page("api")),
		"dashboard": customhandler.OnHTTP("{*path}", page("dashboard")),
	}, customhandler.Options{})
	if err == nil {
		err = server.ListenAndServe(context.Background(), port)
	}
	fmt.Println(err)
	os.Exit(1)
}

// printed collects what the handler prints.
type printed struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (p *printed) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.Write(line)
}

func (p *printed) count(text string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.all.String(), text)
}

func startBehindHost(t *testing.T) (*functionshost.Host, *printed) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(dir, "handler")))
	for name, content := range map[string]string{
		"host.json":            `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"handler"},"enableForwardingHttpRequest":true},"extensions":{"http":{"routePrefix":""}}}`,
		"rotate/function.json": `{"bindings":[{"type":"eventGridTrigger","direction":"in","name":"event"}]}`,
		"api/function.json": `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","route":"api/{*path}"},
			{"type":"http","direction":"out","name":"res"}]}`,
		"dashboard/function.json": `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","route":"{*path}","methods":["get","head"]},
			{"type":"http","direction":"out","name":"res"}]}`,
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	lines := &printed{}
	host, err := functionshost.Start(t.Context(), functionshost.Options{Dir: dir, Stdout: lines})
	require.NoError(t, err)
	t.Cleanup(host.Stop)
	return host, lines
}

// deliver has Event Grid deliver one event, which is the one way in.
func deliver(t *testing.T, host *functionshost.Host, lines *printed, id string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+host.Addr()+"/runtime/webhooks/eventgrid?functionName=rotate",
		strings.NewReader(`[{"id":"`+id+`","eventType":"t"}]`))
	require.NoError(t, err)
	req.Header.Set("aeg-event-type", "Notification")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusAccepted, resp.StatusCode)
	require.Eventually(t, func() bool { return lines.count("trigger "+id+"\n") == 1 }, 10*time.Second, time.Millisecond)
}

// TestNoOutsideRequestReachesATrigger knocks at the host's outer door with every
// spelling of the trigger's path, in every method, under many names.
func TestNoOutsideRequestReachesATrigger(t *testing.T) {
	host, lines := startBehindHost(t)
	deliver(t, host, lines, "before")
	const call = `{"Data":{"event":{"id":"outside","eventType":"t"}},"Metadata":{}}`
	headers := []string{
		"",
		"X-Azure-Functions-InvocationId: forged\r\n",
		"X-HTTP-Method-Override: POST\r\nX-HTTP-Method: POST\r\nX-Method-Override: POST\r\n",
		"User-Agent: Azure-Functions-Host/4.0\r\nX-Azure-Functions-HostVersion: 4.0\r\n",
	}
	for _, target := range []string{
		"/rotate", "/Rotate", "/ROTATE", "/%72otate", "/%72%6f%74%61%74%65", "//rotate", "/rotate/", "/./rotate", "/x/../rotate", "/rotate?x", "/rotate?", "/rotate%3F", "/rotate%23",
		"/api/../rotate", "/api/%2e%2e/rotate", "/api/..%2Frotate", `/api/..\rotate`, "/api/..%5Crotate", "/api/%2e%2e%5crotate", "/api/%252e%252e/rotate", "/api/x/..%5C..%5Crotate", "/api%5C..%5Crotate",
		"http://127.0.0.1/rotate", "http://rekey.example/api/..%5Crotate", "/rotate%00", "*",
	} {
		for _, method := range []string{"POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "post", "ROTATE"} {
			for _, name := range []string{"rekey.example", "127.0.0.1", "localhost", host.Addr()} {
				knock(t, host.Addr(), method, target, name, headers, call)
			}
		}
	}
	deliver(t, host, lines, "after")
	assert.Equal(t, 2, lines.count("trigger "))
	assert.NotZero(t, lines.count("page api POST"), "the API was reached")
	assert.NotZero(t, lines.count("page dashboard GET /rotate/"), "the dashboard was reached")
}

// knock sends the same request under each set of headers, on one connection.
func knock(t *testing.T, address, method, target, name string, headers []string, body string) {
	t.Helper()
	for _, header := range headers {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n%s",
			method, target, name, len(body), header, body)
		resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
		require.NoError(t, err, "%s %s", method, target)
		io.Copy(io.Discard, resp.Body)
		conn.Close()
	}
}
