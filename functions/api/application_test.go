package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestAnApplicationIsSavedAndShown(t *testing.T) {
	w := newWorld(t)
	created := w.call("PUT", "/api/applications/11111111-AAAA-4111-8111-111111111111", `{"policies":{"secret":{"lifetimeDays":30.5}}}`)
	require.Equal(t, 201, created.status, created.body)
	assert.Equal(t, appPath, created.header.Get("Location"))
	assert.NotEmpty(t, created.header.Get("ETag"))

	shown := w.call("GET", appPath, "")
	require.Equal(t, 200, shown.status, shown.body)
	assert.Equal(t, created.header.Get("ETag"), shown.header.Get("ETag"))
	assert.Equal(t, "no-store", shown.header.Get("Cache-Control"))
	app := shown.decoded(t)
	assert.Equal(t, appID, app["appId"])
	assert.Equal(t, "object-1", app["objectId"])
	assert.Equal(t, "Shop", app["name"])
	assert.Equal(t, map[string]any{"secret": map[string]any{"generation": 0., "dueReason": "noCredential", "schedulePaused": false}}, app["kinds"])
	assert.Equal(t, []any{map[string]any{
		"kind": "secret", "keyId": keyID, "state": "foreign", "displayName": "by hand",
		"startsAt": "2026-03-01T00:00:00Z", "endsAt": "2027-03-01T00:00:00Z",
	}}, app["credentials"])
	assert.Equal(t, []any{}, app["targets"])
	assert.Equal(t, []any{}, app["warnings"])

	policies := app["policies"].(map[string]any)
	assert.NotContains(t, policies, "certificate")
	policy := policies["secret"].(map[string]any)
	assert.Equal(t, 30.5, policy["lifetimeDays"])
	assert.Equal(t, 1., policy["thresholdHours"], "what is left out has its default")
}

func TestPutReplaces(t *testing.T) {
	w := newWorld(t)
	w.must(201, "PUT", appPath, `{"policies":{"secret":{"lifetimeDays":30,"waits":{"verifySuccesses":7}},"certificate":{"enabled":false}}}`)
	replaced := w.must(200, "PUT", appPath, `{"policies":{"secret":{"overlapHours":2}}}`)
	policies := replaced["policies"].(map[string]any)
	assert.NotContains(t, policies, "certificate")
	policy := policies["secret"].(map[string]any)
	assert.Equal(t, 21., policy["lifetimeDays"])
	assert.Equal(t, 2., policy["overlapHours"])
	assert.Equal(t, 3., policy["waits"].(map[string]any)["verifySuccesses"])
}

func TestCredentialsAreShownAsTheyRotate(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	w.must(200, "POST", appPath+"/adopt", `{"keyId":"`+keyID+`"}`)
	w.must(202, "POST", appPath+"/rotations", `{"kind":"secret"}`)
	w.run(2 * time.Minute)

	a := w.call("GET", appPath, "")
	assert.NotContains(t, a.body, secretValue)
	app := a.decoded(t)
	credentials := app["credentials"].([]any)
	require.Len(t, credentials, 2)
	adopted, current := credentials[0].(map[string]any), credentials[1].(map[string]any)
	assert.Equal(t, "old", adopted["state"])
	assert.Equal(t, 0., adopted["generation"])
	assert.Equal(t, "current", current["state"])
	assert.Equal(t, 1., current["generation"])
	assert.Equal(t, "rekey/test/1.1", current["displayName"])
	starts, err := time.Parse(time.RFC3339, current["startsAt"].(string))
	require.NoError(t, err)
	assert.Equal(t, starts.Add(21*24*time.Hour-time.Hour).Format(time.RFC3339Nano), current["dueAt"])
	assert.Equal(t, starts.Add(21*24*time.Hour+48*time.Hour).Format(time.RFC3339Nano), current["endsAt"], "lifetime and reserve less threshold")

	kind := app["kinds"].(map[string]any)["secret"].(map[string]any)
	assert.Equal(t, current["dueAt"], kind["dueAt"])
	assert.Equal(t, "lifetime", kind["dueReason"])
	assert.Equal(t, appID+".secret.1", kind["current"])
	target := app["targets"].([]any)[0].(map[string]any)
	assert.Equal(t, "vault", target["id"])
	assert.Equal(t, "confirmed", target["deployment"].(map[string]any)["state"])
}

func TestAKeyIDKnowsNoCase(t *testing.T) {
	w := newWorld(t)
	w.manage()
	adopted := w.must(200, "POST", appPath+"/adopt", `{"keyId":"`+strings.ToUpper(keyID)+`"}`)
	credentials := adopted["credentials"].([]any)
	require.Len(t, credentials, 1)
	assert.Equal(t, "current", credentials[0].(map[string]any)["state"])
	assert.Equal(t, keyID, credentials[0].(map[string]any)["keyId"])
}

func TestWhoAlwaysComesSecondIsToldSo(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.store.busy = true
	for name, r := range map[string]refused{
		"with a target":    {method: "PUT", path: vaultPath, body: `{"integration":"plain","kind":"secret"}`},
		"with a rotation":  {method: "POST", path: appPath + "/rotations", body: rotate},
		"with an adoption": {method: "POST", path: appPath + "/adopt", body: `{"keyId":"` + keyID + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			r.status, r.detail = 409, "it was changed by somebody else at the same time; nothing was changed by this request, repeat it"
			r.problem(t, w.call(r.method, r.path, r.body))
		})
	}
}

func TestAnApplicationIsShownWithoutGraph(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.graph.fail = assert.AnError
	app := w.must(200, "GET", appPath, "")
	assert.Empty(t, app["credentials"])
	assert.Equal(t, []any{"Microsoft Graph could not be read, so credentials that are not rekey's are missing here"}, app["warnings"])
}

func TestPauseAndResume(t *testing.T) {
	w := newWorld(t)
	w.manage()
	assert.Equal(t, map[string]any{"paused": true}, w.must(200, "POST", appPath+"/pause", ""))
	assert.Equal(t, true, w.must(200, "GET", appPath, "")["paused"])
	assert.Equal(t, map[string]any{"paused": false}, w.must(200, "POST", appPath+"/resume", ""))
	assert.Equal(t, false, w.must(200, "GET", appPath, "")["paused"])

	w.must(200, "POST", "/api/pause", "")
	assert.Equal(t, true, w.must(200, "GET", appPath, "")["everythingPaused"])
	w.must(200, "POST", "/api/resume", "")
	assert.Equal(t, false, w.must(200, "GET", appPath, "")["everythingPaused"])
}

func TestADeletedApplicationKeepsItsLog(t *testing.T) {
	w := newWorld(t)
	w.manage()
	assert.Equal(t, 204, w.call("DELETE", appPath, "").status)
	assert.Equal(t, 404, w.call("GET", appPath, "").status)
	lines := w.must(200, "GET", appPath+"/log", "")["items"].([]any)
	require.NotEmpty(t, lines)
	assert.Equal(t, "deleted", lines[0].(map[string]any)["what"])
	assert.Equal(t, "anybody", lines[0].(map[string]any)["actor"])
}

func TestETags(t *testing.T) {
	for name, path := range map[string]string{"of an application": appPath, "of a target": appPath + "/targets/vault"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.manage()
			body := managed
			if path != appPath {
				body = `{"integration":"plain","kind":"secret"}`
				w.must(412, "PUT", path, body, "If-Match", "*")
				w.must(201, "PUT", path, body, "If-None-Match", "*")
			}
			first := w.call("GET", path, "").header.Get("ETag")
			w.must(412, "PUT", path, body, "If-None-Match", "*")
			second := w.call("PUT", path, body, "If-Match", first)
			require.Equal(t, 200, second.status, second.body)

			before := w.everything()
			assert.Equal(t, 412, w.call("PUT", path, body, "If-Match", first).status)
			assert.Equal(t, 412, w.call("DELETE", path, "", "If-Match", first).status)
			assert.Equal(t, 412, w.call("DELETE", path, "", "If-Match", "nonsense").status)
			assert.Equal(t, before, w.everything())

			assert.Equal(t, 200, w.call("PUT", path, body, "If-Match", "*").status)
			last := w.call("GET", path, "").header.Get("ETag")
			assert.Equal(t, 204, w.call("DELETE", path, "", "If-Match", last).status)
			assert.Equal(t, 404, w.call("GET", path, "").status)
		})
	}
}

func TestGraphSaysOfWhichKindAnAdoptedCredentialIs(t *testing.T) {
	w := newWorld(t)
	w.must(201, "PUT", appPath, `{"policies":{"secret":{},"certificate":{}}}`)
	const id = "55555555-5555-4555-8555-555555555555"
	w.graph.keys = []engine.DirectoryCredential{{KeyID: id, Start: w.now, End: w.now.AddDate(1, 0, 0)}}
	w.must(200, "POST", appPath+"/adopt", `{"keyId":"`+id+`"}`)
	view, err := w.View(t.Context(), appID, rotation.Certificate)
	require.NoError(t, err)
	assert.Equal(t, id, view.Head.Certificate.Current)
}
