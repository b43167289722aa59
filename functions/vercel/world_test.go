package vercel_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/vercel"
	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	shopID = "11111111-aaaa-4111-8111-111111111111"
	value  = "nobody may see this"
	old    = "what was there before"
	host   = "api.vercel.com"
	build  = time.Minute
)

// world is Vercel with the team "acme", its project "shop", and a group for it.
type world struct {
	t       testing.TB
	clock   *clock.Clock
	front   *cloud.Cloud
	vercel  *simulated.Service
	project string
	token   string
	group   rotation.Group
	target  *vercel.Target
	app     rotation.Application
}

func start(t testing.TB) *world { return startBuilding(t, build) }

// startBuilding makes a world in which a deployment takes a time.
func startBuilding(t testing.TB, build time.Duration) *world {
	t.Helper()
	clk := clock.New()
	w := &world{
		t: t, clock: clk, front: cloudtest.Start(t, clk), vercel: simulated.New(clk, simulated.Options{BuildTime: build}),
		app: rotation.Application{AppID: shopID, Name: "Shop"},
	}
	w.front.Handle(host, w.vercel)
	team := w.vercel.AddTeam(simulated.Team{ID: "team_acme", Slug: "acme", Name: "Acme"})
	w.project = w.vercel.AddProject(simulated.Project{Name: "shop", Team: team})
	w.token = w.vercel.AddToken(simulated.Token{Teams: []string{team}})
	w.group = rotation.Group{ID: "acme", Name: "Acme", Active: true, Applications: []string{shopID}, Team: team, Token: "rekey-token-acme"}
	w.target = vercel.New(vercel.Config{Groups: w, Transport: w.front.Client().Transport, Now: clk.Now})
	return w
}

// GroupFor and GroupToken make the world one of groups.
func (w *world) GroupFor(_ context.Context, appID string) (rotation.Group, error) {
	return rotation.GroupFor(appID, []rotation.Group{w.group})
}

func (w *world) GroupToken(context.Context, rotation.Group) (secret.Value, error) {
	return secret.New(w.token), nil
}

// variable adds an entry with the old value.
func (w *world) variable(targets ...string) string {
	return w.vercel.AddVariable(w.project, simulated.Variable{Key: "DB", Value: old, Targets: targets})
}

func (w *world) deployment(environment string) string {
	return w.vercel.AddDeployment(w.project, simulated.Deployment{Environment: environment})
}

// row is a target with settings as they are saved.
func (w *world) row(kind rotation.Kind, settings string) rotation.TargetRow {
	w.t.Helper()
	checked, problems := w.target.CheckSettings(w.app, kind, json.RawMessage(settings))
	require.Empty(w.t, problems)
	return rotation.TargetRow{ID: "shop", Integration: "vercel", Kind: kind, Enabled: true, Settings: checked}
}

// in returns the settings of a delivery to environments, some of them redeployed.
func in(environments, redeploy string) string {
	list := func(names string) string {
		text, _ := json.Marshal(strings.Fields(names)) // strings have no error
		return string(text)
	}
	return `{"project":"shop","variable":"DB","environments":` + list(environments) + `,"redeploy":` + list(redeploy) + `}`
}

// delivery is the first try of a delivery.
func (w *world) delivery(settings string) rotation.Delivery {
	w.t.Helper()
	return rotation.Delivery{
		Application: w.app, TenantID: "tenant", Target: w.row(rotation.Secret, settings), Name: "rekey-secret.00000002-shop-1", Tries: 1,
		Credential: rotation.Credential{
			Rotation: rotation.ID{AppID: shopID, Kind: rotation.Secret, Generation: 2}, Attempt: 1, KeyID: "key", Value: secret.New(value),
		},
	}
}

// deploy makes the next try of a delivery.
func (w *world) deploy(d *rotation.Delivery) rotation.Outcome {
	w.t.Helper()
	outcome, err := w.target.Deploy(w.t.Context(), *d)
	require.NoError(w.t, err)
	d.Handle = outcome.Handle
	d.Tries++
	return outcome
}

// refused makes one try that must fail.
func (w *world) refused(d rotation.Delivery) error {
	w.t.Helper()
	outcome, err := w.target.Deploy(w.t.Context(), d)
	require.Error(w.t, err)
	require.Zero(w.t, outcome)
	return err
}

// shop is what the project has.
func (w *world) shop() simulated.ProjectState { return w.vercel.State().Projects["shop"] }

// entries are the project's entries in words: environments, type, which value.
func (w *world) entries() (all []string) {
	for _, v := range w.shop().Variables {
		words := strings.Join(v.Environments, "+") + " " + v.Type + " " + which(v.SHA256)
		if v.Branch != "" {
			words += " on " + v.Branch
		}
		all = append(all, words)
	}
	return all
}

func which(digest string) string {
	switch digest {
	case sha(old):
		return "old"
	case sha(value):
		return "new"
	}
	return digest
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// readBack reads a value as somebody does who may.
func (w *world) readBack(id string) string {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "https://"+host+"/v1/projects/shop/env/"+id+"?teamId=team_acme", nil)
	require.NoError(w.t, err)
	request.Header.Set("Authorization", "Bearer "+w.token)
	answer, err := w.front.Client().Do(request)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	var read struct{ Value string }
	require.NoError(w.t, json.NewDecoder(answer.Body).Decode(&read))
	return read.Value
}

// running is which value the newest READY deployment of an environment has.
func (w *world) running(environment string) (digest string) {
	for _, d := range w.shop().Deployments {
		if d.Environment == environment && d.State == simulated.Ready {
			digest = which(d.Values["DB"])
		}
	}
	return digest
}

func (w *world) misbehave(rules ...cloud.Fault) {
	w.t.Helper()
	cloudtest.Misbehave(w.t, w.front, rules...)
}

// calls are the calls since the last time: method and path.
func (w *world) calls() map[string]int {
	w.t.Helper()
	var answer struct {
		Calls []struct {
			Method, Path string
			Count        int
		}
	}
	cloudtest.Face(w.t, w.front, http.MethodGet, "/sim/calls?reset=true", "", &answer)
	counts := map[string]int{}
	for _, c := range answer.Calls {
		counts[c.Method+" "+c.Path] += c.Count
	}
	return counts
}
