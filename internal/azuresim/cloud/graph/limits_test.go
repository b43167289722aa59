package graph_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
)

// batches sends n copies of a call, twenty at a time, and counts the statuses.
func batches(c *caller, n int, method, url string) map[float64]int {
	statuses := map[float64]int{}
	for n > 0 {
		var requests []map[string]any
		for i := range min(n, 20) {
			requests = append(requests, map[string]any{"id": fmt.Sprint(i), "method": method, "url": url})
		}
		n -= len(requests)
		for _, one := range c.do("POST", "/$batch", map[string]any{"requests": requests}).body["responses"].([]any) {
			statuses[one.(map[string]any)["status"].(float64)]++
		}
	}
	return statuses
}

func TestCallsBeyondALimitAreThrottled(t *testing.T) {
	const missing = "/applications/b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00"
	for name, one := range map[string]struct {
		method, url, scope, information string
		calls                           int
		allowed                         float64
		window                          time.Duration
	}{
		"units for one application": {"GET", "/applications?$top=999", "Tenant_Application/ReadWrite/%s/" + tenantID, "ResourceUnitLimitExceeded", 1750, 200, 10 * time.Second},
		"writes of one application": {"DELETE", missing, "Tenant_Application/Write/%s/" + tenantID, "WriteLimitExceeded", 3000, 404, 150 * time.Second},
		"lists with keys":           {"GET", "/applications?$select=keyCredentials", "Tenant/Read/keyCredentials/" + tenantID, "ReadLimitExceeded", 150, 200, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, entra.Options{}, graph.Options{Limits: true})
			c := n.raw()
			assert.Equal(t, map[float64]int{one.allowed: one.calls, 429: 5}, batches(c, one.calls+5, one.method, one.url))
			refused := c.do(one.method, one.url, nil)
			require.Equal(t, http.StatusTooManyRequests, refused.status)
			assert.Equal(t, "TooManyRequests", refused.code())
			assert.Contains(t, []string{one.scope, fmt.Sprintf(one.scope, n.rotator.AppID)}, refused.header.Get("x-ms-throttle-scope"))
			assert.Equal(t, one.information, refused.header.Get("x-ms-throttle-information"))
			wait, err := strconv.ParseFloat(refused.header.Get("Retry-After"), 64)
			require.NoError(t, err)
			assert.Greater(t, wait, 0.0)
			assert.LessOrEqual(t, wait, one.window.Seconds())
			n.clock.Advance(time.Duration(wait*float64(time.Second)) + time.Millisecond)
			assert.NotEqual(t, http.StatusTooManyRequests, c.do(one.method, one.url, nil).status)
		})
	}
}

func TestAnswersReportTheirCost(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{Limits: true})
	app := n.owned("shop")
	c := n.raw()
	for call, want := range map[string]string{
		"GET /applications":                                             "2",
		"GET /applications?$select=id":                                  "1",
		"GET /applications?$top=5":                                      "1",
		"GET /applications?$top=5&$select=id":                           "1",
		"GET /applications/" + app.ObjectID:                             "1",
		"POST /applications/" + app.ObjectID + "/addPassword":           "1",
		"GET /applications(appId='" + app.AppID + "')?$select=id,appId": "1",
	} {
		var method, url string
		_, err := fmt.Sscan(call, &method, &url)
		require.NoError(t, err)
		given := c.do(method, url, nil)
		assert.Equal(t, want, given.header.Get("x-ms-resource-unit"), call)
		assert.Empty(t, given.header.Get("x-ms-throttle-limit-percentage"))
	}
	batches(c, 120, "GET", "/applications?$select=keyCredentials")
	warned := c.do("GET", "/applications?$select=keyCredentials", nil)
	assert.Equal(t, "0.8", warned.header.Get("x-ms-throttle-limit-percentage"))
	assert.Equal(t, "Tenant/Read/keyCredentials/"+tenantID, warned.header.Get("x-ms-throttle-scope"))
}

func TestLimitsCanBeOff(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	c := n.raw()
	assert.Equal(t, map[float64]int{200: 160}, batches(c, 160, "GET", "/applications?$select=keyCredentials"))
	assert.Empty(t, c.do("GET", "/applications", nil).header.Get("x-ms-resource-unit"))
}
