package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim"
)

// quick is an Azure in which everything still takes a while, but a short one.
func quick() azuresim.Latency {
	return azuresim.Latency{
		Replication: 100 * time.Millisecond, ReadLag: 50 * time.Millisecond, WriteWindow: 20 * time.Millisecond,
		RolePropagation: 300 * time.Millisecond, Recovery: 100 * time.Millisecond, NearExpiry: 300 * time.Millisecond,
		EventRetry: 0.05, Limits: true,
	}
}

func startStack(t *testing.T, change func(*Options)) *Stack {
	t.Helper()
	o := DefaultOptions()
	o.Apps, o.Dist, o.Dir, o.HostPort, o.Ports, o.Latency = 4, dist, t.TempDir(), 0, anyPorts, quick()
	o.Settings = map[string]string{"REKEY_SWEEP_SCHEDULE": "* * * * * *", "REKEY_INVENTORY_SCHEDULE": onceAYear, "REKEY_CALL_TIMEOUT": "2s"}
	if change != nil {
		change(&o)
	}
	s, err := Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(s.path("handler.log"))
			t.Logf("the handler's log ends with\n%s", tail(log, 6000))
		}
		require.NoError(t, s.Close())
	})
	return s
}

// startTapped starts a stack that leaves evidence of everything that it does.
func startTapped(t *testing.T, change func(*Options)) (*Stack, *evidence) {
	t.Helper()
	var e *evidence
	s := startStack(t, func(o *Options) {
		if change != nil {
			change(o)
		}
		var err error
		e, err = gather(o)
		require.NoError(t, err)
	})
	t.Cleanup(func() { _ = e.Close() })
	e.of(s)
	return s, e
}

func tail(text []byte, n int) []byte { return text[max(0, len(text)-n):] }

// fast is a policy whose waits are short enough for a test.
func fast(change map[string]any) any {
	secret := map[string]any{
		"enabled": true, "wideLimits": true, "lifetimeDays": 21, "thresholdHours": 1,
		"overlapHours": inHours(2 * time.Second), "deliveryAllowanceHours": 1,
		"waits": map[string]any{
			"verifyEveryHours": inHours(200 * time.Millisecond), "retryAfterHours": inHours(300 * time.Millisecond),
			"lostAnswerHours": inHours(500 * time.Millisecond), "resendHours": inHours(3 * time.Second),
			"lookAgainHours": []float64{inHours(time.Second), inHours(2 * time.Second), inHours(4 * time.Second)},
		},
	}
	for name, value := range change {
		secret[name] = value
	}
	return policies(secret)
}

// eventually asks until the answer is right. What it waits for happens in other
// processes; the deadline only ends a test that has failed.
func eventually(t *testing.T, what string, right func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !right(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			require.FailNow(t, "it never came to this: "+what)
		}
	}
}

type shownRotation struct {
	ID, State, Source, Reason, KeyID string
	Deployments                      []struct{ Target, State, Receipt, LastError string }
	Retirements                      []struct{ KeyID, State string }
}

// read gets an answer of the API, from the next handler if this one was killed.
func (s *Stack) read(t *testing.T, path string, answer any) {
	t.Helper()
	eventually(t, "an answer to GET "+path, func() bool { return s.get(t.Context(), path, answer) == nil })
}

func (s *Stack) rotation(t *testing.T, id string) (r shownRotation) {
	t.Helper()
	s.read(t, "/api/rotations/"+id, &r)
	return r
}

// latest is the newest rotation of an application, or a zero one.
func (s *Stack) latest(t *testing.T, appID string) shownRotation {
	t.Helper()
	var page struct{ Items []shownRotation }
	s.read(t, "/api/applications/"+appID+"/rotations", &page)
	if len(page.Items) == 0 {
		return shownRotation{}
	}
	return page.Items[0]
}

func (s *Stack) put(t *testing.T, path string, body any) {
	t.Helper()
	require.NoError(t, s.call(t.Context(), http.MethodPut, path, body))
}

// manage configures one application with a target in a vault.
func (s *Stack) manage(t *testing.T, n int, policy any, vault string) string {
	t.Helper()
	app := s.Tenant.Apps[n]
	path := "/api/applications/" + app.AppID
	s.put(t, path, policy)
	s.put(t, path+"/targets/vault", map[string]any{
		"integration": "keyvault", "kind": "secret", "enabled": true, "settings": map[string]any{"vault": vault},
	})
	return app.AppID
}

// ask requests a rotation by hand and returns its id.
func (s *Stack) ask(t *testing.T, appID, body string) string {
	t.Helper()
	response, err := s.client.Post(s.Endpoints.Host+"/api/applications/"+appID+"/rotations", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, response.StatusCode, string(text))
	var r shownRotation
	require.NoError(t, json.Unmarshal(text, &r))
	assert.Equal(t, "/api/rotations/"+r.ID, response.Header.Get("Location"))
	return r.ID
}

// done waits until a rotation is completed and nothing older is left.
func (s *Stack) done(t *testing.T, id string) shownRotation {
	t.Helper()
	var r shownRotation
	eventually(t, id+" completed, and older credentials removed", func() bool {
		r = s.rotation(t, id)
		for _, retirement := range r.Retirements {
			if retirement.State != "removed" {
				return false
			}
		}
		return r.State == "completed"
	})
	return r
}

func TestTheMainJob(t *testing.T) {
	t.Parallel()
	for name, perFunction := range map[string]bool{"in one process": false, "in one process for each function": true} {
		t.Run(name, func(t *testing.T) { mainJob(t, perFunction) })
	}
}

// mainJob drives all three triggers over the wire until the old credentials are
// gone, and then looks at what is left in the simulated Azure.
func mainJob(t *testing.T, perFunction bool) {
	s, evidence := startTapped(t, func(o *Options) { o.PerFunction = perFunction })

	timer := s.manage(t, 0, fast(nil), rbacVault)
	adopted := s.Tenant.Apps[0].Passwords[0].KeyID
	require.NoError(t, s.call(t.Context(), http.MethodPost, "/api/applications/"+timer+"/adopt", map[string]any{"keyId": adopted}))
	hand := s.manage(t, 1, fast(nil), policyVault)
	event := s.manage(t, 2, fast(map[string]any{"lifetimeDays": 90}), rbacVault)
	for _, app := range []string{timer, hand, event} {
		eventually(t, "a first rotation of "+app, func() bool { return s.latest(t, app).State == "completed" })
		assert.Equal(t, "schedule", s.latest(t, app).Source)
	}
	s.done(t, s.latest(t, timer).ID)

	second := s.done(t, s.ask(t, hand, `{"kind":"secret"}`))
	assert.Equal(t, "person", second.Source)

	require.NoError(t, s.shorten(t.Context(), rbacVault, s.secretName(t, event)))
	eventually(t, "a rotation because of the event", func() bool { return s.latest(t, event).Source == "nearExpiry" })
	s.done(t, s.latest(t, event).ID)

	s.checkEntra(t, timer, hand, event)
	s.checkVaults(t, map[string]int{timer: 1, hand: 2, event: 2})
	s.checkAssignments(t)
	s.checkCalls(t)
	s.checkNothingLeaked(t, evidence)
}

// secretName is the name under which an application's secret stands in its vault.
func (s *Stack) secretName(t *testing.T, appID string) string {
	t.Helper()
	name, _ := s.placed(appID)
	require.NotEmpty(t, name, "no secret of %s", appID)
	return name
}
