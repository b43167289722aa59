package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
)

// writes are the outside calls that succeeded and do more than read.
type writes struct {
	mu   sync.Mutex
	made []string
}

func (w *writes) note(x cloud.Exchange) {
	own := x.Request.Host == "localhost" || strings.HasSuffix(x.Request.URL.Path, "/oauth2/v2.0/token") && !strings.Contains(x.Request.Host, "login")
	if x.Request.Method == http.MethodGet || x.Status >= 400 || own {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made = append(w.made, x.Request.Method+" "+x.Request.Host+x.Request.URL.Path)
}

// take returns what was noted since it was last asked.
func (w *writes) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	made := w.made
	w.made = nil
	return made
}

// asksOnly are calls that are no GET and change nothing.
func asksOnly(call string) bool {
	return strings.HasSuffix(call, "/_apis/serviceendpoint/endpointproxy") || strings.HasPrefix(call, "POST login.microsoftonline.com/")
}

type shownPlan struct {
	Rotation string
	Refusals []string
	Steps    []struct {
		Step, Target, Refusal string
		At                    time.Time
		Calls                 []struct{ Service, Method, Path string }
	}
	Kept []struct{ KeyID, Why string }
}

// calls are those of the plan, as they are noted where they are made.
func (p shownPlan) calls() (calls []string) {
	hosts := strings.NewReplacer("Microsoft Graph", "graph.microsoft.com", "staging vault", stagingVault+".vault.azure.net",
		"Resource Manager", "management.azure.com", "Azure DevOps", "dev.azure.com", "Vercel", "api.vercel.com",
		"Entra ID", "login.microsoftonline.com", "{tenantId}", tenantID)
	for _, step := range p.Steps {
		for _, c := range step.Calls {
			host, vault, isVault := strings.Cut(c.Service, "Key Vault ")
			if isVault {
				host = vault + ".vault.azure.net"
			}
			calls = append(calls, c.Method+" "+hosts.Replace(host)+hosts.Replace(c.Path))
		}
	}
	return calls
}

// changing leaves out what only asks, lifecycle events, and the proof that the staging
// vault can be written, which is made once in a while and by no rotation in particular.
func changing(calls []string) (left []string) {
	for _, call := range calls {
		if !asksOnly(call) && !strings.Contains(call, "-write-check") && !strings.HasSuffix(call, ".eventgrid.azure.net/api/events") {
			left = append(left, call)
		}
	}
	return left
}

func (e *everything) plan(t *testing.T, kind string) (p shownPlan) {
	t.Helper()
	response, err := http.Post(e.Endpoints.Host+e.path+"/rotations?dryRun=true", "application/json", strings.NewReader(`{"kind":"`+kind+`"}`))
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, json.NewDecoder(response.Body).Decode(&p))
	return p
}

// TestAPlanSaysWhatARotationCalls makes plans, of which nothing may come but reads,
// and then the rotations, whose calls must be those of the plans.
func TestAPlanSaysWhatARotationCalls(t *testing.T) {
	t.Parallel()
	w := &writes{}
	e := startEverything(t, func(o *Options) { o.Azure = func(a *azuresim.Azure) { a.Cloud.Record(w.note) } })
	for _, kind := range []string{"secret", "certificate"} {
		t.Run(kind, func(t *testing.T) {
			e.retire(t)
			w.take()
			p := e.plan(t, kind)
			assert.Empty(t, changing(w.take()), "a plan only reads")
			assert.Empty(t, p.Refusals)
			id := e.ask(t, e.app, `{"kind":"`+kind+`"}`)
			assert.Equal(t, id, p.Rotation)
			eventually(t, id+" completed", func() bool { return e.rotation(t, id).State == "completed" })
			e.done(t, id)
			assert.ElementsMatch(t, changing(p.calls()), changing(w.take()))
			for _, step := range p.Steps {
				assert.Empty(t, step.Refusal, step.Target)
			}
		})
	}
}
