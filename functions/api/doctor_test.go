package api_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestTheDoctorSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.must(201, "PUT", vaultPath, carefully)
	healthy := w.must(200, "GET", "/api/doctor?app="+appID, "")
	assert.Equal(t, true, healthy["ok"])
	assert.NotContains(t, healthy, "applications")

	w.careful.fail = &rotation.Fault{Class: rotation.NotFound, Err: errors.New("careful: it is gone"), Remedy: "make it"}
	ill := w.must(200, "GET", "/api/doctor?app="+appID, "")
	assert.Equal(t, false, ill["ok"])
	checks := map[string]any{}
	for _, c := range ill["checks"].([]any) {
		made := c.(map[string]any)
		assert.NotEmpty(t, made["what"])
		assert.NotEmpty(t, made["checkedAt"])
		checks[made["check"].(string)] = made["findings"]
	}
	found := checks["targets"].([]any)[0].(map[string]any)
	assert.NotEmpty(t, found["since"])
	delete(found, "since")
	want := map[string]any{
		"check": "targets", "appId": appID, "subject": "vault", "severity": "error",
		"finding": `the next delivery to the target "vault" would fail: careful: it is gone`, "remedy": "make it",
	}
	assert.Equal(t, want, found)
	assert.Equal(t, []any{}, checks["overdue"])

	all := w.must(200, "GET", "/api/doctor", "")
	assert.Equal(t, true, all["ok"], "the installation itself is well")
	page := all["applications"].(map[string]any)
	assert.Len(t, page["items"], 1)
	assert.Nil(t, page["next"])
	refused{status: 422, field: "query.app", detail: "must be the application's client id, a GUID"}.problem(t, w.call("GET", "/api/doctor?app=1", ""))
	refused{status: 404, detail: `application "` + unknown + `": the application is not managed by rekey`}.problem(t, w.call("GET", "/api/doctor?app="+unknown, ""))
}

func TestFindingsArePaged(t *testing.T) {
	w := newWorld(t)
	for n := range 5 {
		f := rotation.Finding{Check: "targets", AppID: fmt.Sprintf("%08d-aaaa-4111-8111-111111111111", n), Subject: "vault", Severity: rotation.SeverityWarning, Finding: "it is old", Since: w.now}
		_, err := w.KeepFinding(t.Context(), engine.KeptFinding{Finding: f})
		require.NoError(t, err)
	}
	var seen []any
	for cursor := ""; ; {
		page := w.must(200, "GET", "/api/doctor/findings?limit=2"+cursor, "")
		for _, item := range page["items"].([]any) {
			seen = append(seen, item.(map[string]any)["appId"].(string)[7:8])
		}
		if page["next"] == nil {
			break
		}
		cursor = "&cursor=" + page["next"].(string)
	}
	assert.Equal(t, []any{"0", "1", "2", "3", "4"}, seen)
	refused{status: 422, field: "query.cursor", detail: "must be the next of the page before"}.problem(t, w.call("GET", "/api/doctor/findings?cursor=x", ""))
}

// forbidding is a tenant whose policy forbids client secrets.
type forbidding struct{}

func (forbidding) TenantPolicy(context.Context) (doctor.Policy, error) {
	return doctor.Policy{Name: "strict", Enabled: true, Restrictions: []doctor.Restriction{{Type: "passwordAddition", Enabled: true}}}, nil
}

func (forbidding) ApplicationPolicies(context.Context, string) ([]doctor.Policy, time.Time, error) {
	return nil, time.Time{}, nil
}

func TestAPlanSaysWhatTheTenantForbids(t *testing.T) {
	w := newWorld(t)
	w.doctor.Policies = forbidding{}
	w.manage()
	plan := w.must(200, "POST", appPath+"/rotations?dryRun=true", `{"kind":"secret"}`)
	assert.Equal(t, []any{`the app management policy "strict" forbids client secrets of this application: rekey can add none; assign the application an app management policy of its own in which passwordAddition is disabled, or rotate certificates`}, plan["refusals"])
	kept, err := w.FindingsOf(t.Context(), appID)
	require.NoError(t, err)
	assert.Empty(t, kept, "a plan keeps nothing")
}
