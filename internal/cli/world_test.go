package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/internal/cli"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	appID  = "11111111-aaaa-4111-8111-111111111111"
	absent = "33333333-3333-4333-8333-333333333333"
	keyID  = "2222222a-2222-4222-8222-222222222222"
)

// world is the command line before the API on a real server, over a real engine whose
// time passes while a command waits.
type world struct {
	*engine.Engine
	t      testing.TB
	around cli.Surroundings
	server *httptest.Server
	bus    memory.Bus
	place  place
	graph  graph
	now    time.Time
	calls  int
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.graph = graph{w: w, passwords: []engine.DirectoryCredential{{KeyID: keyID, DisplayName: "by hand", Start: w.now, End: w.now.AddDate(1, 0, 0)}}}
	w.Engine = &engine.Engine{
		Store: &memory.Store{}, Bus: &w.bus, Directory: &w.graph, Verifier: &w.graph, Stage: stage{},
		Jitter: rand.N[time.Duration], Now: w.tick, Log: slog.New(slog.DiscardHandler),
		Tenant: "tenant", Installation: "test", CallTimeout: 10 * time.Second,
	}
	w.server = httptest.NewServer(api.New(api.Config{
		Engine: w.Engine, Open: true, Version: "1.2.3", Log: w.Log, Integrations: map[string]api.Integration{"place": &w.place},
	}))
	t.Cleanup(w.server.Close)
	w.around = cli.Surroundings{
		Zone: time.UTC, Now: w.tick, Pause: w.pause, Transport: http.DefaultTransport, Version: "1.2.3", Server: w.server.URL,
	}
	return w
}

// tick is the clock. It never stands still: lines of the log are told apart by it.
func (w *world) tick() time.Time {
	w.now = w.now.Add(time.Microsecond)
	return w.now
}

// pause lets the system work, one message at a time.
func (w *world) pause(ctx context.Context, d time.Duration) error {
	w.now = w.now.Add(d)
	_, err := w.Sweep(ctx)
	require.NoError(w.t, err)
	w.receive()
	return ctx.Err()
}

func (w *world) receive() bool {
	w.calls++
	invocation := fmt.Sprintf("invocation-%d", w.calls)
	if m, ok := w.bus.Receive(engine.QueueRequests, "", w.now); ok {
		require.NoError(w.t, w.Advance(w.t.Context(), invocation, m.Data.(rotation.Advance)))
		return true
	}
	if m, ok := w.bus.Receive(engine.TopicRotated, "place", w.now); ok {
		require.NoError(w.t, w.Deploy(w.t.Context(), invocation, &w.place, m.Data.(rotation.Rotated)))
		return true
	}
	return false
}

// result is what a command left.
type result struct {
	code     int
	out, err string
}

func (w *world) run(args ...string) result { return run(w.t, w.around, args...) }

func run(t testing.TB, around cli.Surroundings, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	around.Out, around.Err = &out, &errs
	if around.In == nil {
		around.In = strings.NewReader("")
	}
	code := cli.Run(t.Context(), args, around)
	return result{code, out.String(), errs.String()}
}

// must runs a command that has to succeed, and returns what it wrote.
func (w *world) must(args ...string) string {
	w.t.Helper()
	r := w.run(args...)
	require.Equal(w.t, 0, r.code, r.err)
	return r.out
}

// given is stdin for one command.
func (w *world) given(text string, args ...string) result {
	w.t.Helper()
	around := w.around
	around.In = strings.NewReader(text)
	return run(w.t, around, args...)
}

// manage makes the application known, with a target.
func (w *world) manage() {
	w.t.Helper()
	w.must("apps", "set", appID, "--kind", "secret")
	r := w.given("integration: place\nkind: secret\nsettings: {vault: v}\n", "targets", "set", appID, "shop", "-f", "-")
	require.Equal(w.t, 0, r.code, r.err)
}

// graph is Entra ID.
type graph struct {
	w         *world
	passwords []engine.DirectoryCredential
	writes    int
}

func (g *graph) Application(_ context.Context, appID string, _ rotation.Kind) (engine.DirectoryApplication, error) {
	if appID == absent {
		return engine.DirectoryApplication{}, &rotation.Fault{Class: rotation.NotFound, Err: errors.New("graph: no such application")}
	}
	return engine.DirectoryApplication{ObjectID: "object-1", AppID: appID, Name: "Shop", Credentials: g.passwords}, nil
}

func (g *graph) AddPassword(_ context.Context, _, name string, end time.Time) (engine.DirectoryCredential, error) {
	g.writes++
	p := engine.DirectoryCredential{
		KeyID: fmt.Sprintf("44444444-4444-4444-8444-%012d", g.writes), DisplayName: name, Start: g.w.now.Truncate(time.Second), End: end.Truncate(time.Second),
	}
	g.passwords = append(g.passwords, p)
	p.Value = secret.New("value-that-nobody-sees")
	return p, nil
}

func (g *graph) RemovePassword(context.Context, string, string) error { return nil }

func (g *graph) Verify(context.Context, string, rotation.Credential) (rotation.Verdict, error) {
	return rotation.Verdict{Kind: rotation.Accepted}, nil
}

// stage is the staging vault.
type stage map[string]rotation.Credential

func (s stage) Put(_ context.Context, name string, c rotation.Credential) error {
	s[name] = c
	return nil
}

func (s stage) Get(_ context.Context, _ rotation.Kind, name string) (rotation.Credential, error) {
	return s[name], nil
}

func (s stage) Delete(_ context.Context, _ rotation.Kind, name string) error {
	delete(s, name)
	return nil
}

// place is an integration whose deliveries can fail, and be checked and chosen.
type place struct{ fail error }

func (*place) CheckSettings(_ rotation.Application, _ rotation.Kind, settings json.RawMessage) (json.RawMessage, []rotation.Problem) {
	if !strings.Contains(string(settings), `"vault"`) {
		return nil, []rotation.Problem{{Field: "vault", Detail: "must be the name of a vault"}}
	}
	return settings, nil
}

func (p *place) Check(context.Context, rotation.Application, rotation.TargetRow) ([]string, error) {
	return []string{"it is a small vault"}, p.fail
}

func (*place) Choices(_ context.Context, _ string, chosen map[string]string) ([]rotation.Choice, error) {
	return []rotation.Choice{{Value: "p1", Name: "of " + chosen["street"], Unusable: "it is closed"}}, nil
}

func (p *place) Deploy(context.Context, rotation.Delivery) (rotation.Outcome, error) {
	if p.fail != nil {
		return rotation.Outcome{}, p.fail
	}
	return rotation.Outcome{Confirmed: true, Receipt: "version-1"}, nil
}
