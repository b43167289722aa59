package api_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestAdviceNamesTheFindingAndTheWayOut(t *testing.T) {
	w := newWorld(t)
	w.registered(3)
	w.must(201, "PUT", appPath+"/targets/vault", `{"integration":"place","kind":"secret","settings":{"vault":"v"}}`)
	items := w.must(200, "GET", "/api/advice", "")["items"].([]any)
	assert.Equal(t, map[string]any{
		"rule": "place-federation", "appId": appID, "name": "Shop", "target": "vault",
		"finding": "the place needs none", "wayOut": "convert it", "page": "https://example.com/page",
	}, items[0])
	assert.Equal(t, []any{"place-federation", "long-lived-credential", "long-lived-credential"}, w.walk("/api/advice", "?", "rule"))
	w.tenant.fail = &rotation.Fault{Class: rotation.Denied, Err: errors.New("graph: 403"), Remedy: "grant rekey's identity AuditLog.Read.All on Microsoft Graph"}
	first := w.must(200, "GET", "/api/advice?limit=1", "")["items"].([]any)[0].(map[string]any)
	assert.Equal(t, "graph: 403; grant rekey's identity AuditLog.Read.All on Microsoft Graph", first["wayOut"])
	w.tenant.fail = &rotation.Fault{Class: rotation.Throttled, Err: errors.New("graph: 429")}
	assert.Equal(t, "graph: 429", w.must(503, "GET", "/api/advice", "")["detail"])
	for _, cursor := range []string{"x", base64.RawURLEncoding.EncodeToString([]byte("2 0 " + appID))} {
		w.tenant.fail = nil
		assert.Equal(t, "query.cursor: must be the next of the page before", w.must(422, "GET", "/api/advice?cursor="+cursor, "")["detail"])
	}
}
