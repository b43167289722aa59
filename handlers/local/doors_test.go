package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNoOutsideRequestReachesATrigger knocks at the packaged handler's triggers
// through the host, in every spelling that a path may have. What it sends would be
// a valid trigger call, and would leave a line in the log.
func TestNoOutsideRequestReachesATrigger(t *testing.T) {
	s := startStack(t, func(o *Options) { o.Apps = 1 })
	body := `{"Data":{"timer":{"IsPastDue":true},"request":"knocked","event":{"id":"knocked","eventType":"knocked"}},"Metadata":{}}`
	for _, function := range []string{"rotate", "sweep", "nearexpiry", "inventory", "apiconnection", "automation", "devops", "keyvault", "vercel"} {
		for _, path := range spellings(function) {
			if path == "/api/inventory" {
				continue // the API has that, and no trigger
			}
			for _, method := range []string{"POST", "PUT", "GET", "DELETE", "post"} {
				status := s.knock(t, method, path, body)
				assert.NotEqual(t, http.StatusOK, status, "%s %s", method, path)
				assert.NotEqual(t, http.StatusInternalServerError, status, "%s %s", method, path)
			}
		}
	}
	log, err := os.ReadFile(s.path("handler.log"))
	require.NoError(t, err)
	assert.NotContains(t, string(log), "knocked")
	assert.NotContains(t, string(log), `"pastDue":true`)
}

func spellings(function string) []string {
	escaped := fmt.Sprintf("%%%02x%s", function[0], function[1:])
	return []string{
		"/" + function, "//" + function, "/" + function + "/", "/./" + function, "/x/../" + function,
		"/" + strings.ToUpper(function), "/" + escaped, "/" + function + "?x=1", "/" + function + "%20", "/%2e/" + function,
		"/api/../" + function, "/api/..%2f" + function, "/api/..%5c" + function, "/api/%2e%2e/" + function, "/api//" + function, "/api/" + function,
	}
}

// knock sends a request as it is written: a client of net/http would clean it.
func (s *Stack) knock(t *testing.T, method, path, body string) int {
	t.Helper()
	conn, err := net.Dial("tcp", s.Host.Addr())
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-Azure-Functions-InvocationId: 4f5b9e1a-0000-4000-8000-000000000000\r\nX-HTTP-Method-Override: POST\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		method, path, s.Host.Addr(), len(body), body)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err, "%s %s", method, path)
	defer response.Body.Close()
	return response.StatusCode
}
