package graph_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
)

func TestABatchAnswersOutOfOrderAndById(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	c := n.raw()
	path := "/applications/" + app.ObjectID
	given := c.do("POST", "/$batch", map[string]any{"requests": []map[string]any{
		{"id": "read", "method": "GET", "url": path + "?$select=displayName"},
		{"id": "add", "method": "POST", "url": path + "/addPassword", "headers": map[string]string{"Content-Type": "application/json"}, "body": map[string]any{}, "dependsOn": []string{"read"}},
		{"id": "fail", "method": "GET", "url": "users"},
		{"id": "after", "method": "DELETE", "url": path, "dependsOn": []string{"fail"}},
		{"id": "rename", "method": "PATCH", "url": path, "headers": map[string]string{"content-type": "application/json"}, "body": map[string]any{"displayName": "renamed"}},
	}})
	require.Equal(t, http.StatusOK, given.status, given.body)
	responses := given.body["responses"].([]any)
	var order []any
	answers := map[any]map[string]any{}
	for _, one := range responses {
		answer := one.(map[string]any)
		order = append(order, answer["id"])
		answers[answer["id"]] = answer
	}
	assert.Equal(t, []any{"rename", "after", "fail", "add", "read"}, order)
	assert.EqualValues(t, 200, answers["read"]["status"])
	assert.Equal(t, "shop", answers["read"]["body"].(map[string]any)["displayName"])
	assert.EqualValues(t, 200, answers["add"]["status"])
	assert.Len(t, answers["add"]["body"].(map[string]any)["secretText"], 40)
	assert.EqualValues(t, 400, answers["fail"]["status"])
	assert.EqualValues(t, 424, answers["after"]["status"])
	assert.Equal(t, "FailedDependency", answers["after"]["body"].(map[string]any)["error"].(map[string]any)["code"])
	assert.EqualValues(t, 204, answers["rename"]["status"])
	assert.NotContains(t, answers["rename"], "body")
	assert.Equal(t, "renamed", c.do("GET", path, nil).body["displayName"])
}

func TestABatchIsReadStrictly(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	c := n.raw()
	get := func(id string, more ...any) map[string]any {
		one := map[string]any{"id": id, "method": "GET", "url": "/applications"}
		for i := 0; i < len(more); i += 2 {
			one[more[i].(string)] = more[i+1]
		}
		return one
	}
	var tooMany []map[string]any
	for i := range 21 {
		tooMany = append(tooMany, get(fmt.Sprint(i)))
	}
	for name, one := range map[string]struct {
		requests []map[string]any
		message  string
	}{
		"more than 20":            {tooMany, "Number of batch request steps exceeds the maximum value of 20."},
		"an id twice":             {[]map[string]any{get("1"), get("1")}, "Request Id is not unique in the batch: 1."},
		"no id":                   {[]map[string]any{get("")}, "Write request id, method and url have to be provided for each request."},
		"a body of no type":       {[]map[string]any{get("1", "body", map[string]any{})}, "Write request id : 1 does not contain Content-Type header or body."},
		"a dependency on nothing": {[]map[string]any{get("1", "dependsOn", []string{"2"})}, "The dependsOn of request 1 names no earlier request: 2."},
		"an unknown property":     {[]map[string]any{get("1", "priority", 1)}, `Invalid request body: json: unknown field "priority".`},
	} {
		t.Run(name, func(t *testing.T) {
			given := c.do("POST", "/$batch", map[string]any{"requests": one.requests})
			assert.Equal(t, http.StatusBadRequest, given.status)
			assert.Equal(t, one.message, given.message())
		})
	}
	assert.Equal(t, http.StatusOK, c.do("POST", "/$batch", map[string]any{"requests": tooMany[:20]}).status)
	assert.Equal(t, http.StatusMethodNotAllowed, c.do("GET", "/$batch", nil).status)
}
