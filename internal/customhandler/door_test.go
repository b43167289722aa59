package customhandler_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/customhandler"
)

func TestNobodyButTheHostReachesATrigger(t *testing.T) {
	outside := func(r *http.Request) { r.Host = "rekey.azurewebsites.net" }
	for name, c := range map[string]struct {
		method, target string
		edit           func(*http.Request)
		status         int
	}{
		"a forwarded call of the very path":   {"POST", "/rotate", outside, 403},
		"another port":                        {"POST", "/rotate", func(r *http.Request) { r.Host = "127.0.0.1:1" }, 403},
		"loopback without a port":             {"POST", "/rotate", func(r *http.Request) { r.Host = "127.0.0.1" }, 403},
		"no invocation id":                    {"POST", "/rotate", func(r *http.Request) { r.Header.Del("X-Azure-Functions-InvocationId") }, 403},
		"an empty invocation id":              {"POST", "/rotate", func(r *http.Request) { r.Header.Set("X-Azure-Functions-InvocationId", "") }, 403},
		"an invocation id of the outsider's":  {"POST", "/rotate", func(r *http.Request) { r.Header.Add("X-Azure-Functions-InvocationId", "forged") }, 403},
		"two invocation ids on one line":      {"POST", "/rotate", func(r *http.Request) { r.Header.Set("X-Azure-Functions-InvocationId", "forged, inv-1") }, 403},
		"through the front end":               {"POST", "/rotate", func(r *http.Request) { r.Header.Set("X-ARR-LOG-ID", "1") }, 403},
		"through a proxy":                     {"POST", "/rotate", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.1") }, 403},
		"another method":                      {"GET", "/rotate", nil, 405},
		"another method from outside":         {"PUT", "/rotate", outside, 405},
		"a method of one's own":               {"ROTATE", "/rotate", outside, 405},
		"a method override":                   {"PUT", "/rotate", func(r *http.Request) { r.Header.Set("X-HTTP-Method-Override", "POST") }, 405},
		"another case":                        {"POST", "/Rotate", nil, 202},
		"an escape":                           {"POST", "/%72otate", nil, 202},
		"two slashes":                         {"POST", "//rotate", nil, 202},
		"a trailing slash":                    {"POST", "/rotate/", nil, 202},
		"a dot segment":                       {"POST", "/./rotate", nil, 202},
		"two dots":                            {"POST", "/x/../rotate", nil, 202},
		"a query":                             {"POST", "/rotate?x", nil, 202},
		"an empty query":                      {"POST", "/rotate?", nil, 202},
		"a backslash":                         {"POST", `/api/..\rotate`, nil, 202},
		"an escaped backslash":                {"POST", "/api/..%5Crotate", nil, 202},
		"an overlong path through the API":    {"POST", "/api/rotate", nil, 202},
		"the absolute form":                   {"POST", "http://127.0.0.1/rotate", nil, 202},
		"the absolute form of the front door": {"POST", "http://rekey.azurewebsites.net/rotate", outside, 202},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, customhandler.Options{}, succeed)
			resp, _ := a.call(t, c.method, c.target, capturedMessage, c.edit)
			assert.Equal(t, c.status, resp.StatusCode)
			assert.Zero(t, a.rotated.Load())
			if c.status == http.StatusMethodNotAllowed {
				assert.Equal(t, "POST", resp.Header.Get("Allow"))
			}
			if c.status == http.StatusForbidden {
				assert.Contains(t, a.log.String(), `"msg":"call refused"`)
			}
		})
	}
}
