package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	first     = appID + ".secret.1"
	firstPath = "/api/rotations/" + first
	rotate    = `{"kind":"secret","emergency":false,"revokeNow":false}`
)

func TestARotationIsAskedForOnce(t *testing.T) {
	w := newWorld(t)
	w.manage()
	a := w.call("POST", appPath+"/rotations", rotate)
	require.Equal(t, 202, a.status, a.body)
	assert.Equal(t, firstPath, a.header.Get("Location"))
	asked := a.decoded(t)
	assert.Equal(t, first, asked["id"])
	assert.Equal(t, "requested", asked["state"])
	assert.Equal(t, "person", asked["source"])

	again := w.must(202, "POST", appPath+"/rotations", rotate)
	assert.Equal(t, first, again["id"], "the one in flight")
}

func TestAnIdempotencyKeyFindsItsRotation(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.must(202, "POST", appPath+"/rotations", rotate, "Idempotency-Key", "k-1")
	w.run(2 * time.Minute)
	found := w.must(202, "POST", appPath+"/rotations", rotate, "Idempotency-Key", "k-1")
	assert.Equal(t, first, found["id"])
	assert.Equal(t, "completed", found["state"])
	other := w.must(202, "POST", appPath+"/rotations", rotate, "Idempotency-Key", "k-2")
	assert.Equal(t, appID+".secret.2", other["id"])
}

func TestAnEmergencySupersedesAndRevokes(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.must(202, "POST", appPath+"/rotations", rotate)
	w.must(200, "POST", appPath+"/pause", "")
	emergency := w.must(202, "POST", appPath+"/rotations", `{"kind":"secret","emergency":true,"revokeNow":true}`)
	assert.Equal(t, appID+".secret.2", emergency["id"])
	assert.Equal(t, true, emergency["revokeNow"])
	assert.Equal(t, "superseded", w.must(200, "GET", firstPath, "")["state"])
}

func TestARotationIsShownToItsEnd(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	w.must(200, "POST", appPath+"/adopt", `{"keyId":"`+keyID+`"}`)
	w.must(202, "POST", appPath+"/rotations", rotate)
	w.run(2 * time.Minute)

	a := w.call("GET", firstPath, "")
	assert.NotContains(t, a.body, secretValue)
	shown := a.decoded(t)
	assert.Equal(t, "completed", shown["state"])
	assert.Equal(t, []any{"vault"}, shown["targets"])
	for _, field := range []string{"requestedAt", "stagedAt", "verifiedAt", "publishedAt", "endedAt", "keyId"} {
		assert.NotEmpty(t, shown[field], field)
	}
	deployment := shown["deployments"].([]any)[0].(map[string]any)
	assert.Equal(t, "vault", deployment["target"])
	assert.Equal(t, "confirmed", deployment["state"])
	assert.Equal(t, 1., deployment["attempts"])
	assert.Equal(t, "version-1", deployment["receipt"])
	confirmed, err := time.Parse(time.RFC3339, deployment["confirmedAt"].(string))
	require.NoError(t, err)
	assert.Equal(t, []any{map[string]any{
		"keyId": keyID, "generation": 0., "endsAt": "2027-03-01T00:00:00Z",
		"state": "waiting", "reason": "the overlap has not passed", "until": confirmed.Add(25 * time.Hour).Format(time.RFC3339Nano),
	}}, shown["retirements"])

	w.now = w.now.Add(25 * time.Hour)
	removing := w.must(200, "GET", firstPath, "")["retirements"].([]any)
	assert.Equal(t, "removing", removing[0].(map[string]any)["state"])
	w.run(2 * time.Minute)
	removed := w.must(200, "GET", firstPath, "")["retirements"].([]any)
	require.Len(t, removed, 1)
	assert.Equal(t, "removed", removed[0].(map[string]any)["state"])
	assert.Equal(t, keyID, removed[0].(map[string]any)["keyId"])
}

func TestARotationShowsOnlyWhatItMakesObsolete(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	w.run(2 * time.Minute)
	w.graph.slow = true
	w.must(202, "POST", appPath+"/rotations", rotate)
	w.run(2 * time.Minute)
	require.Len(t, w.must(200, "GET", appPath, "")["credentials"], 3, "a foreign one, the current one and a new one")
	assert.Empty(t, w.must(200, "GET", firstPath, "")["retirements"], "what comes after it is not its business")

	w.graph.slow = false
	w.run(2 * time.Minute)
	second := w.must(200, "GET", "/api/rotations/"+appID+".secret.2", "")
	require.Len(t, second["retirements"], 1)
	assert.Equal(t, 1., second["retirements"].([]any)[0].(map[string]any)["generation"])
	assert.Empty(t, w.must(200, "GET", firstPath, "")["retirements"], "its own credential is not")
}

func TestARotationOfADeletedApplicationIsShown(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	w.run(2 * time.Minute)
	require.Equal(t, 204, w.call("DELETE", appPath, "").status)
	assert.Equal(t, "completed", w.must(200, "GET", firstPath, "")["state"])
	assert.Len(t, w.must(200, "GET", appPath+"/rotations", "")["items"], 1)
}

func TestARotationIsCancelled(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.must(202, "POST", appPath+"/rotations", rotate)
	cancelled := w.must(200, "POST", "/api/rotations/11111111-AAAA-4111-8111-111111111111.secret.1/cancel", "")
	assert.Equal(t, "cancelled", cancelled["state"])
	assert.Equal(t, "cancelled by anybody", cancelled["reason"])

	w.must(202, "POST", appPath+"/rotations", rotate)
	w.run(2 * time.Minute)
	before := w.everything()
	refused{status: 409, detail: `rotation "` + appID + `.secret.2" is completed; only one that is not published can be cancelled`}.
		problem(t, w.call("POST", "/api/rotations/"+appID+".secret.2/cancel", ""))
	assert.Equal(t, before, w.everything())
}

func TestAFailedDeploymentIsResumed(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	w.place.fail = rotation.Permanently("place: it is full")
	w.run(2 * time.Minute)
	shown := w.must(200, "GET", firstPath, "")
	assert.Equal(t, "incomplete", shown["state"])
	deployment := shown["deployments"].([]any)[0].(map[string]any)
	assert.Equal(t, "failed", deployment["state"])
	assert.Equal(t, "place: it is full", deployment["lastError"])

	w.place.fail = nil
	resume := "/api/deployments/" + first + "/vault/resume"
	assert.Equal(t, firstPath, w.call("POST", resume, "").header.Get("Location"))
	w.run(2 * time.Minute)
	assert.Equal(t, "completed", w.must(200, "GET", firstPath, "")["state"])

	before := w.everything()
	refused{status: 409, detail: `the deployment to "vault" is confirmed; only a failed one can be resumed`}.problem(t, w.call("POST", resume, ""))
	refused{status: 404, detail: `target "other": there is no such target`}.problem(t, w.call("POST", "/api/deployments/"+first+"/other/resume", ""))
	assert.Equal(t, before, w.everything())
}
