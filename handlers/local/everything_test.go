package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
)

// everything is a stack with one application that goes to every kind of target.
type everything struct {
	*Stack
	evidence *evidence
	app      string
	path     string

	mu  sync.Mutex
	ran []string // the SHA-256 of what scripts were given, in order
}

// startEverything starts a stack in which nothing takes long, and rotates both
// kinds of the application's credentials once.
func startEverything(t *testing.T, change func(*Options)) *everything {
	t.Helper()
	s, evidence := startTapped(t, change)
	e := &everything{Stack: s, evidence: evidence, app: s.Tenant.Apps[2].AppID}
	e.path = "/api/applications/" + e.app
	s.Tenant.places.onRun = e.run
	require.NoError(t, s.configureShared(t.Context()))
	s.put(t, e.path, both(false))
	for id, body := range s.Tenant.assignEverything().targets {
		s.put(t, e.path+"/targets/"+id, body)
	}
	s.put(t, e.path, both(true))
	for _, kind := range []string{"secret", "certificate"} {
		eventually(t, "a first "+kind, func() bool { return e.newest(t, kind).State == "completed" })
	}
	return e
}

// both are quick policies for both kinds.
func both(enabled bool) any {
	quick := fast(map[string]any{"enabled": enabled}).(map[string]any)["policies"].(map[string]any)["secret"].(map[string]any)
	certificate := map[string]any{}
	for name, value := range quick {
		certificate[name] = value
	}
	delete(certificate, "thresholdHours")
	certificate["thresholdDays"] = 1
	return map[string]any{"policies": map[string]any{"secret": quick, "certificate": certificate}}
}

func (e *everything) run(given map[string]string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sum := sha256.Sum256([]byte(given["NewSecret"]))
	e.ran = append(e.ran, hex.EncodeToString(sum[:]))
}

// newest is the newest rotation of a kind.
func (e *everything) newest(t *testing.T, kind string) shownRotation {
	t.Helper()
	var page struct{ Items []shownRotation }
	e.read(t, e.path+"/rotations?kind="+kind, &page)
	if len(page.Items) == 0 {
		return shownRotation{}
	}
	return page.Items[0]
}

// rotate asks for a rotation of each kind and waits until every target has both.
func (e *everything) rotate(t *testing.T) (rotations []shownRotation) {
	t.Helper()
	var ids []string
	for _, kind := range []string{"secret", "certificate"} {
		ids = append(ids, e.ask(t, e.app, fmt.Sprintf(`{"kind":%q}`, kind)))
	}
	for _, id := range ids {
		var r shownRotation
		eventually(t, id+" completed", func() bool {
			r = e.rotation(t, id)
			return r.State == "completed"
		})
		rotations = append(rotations, r)
	}
	return rotations
}

// retire waits until the older credentials of both kinds are gone.
func (e *everything) retire(t *testing.T) {
	t.Helper()
	for _, kind := range []string{"secret", "certificate"} {
		e.done(t, e.newest(t, kind).ID)
	}
}

// accepted are the SHA-256 of the secrets and the thumbprints of the certificates
// that Entra ID accepts of the application.
func (e *everything) accepted(t *testing.T) (secrets, thumbprints []string) {
	t.Helper()
	found, ok := e.Azure.Directory.ApplicationByAppID(e.app, 0)
	require.True(t, ok)
	for _, p := range found.Passwords {
		secrets = append(secrets, hex.EncodeToString(p.SecretSHA256[:]))
	}
	for _, k := range found.Keys {
		sum := sha256.Sum256(k.Certificate.Raw)
		thumbprints = append(thumbprints, hex.EncodeToString(sum[:]))
	}
	return secrets, thumbprints
}

// held is what each target holds now, by its id.
func (e *everything) held() map[string]string {
	held := map[string]string{}
	vaults := e.Azure.Vaults.State().Vaults
	for _, s := range vaults[policyVault].Secrets {
		held["vault"] = s.Versions[len(s.Versions)-1].SHA256
	}
	for _, c := range vaults[rbacVault].Certificates {
		held["certificate"] = c.Versions[len(c.Versions)-1].SHA256
	}
	for _, c := range e.Azure.DevOps.State().Organizations[organization].Connections {
		if c.Name == "shop" {
			held["pipeline"] = c.Secrets["serviceprincipalkey"]
		}
	}
	deployments := e.Azure.Vercel.State().Projects["web-shop"].Deployments
	held["web"] = deployments[len(deployments)-1].Values["CLIENT_SECRET"]
	for _, c := range e.Azure.Connections.State().Connections {
		if strings.HasSuffix(c.ID, "/shop-mail") {
			held["mail"] = c.Secrets["token:clientSecret"]
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	held["restart"] = e.ran[len(e.ran)-1]
	return held
}

// checkHeld wants every target to hold the newest credential, which Entra accepts.
func (e *everything) checkHeld(t *testing.T, why string) {
	t.Helper()
	secrets, certificates := e.accepted(t)
	for id, digest := range e.held() {
		if id == "certificate" {
			assert.Contains(t, certificates, digest, "%s: %s", why, id)
			continue
		}
		assert.Contains(t, secrets, digest, "%s: %s", why, id)
	}
}

func TestOneRotationReachesFiveKindsOfTargets(t *testing.T) {
	t.Parallel()
	e := startEverything(t, nil)
	e.checkHeld(t, "at first")
	before := e.held()
	for _, r := range e.rotate(t) {
		for _, d := range r.Deployments {
			assert.Equal(t, "confirmed", d.State, "%s: %s", d.Target, d.LastError)
		}
	}
	e.retire(t)
	e.checkHeld(t, "at last")
	after := e.held()
	assert.Len(t, after, 6)
	for id := range after {
		assert.NotEqual(t, before[id], after[id], id)
	}
	e.checkNothingLeaked(t, e.evidence)
}

// called are the kinds of outside calls that rotations make.
func (e *everything) called(t *testing.T) (calls []cloud.Fault) {
	t.Helper()
	e.retire(t)
	e.face(t, http.MethodGet, "/sim/calls?reset=true", nil, nil)
	e.rotate(t)
	e.retire(t)
	placeholder := regexp.MustCompile(`\{[^}]*\}`)
	seen := map[string]bool{}
	for _, call := range e.outsideCalls(t).Calls {
		name := call.Method + " " + call.Host + call.Path
		if call.Status >= 500 || seen[name] || call.Host == "localhost" {
			continue
		}
		seen[name] = true
		calls = append(calls, cloud.Fault{Host: call.Host, Method: call.Method, Path: placeholder.ReplaceAllString(call.Path, "*")})
	}
	return calls
}

// face asks the simulator's own face.
func (e *everything) face(t *testing.T, method, path string, body, answer any) {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, e.Endpoints.Proxy+path, bytes.NewReader(text))
	require.NoError(t, err)
	require.NoError(t, fetch(e.client, request, answer))
}

// failsOnce lets one call fail, in rotations of both kinds.
func (e *everything) failsOnce(t *testing.T, call cloud.Fault) {
	t.Helper()
	call.Count = new(1)
	e.face(t, http.MethodPut, "/sim/faults", []cloud.Fault{call}, nil)
	e.rotate(t)
	eventually(t, "the call that fails", func() bool {
		var rules []cloud.Fault
		e.face(t, http.MethodGet, "/sim/faults", nil, &rules)
		return *rules[0].Count == 0
	})
}

// TestEachOutsideCallFailsOnce lets every kind of outside call fail once, each in a
// rotation of its own and in three ways in turn: refused, cut off, and lost after
// its effect. Every rotation completes, and no target ends with a credential that
// Entra ID does not accept.
func TestEachOutsideCallFailsOnce(t *testing.T) {
	t.Parallel() // it waits most of the time
	e := startEverything(t, nil)
	calls := e.called(t)
	require.Greater(t, len(calls), 20)
	ways := []func(*cloud.Fault){
		func(f *cloud.Fault) { f.Status = http.StatusServiceUnavailable },
		func(f *cloud.Fault) { f.Cut = true },
		func(f *cloud.Fault) { f.Lose = true },
	}
	for i, call := range calls {
		ways[i%len(ways)](&call)
		name := fmt.Sprintf("%s %s%s", call.Method, call.Host, call.Path)
		t.Logf("%d of %d: %s", i+1, len(calls), name)
		e.failsOnce(t, call)
		e.checkHeld(t, name)
	}
	e.retire(t)
	secrets, certificates := e.accepted(t)
	assert.Len(t, secrets, 2, "the current one, and the foreign one")
	assert.Len(t, certificates, 1)
	e.checkNothingLeaked(t, e.evidence)
}
