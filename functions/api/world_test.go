package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/internal/advice"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/deadletter"
	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	appID   = "11111111-aaaa-4111-8111-111111111111"
	ownID   = "99999999-9999-4999-8999-999999999999"
	keyID   = "2222222a-2222-4222-8222-222222222222"
	unknown = "33333333-3333-4333-8333-333333333333"
	appPath = "/api/applications/" + appID
)

// world is the API on a real server, over a real engine.
type world struct {
	*engine.Engine
	t       testing.TB
	server  *httptest.Server
	store   *store
	bus     *memory.Bus
	graph   *graph
	place   *place
	careful *careful
	letters *letters
	tenant  *tenant
	doctor  doctor.Config
	ticking sync.Mutex // of now: what is applied together asks for the time together
	now     time.Time
	calls   int

	inventory *inventory.Inventory
}

func newWorld(t testing.TB, options ...func(*api.Config)) *world {
	w := &world{t: t, store: &store{}, bus: &memory.Bus{}, place: &place{}, careful: &careful{}, letters: &letters{}, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	w.graph = &graph{w: w}
	w.graph.passwords = []engine.DirectoryCredential{{KeyID: keyID, DisplayName: "by hand", Start: w.now, End: w.now.AddDate(1, 0, 0)}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	w.Engine = &engine.Engine{
		Store: w.store, Bus: w.bus, Directory: w.graph, Keys: w.graph, NewCertificate: certificate.New, Verifier: w.graph, Stage: stage{}, Tokens: &tokens{kept: map[string]string{}},
		Jitter: rand.N[time.Duration], Now: w.tick, Log: log,
		Tenant: "tenant", Installation: "test", Self: []string{ownID}, CallTimeout: 10 * time.Second,
	}
	w.tenant = &tenant{}
	w.inventory = &inventory.Inventory{Store: w.store, Directory: w.tenant, Known: w.Engine, Now: w.tick, Log: log}
	config := api.Config{
		Engine: w.Engine, Inventory: w.inventory, Notifier: &notifier{}, Open: true,
		Advice:  &advice.Finder{Engine: w.Engine, Inventory: w.inventory, Integrations: map[string]rotation.Advisor{"place": w.place}, Graph: w.tenant, Now: w.tick},
		Version: "1.2.3", Log: log,
		DeadLetters: w.letters, Entities: []deadletter.Entity{{Name: "requests"}, {Name: "rotated", Subscription: "place"}},
		Integrations: map[string]api.Integration{"place": w.place, "plain": plain{}, "careful": w.careful},
	}
	w.doctor = doctor.Config{
		Records: w, Schedule: w, Book: w, Pen: w, Place: w, Checkers: map[string]rotation.Checker{"careful": w.careful}, Now: w.tick, Log: log,
	}
	config.Doctor = w.newDoctor()
	for _, option := range options {
		option(&config)
	}
	w.server = httptest.NewServer(api.New(config))
	t.Cleanup(w.server.Close)
	return w
}

// newDoctor makes the checks of which what they look at is there when they are made.
func (w *world) newDoctor() api.Doctor { return lateDoctor{&w.doctor} }

// lateDoctor is made anew for each call.
type lateDoctor struct{ config *doctor.Config }

func (d lateDoctor) Installation(ctx context.Context) ([]doctor.Result, error) {
	return doctor.New(*d.config).Installation(ctx)
}

func (d lateDoctor) Application(ctx context.Context, appID string) ([]doctor.Result, error) {
	return doctor.New(*d.config).Application(ctx, appID)
}

func (d lateDoctor) Look(ctx context.Context, appID string) ([]doctor.Result, error) {
	return doctor.New(*d.config).Look(ctx, appID)
}

// tick is the clock. It never stands still: lines of the log are told apart by
// their time.
func (w *world) tick() time.Time {
	w.ticking.Lock()
	defer w.ticking.Unlock()
	w.now = w.now.Add(time.Microsecond)
	return w.now
}

// answer is an answer as it came over the wire.
type answer struct {
	status int
	header http.Header
	body   string
}

// call sends one request. Headers are given as name, value, name, value.
func (w *world) call(method, path, body string, headers ...string) answer {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	require.NoError(w.t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.server.Client().Do(request)
	require.NoError(w.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	contractOf().hold(w.t, request, response.StatusCode, response.Header.Get("Content-Type"), string(text))
	return answer{response.StatusCode, response.Header, string(text)}
}

// must sends a request that has to succeed, and returns its answer decoded.
func (w *world) must(status int, method, path, body string, headers ...string) map[string]any {
	w.t.Helper()
	a := w.call(method, path, body, headers...)
	require.Equal(w.t, status, a.status, a.body)
	return a.decoded(w.t)
}

func (a answer) decoded(t testing.TB) (fields map[string]any) {
	t.Helper()
	if a.body != "" {
		require.NoError(t, json.Unmarshal([]byte(a.body), &fields), a.body)
	}
	return fields
}

const managed = `{"policies":{"secret":{}}}`

// manage makes the application known, with targets of the integration "place".
func (w *world) manage(targets ...string) {
	w.t.Helper()
	w.must(201, "PUT", appPath, managed)
	for _, id := range targets {
		w.must(201, "PUT", appPath+"/targets/"+id, `{"integration":"place","kind":"secret","settings":{"vault":"v"}}`)
	}
}

// run receives every message that comes within a span of time.
func (w *world) run(span time.Duration) {
	w.t.Helper()
	for end := w.now.Add(span); w.now.Before(end); w.now = w.now.Add(time.Minute) {
		_, err := w.Sweep(w.t.Context())
		require.NoError(w.t, err)
		for w.receive() {
		}
	}
}

func (w *world) receive() bool {
	w.t.Helper()
	w.calls++
	invocation := fmt.Sprintf("invocation-%d", w.calls)
	if m, ok := w.bus.Receive(engine.QueueRequests, "", w.now); ok {
		require.NoError(w.t, w.Advance(w.t.Context(), invocation, m.Data.(rotation.Advance)))
		return true
	}
	if m, ok := w.bus.Receive(engine.TopicRotated, "place", w.now); ok {
		require.NoError(w.t, w.Deploy(w.t.Context(), invocation, w.place, m.Data.(rotation.Rotated)))
		return true
	}
	return false
}

// everything is all that is in the store and on the way, to prove that a refusal
// changed nothing.
func (w *world) everything() map[string]any {
	w.t.Helper()
	all := map[string]any{"graph": w.graph.writes, "access": w.place.accessed.Load()}
	all["bus"], _ = w.bus.Next()
	partitions := map[string][]string{
		engine.TableApplications: {w.Tenant}, engine.TableGroups: {w.Tenant}, engine.TableTasks: {w.Tenant}, engine.TableRotations: {appID, unknown, ownID},
	}
	for shard := range 16 {
		partitions[engine.TableSchedule] = append(partitions[engine.TableSchedule], fmt.Sprintf("%02d", shard))
	}
	for table, names := range partitions {
		for _, partition := range names {
			for row, err := range w.store.Store.Query(context.Background(), engine.Range{Table: table, Partition: partition}) {
				require.NoError(w.t, err)
				if row.Properties["what"] == "refused" {
					continue // that something was refused is in the log
				}
				all[table+"/"+partition+"/"+row.Row] = row.ETag
			}
		}
	}
	return all
}

// store is a store that can be out of reach.
type store struct {
	memory.Store
	down bool
	busy bool // somebody else is always first

	writes int // after so many writes but one it is out of reach; 0: never
}

// exhausted counts writes down.
func (s *store) exhausted() bool {
	if s.writes > 1 {
		s.writes--
		return false
	}
	return s.writes == 1
}

var errDown = errors.New("dial tcp 10.1.2.3:443: connection refused")

func (s *store) Get(ctx context.Context, key engine.Key) (engine.Row, error) {
	if s.down {
		return engine.Row{}, errDown
	}
	return s.Store.Get(ctx, key)
}

func (s *store) Write(ctx context.Context, changes ...engine.Change) error {
	if s.busy {
		return engine.ErrConflict
	}
	if s.exhausted() {
		return errDown
	}
	return s.Store.Write(ctx, changes...)
}

// graph is Entra ID.
type graph struct {
	w         *world
	passwords []engine.DirectoryCredential
	keys      []engine.DirectoryCredential
	fail      error
	failures  int  // how often it fails; 0: always
	slow      bool // new passwords are not accepted yet
	writes    int
}

func (g *graph) Application(_ context.Context, appID string, kind rotation.Kind) (engine.DirectoryApplication, error) {
	if fail := g.fail; fail != nil {
		if g.failures--; g.failures == 0 {
			g.fail = nil
		}
		return engine.DirectoryApplication{}, fail
	}
	if appID == unknown {
		return engine.DirectoryApplication{}, &rotation.Fault{Class: rotation.NotFound, Err: errors.New("graph: no such application")}
	}
	app := engine.DirectoryApplication{ObjectID: "object-1", AppID: appID, Name: "Shop", Credentials: g.passwords}
	if kind == rotation.Certificate {
		app.Credentials = g.keys
	}
	return app, nil
}

func (g *graph) AddPassword(_ context.Context, _, name string, end time.Time) (engine.DirectoryCredential, error) {
	g.writes++
	p := engine.DirectoryCredential{
		KeyID: fmt.Sprintf("44444444-4444-4444-8444-%012d", g.writes), DisplayName: name, Start: g.w.now.Truncate(time.Second), End: end.Truncate(time.Second),
	}
	g.passwords = append(g.passwords, p)
	p.Value = secret.New(secretValue)
	return p, nil
}

func (g *graph) ReplaceKeys(_ context.Context, _ string, keys []engine.DirectoryCredential) error {
	g.writes++
	g.keys = keys
	return nil
}

// secretValue must never be seen in an answer.
const secretValue = "value-that-nobody-sees"

func (g *graph) RemovePassword(_ context.Context, _, keyID string) error {
	g.writes++
	kept := g.passwords[:0:0]
	for _, p := range g.passwords {
		if p.KeyID != keyID {
			kept = append(kept, p)
		}
	}
	g.passwords = kept
	return nil
}

func (g *graph) Verify(context.Context, string, rotation.Credential) (rotation.Verdict, error) {
	if g.slow {
		return rotation.Verdict{Kind: rotation.NotYet}, nil
	}
	return rotation.Verdict{Kind: rotation.Accepted}, nil
}

// stage is the staging vault.
type stage map[string]rotation.Credential

func (s stage) Put(_ context.Context, name string, c rotation.Credential) error {
	s[name] = c
	return nil
}

func (s stage) Get(_ context.Context, _ rotation.Kind, name string) (rotation.Credential, error) {
	if c, ok := s[name]; ok {
		return c, nil
	}
	return rotation.Credential{}, &rotation.Fault{Class: rotation.NotFound, Err: errors.New("stage: no copy")}
}

func (s stage) Delete(_ context.Context, _ rotation.Kind, name string) error {
	delete(s, name)
	return nil
}

// place is an integration with one setting, vault.
type place struct {
	fail       error // of Deploy
	failAccess error
	accessed   atomic.Int32
}

var _ api.Accessor = (*place)(nil)

func (p *place) CheckSettings(app rotation.Application, _ rotation.Kind, settings json.RawMessage) (json.RawMessage, []rotation.Problem) {
	var given struct {
		Vault string `json:"vault"`
		Name  string `json:"name"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(settings)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&given); err != nil {
		return nil, []rotation.Problem{{Detail: err.Error()}}
	}
	if given.Vault == "" {
		return nil, []rotation.Problem{{Field: "vault", Detail: "must be the name of a vault"}}
	}
	if given.Name == "" {
		given.Name = app.Name
	}
	checked, err := json.Marshal(given)
	if err != nil {
		return nil, []rotation.Problem{{Detail: err.Error()}}
	}
	return checked, nil
}

// Place implements api.Placer.
func (p *place) Place(t rotation.TargetRow) (kind, name string) {
	var settings struct{ Vault string }
	_ = json.Unmarshal(t.Settings, &settings)
	return "vault", settings.Vault
}

func (p *place) Access(context.Context, rotation.Application, rotation.TargetRow) (any, error) {
	p.accessed.Add(1)
	if p.failAccess != nil {
		return nil, p.failAccess
	}
	return map[string]string{"granted": "Key Vault Secrets Officer"}, nil
}

func (p *place) Advise(_ rotation.Application, t rotation.TargetRow) []rotation.Advice {
	return []rotation.Advice{{Rule: "place-federation", Finding: "the place needs none", WayOut: "convert it", Page: "https://example.com/page"}}
}

func (p *place) Deploy(context.Context, rotation.Delivery) (rotation.Outcome, error) {
	if p.fail != nil {
		return rotation.Outcome{}, p.fail
	}
	return rotation.Outcome{Confirmed: true, Receipt: "version-1"}, nil
}

// plain is an integration that can grant nothing.
// careful is an integration that checks its places and lists them.
type careful struct {
	plain
	checked []rotation.TargetRow
	notes   []string
	fail    error
}

var (
	_ rotation.Checker = (*careful)(nil)
	_ rotation.Lister  = (*careful)(nil)
)

func (c *careful) Check(_ context.Context, _ rotation.Application, t rotation.TargetRow) ([]string, error) {
	c.checked = append(c.checked, t)
	return c.notes, c.fail
}

func (c *careful) Choices(_ context.Context, setting string, chosen map[string]string) ([]rotation.Choice, error) {
	switch {
	case setting != "place":
		return nil, rotation.Problem{Field: "setting", Detail: "must be place"}
	case c.fail != nil:
		return nil, c.fail
	}
	return []rotation.Choice{{Value: "p1", Name: "of " + chosen["street"], Unusable: "it is closed"}}, nil
}

type plain struct{}

func (plain) CheckSettings(_ rotation.Application, _ rotation.Kind, settings json.RawMessage) (json.RawMessage, []rotation.Problem) {
	return settings, nil
}
