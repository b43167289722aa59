package api_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestHealthTouchesNoStore(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Open, c.Engine = false, nil })
	assert.Equal(t, map[string]any{"status": "ok", "version": "1.2.3"}, w.must(200, "GET", "/api/health", ""))
}

func TestNothingButHealthAnswersWhileClosed(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Open = false })
	before := w.everything()
	for name, r := range map[string]refused{
		"the list":              {method: "GET", path: "/api/applications"},
		"a change":              {method: "PUT", path: appPath, body: managed},
		"everything's pause":    {method: "POST", path: "/api/pause"},
		"the document":          {method: "GET", path: "/api/openapi.json"},
		"what does not exist":   {method: "GET", path: "/api/secrets"},
		"health in other words": {method: "GET", path: "/api/Health"},
		"health from below":     {method: "POST", path: "/api/health/../pause"},
		"health twice":          {method: "GET", path: "/api/health/"},
	} {
		t.Run(name, func(t *testing.T) {
			r.status = 403
			r.detail = "nobody may come in yet: set REKEY_API_CLIENT_ID to the client id of rekey's own app registration, or turn App Service authentication on; on a machine of your own REKEY_OPEN_API=true lets everybody in"
			r.problem(t, w.call(r.method, r.path, r.body))
		})
	}
	assert.Equal(t, before, w.everything())
}

// TestHeadersOpenNoDoor: the platform adds headers that say who somebody is, and so can
// anybody else.
func TestHeadersOpenNoDoor(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Open = false })
	before := w.everything()
	for name, header := range map[string][]string{
		"a principal": {"X-MS-CLIENT-PRINCIPAL", "eyJhdXRoX3R5cCI6ImFhZCIsImNsYWltcyI6W3sidHlwIjoicm9sZXMiLCJ2YWwiOiJBZG1pbiJ9XX0="},
		"its parts":   {"X-MS-CLIENT-PRINCIPAL-ID", appID, "X-MS-CLIENT-PRINCIPAL-NAME", "admin", "X-MS-CLIENT-PRINCIPAL-IDP", "aad"},
		"a token":     {"X-MS-TOKEN-AAD-ACCESS-TOKEN", "e30.e30.", "Authorization", "Bearer e30.e30."},
		"a key":       {"X-Functions-Key", "master"},
		"a method":    {"X-HTTP-Method-Override", "GET", "X-HTTP-Method", "GET"},
		"an address":  {"X-Original-URL", "/api/health", "X-Rewrite-URL", "/api/health", "X-Forwarded-For", "127.0.0.1"},
	} {
		assert.Equal(t, 403, w.call("PUT", appPath, managed, header...).status, name)
		assert.Equal(t, 403, w.call("GET", "/api/applications?code=master", "", header...).status, name)
	}
	assert.Equal(t, before, w.everything())
}

func TestTheAllowHeaderNamesTheMethods(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, "POST", w.call("GET", "/api/pause", "").header.Get("Allow"))
	assert.Equal(t, "GET, HEAD", w.call("DELETE", "/api/health", "").header.Get("Allow"))
}

func TestAStoreOutOfReachIsNotDescribed(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.store.down = true
	for name, path := range map[string]string{"of an application": appPath, "of a rotation": firstPath, "of a target": vaultPath} {
		t.Run(name, func(t *testing.T) {
			a := w.call("GET", path, "")
			refused{status: 503, detail: "rekey's store is out of reach or did not answer in time; repeat the request; the cause is in rekey's log"}.problem(t, a)
			assert.Equal(t, "10", a.header.Get("Retry-After"))
			assert.NotContains(t, a.body, "10.1.2.3")
		})
	}
}

func TestWhatGraphSaysIsPassedOn(t *testing.T) {
	for name, c := range map[string]struct {
		fault      rotation.Fault
		status     int
		retryAfter string
		detail     string
	}{
		"denied":    {rotation.Fault{Class: rotation.Denied, Remedy: "grant Application.ReadWrite.OwnedBy"}, 502, "", "graph: no; grant Application.ReadWrite.OwnedBy"},
		"permanent": {rotation.Fault{Class: rotation.Permanent}, 502, "", "graph: no"},
		"throttled": {rotation.Fault{Class: rotation.Throttled, After: 90 * time.Second}, 503, "90", "graph: no"},
		"transient": {rotation.Fault{Class: rotation.Transient}, 503, "10", "graph: no"},
		"conflict":  {rotation.Fault{Class: rotation.Conflict}, 409, "", "graph: no"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.manage()
			c.fault.Err = errors.New("graph: no")
			w.graph.fail = &c.fault
			before := w.everything()
			a := w.call("PUT", appPath, managed)
			refused{status: c.status, detail: c.detail}.problem(t, a)
			assert.Equal(t, c.retryAfter, a.header.Get("Retry-After"))
			assert.Equal(t, before, w.everything())
		})
	}
}
