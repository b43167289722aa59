package engine_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const appID = "11111111-1111-4111-8111-111111111111"

// world is an engine over a store, a bus and services in memory, on a clock that
// moves only when nothing is left to do.
type world struct {
	*engine.Engine
	t     testing.TB
	now   time.Time
	store *memory.Store
	bus   *memory.Bus
	graph *graph
	stage *stage
	place *place
	calls int // invocations so far
	told  []rotation.Event
	kind  rotation.Kind

	preparer func() error    // makes the place one that grants access
	stopper  rotation.Target // in place of the place, as one that can be stopped
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), store: &memory.Store{}, bus: &memory.Bus{}, kind: rotation.Secret}
	w.graph = &graph{w: w, passwords: map[string]engine.DirectoryCredential{}}
	w.stage = &stage{copies: map[string]rotation.Credential{}}
	w.place = &place{}
	w.Engine = &engine.Engine{
		Store: w.store, Bus: w.bus, Directory: w.graph, Keys: w.graph, Verifier: w.graph, Stage: w.stage,
		NewCertificate: newCertificate, Jitter: mathrand.N[time.Duration],
		Now: func() time.Time { return w.now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Tenant: "tenant", Installation: "test", CallTimeout: 10 * time.Second,
	}
	t.Cleanup(w.nothingLeaked)
	return w
}

// sharedKey is the key of all certificates here: to make one takes a while.
var sharedKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newCertificate(r certificate.Request) (certificate.Pair, error) {
	key, err := sharedKey()
	if err != nil {
		return certificate.Pair{}, err
	}
	return certificate.SelfSign(key, r)
}

// nothingLeaked looks for the passwords' values in every row.
func (w *world) nothingLeaked() {
	partitions := map[string][]string{engine.TableApplications: {"tenant"}, engine.TableGroups: {"tenant"}, engine.TableRotations: {appID}, engine.TableLog: {"2026-03-01"}}
	for n := range 16 {
		partitions[engine.TableSchedule] = append(partitions[engine.TableSchedule], fmt.Sprintf("%02d", n))
	}
	for table, names := range partitions {
		for _, partition := range names {
			for row, err := range w.store.Query(context.Background(), engine.Range{Table: table, Partition: partition}) {
				require.NoError(w.t, err)
				require.NotContains(w.t, fmt.Sprint(row), "value-", "in a row")
				require.NotContains(w.t, fmt.Sprint(row), "PRIVATE", "in a row")
			}
		}
	}
}

// policy is a policy with the usual times.
func policy() rotation.Policy { return rotation.DefaultPolicy(rotation.Secret) }

// manage configures the application with one target.
func (w *world) manage(p rotation.Policy, targets ...string) {
	w.t.Helper()
	app := rotation.Application{AppID: appID, Policies: map[rotation.Kind]rotation.Policy{w.kind: p}}
	_, _, err := w.SaveApplication(w.t.Context(), app, "", "test")
	require.NoError(w.t, err)
	for _, id := range targets {
		w.target(id, `{}`, true)
	}
}

func (w *world) target(id, settings string, enabled bool) {
	w.t.Helper()
	_, err := w.SaveTarget(w.t.Context(), appID, rotation.TargetRow{
		ID: id, Integration: "place", Kind: w.kind, Enabled: enabled, Settings: []byte(settings),
	}, "", "test")
	require.NoError(w.t, err)
}

// run lets a span of time pass: every message is received when it may be, and
// the sweep runs once a minute.
func (w *world) run(span time.Duration) {
	w.t.Helper()
	for end := w.now.Add(span); ; {
		w.drain()
		next := w.next()
		if next.After(end) {
			w.now = end
			return
		}
		w.now = next
		if w.now.Equal(w.now.Truncate(time.Minute)) {
			_, err := w.Sweep(w.t.Context())
			require.NoError(w.t, err)
		}
	}
}

// next is when something can happen again: a message's time, or that of the first
// sweep that finds something due.
func (w *world) next() time.Time {
	next := w.nextSweep()
	if at, waiting := w.bus.Next(); waiting && at.After(w.now) && at.Before(next) {
		return at
	}
	return next
}

// nextSweep is the first minute at which a row of the schedule is due. Between two
// of them, sweeps find nothing.
func (w *world) nextSweep() time.Time {
	first, next := w.now.Truncate(time.Minute).Add(time.Minute), w.now.Truncate(time.Minute).Add(24*time.Hour)
	for n := range 16 {
		within := engine.Range{Table: engine.TableSchedule, Partition: fmt.Sprintf("%02d", n), Limit: 1}
		for row, err := range w.store.Query(w.t.Context(), within) {
			require.NoError(w.t, err)
			due, err := time.Parse(time.RFC3339, row.Row[:strings.IndexByte(row.Row, '|')])
			require.NoError(w.t, err)
			if at := due.Truncate(time.Minute).Add(time.Minute); at.Before(next) {
				next = at
			}
		}
	}
	if next.Before(first) {
		return first
	}
	return next
}

// drain receives everything that may be received now.
func (w *world) drain() {
	w.t.Helper()
	for n := 0; w.receiveOne(); n++ {
		require.Less(w.t, n, 1000, "messages without end")
	}
}

func (w *world) receiveOne() bool {
	w.t.Helper()
	if m, ok := w.bus.Receive(engine.TopicLifecycle, engine.Everybody, w.now); ok {
		require.NotContains(w.t, fmt.Sprintf("%+v", m), "value-", "in a message")
		w.told = append(w.told, m.Data.(rotation.Event))
		return true
	}
	if m, ok := w.bus.Receive(engine.QueueRequests, "", w.now); ok {
		require.NotContains(w.t, fmt.Sprintf("%+v", m), "value-", "in a message")
		require.NoError(w.t, w.Advance(w.t.Context(), w.invocation(), m.Data.(rotation.Advance)))
		return true
	}
	if m, ok := w.bus.Receive(engine.TopicRotated, "place", w.now); ok {
		require.NotContains(w.t, fmt.Sprintf("%+v", m), "value-", "in a message")
		require.NoError(w.t, w.Deploy(w.t.Context(), w.invocation(), w.impl(), m.Data.(rotation.Rotated)))
		return true
	}
	return false
}

// impl is the place, as one that grants access where a test wants that.
func (w *world) impl() rotation.Target {
	if w.stopper != nil {
		return w.stopper
	}
	if w.preparer == nil {
		return w.place
	}
	return preparing{w.place, w.preparer}
}

type preparing struct {
	*place
	prepare func() error
}

func (p preparing) Prepare(context.Context, rotation.Application, rotation.TargetRow) error {
	return p.prepare()
}

func (w *world) invocation() string {
	w.calls++
	return fmt.Sprintf("invocation-%d", w.calls)
}

func (w *world) view() engine.View {
	w.t.Helper()
	view, err := w.View(w.t.Context(), appID, w.kind)
	require.NoError(w.t, err)
	return view
}

// state is what the head knows of the kind at hand.
func (w *world) state() rotation.KindState {
	head := w.view().Head
	return *head.Kind(w.kind)
}

func (w *world) rotation(generation int) rotation.Rotation {
	w.t.Helper()
	r, err := w.Rotation(w.t.Context(), rotation.ID{AppID: appID, Kind: w.kind, Generation: generation})
	require.NoError(w.t, err)
	return r
}

func (w *world) ask(ask engine.Ask) rotation.Rotation {
	w.t.Helper()
	ask.AppID, ask.Kind, ask.Source, ask.Actor = appID, w.kind, rotation.ByPerson, "somebody"
	r, err := w.Ask(w.t.Context(), ask)
	require.NoError(w.t, err)
	return r
}

// graph is Entra ID: passwords and certificates, and tokens for whoever has one.
type graph struct {
	w         *world
	passwords map[string]engine.DirectoryCredential
	keys      []engine.DirectoryCredential
	reads     func() []engine.DirectoryCredential // what a slow replica shows, instead of keys
	failKeys  func() (took bool, err error)
	made      int
	gone      bool
	skew      time.Duration                 // how far its clock is ahead
	failAdd   func() (took bool, err error) // instead of an answer; took: the password was made
	verdict   func(rotation.Credential) rotation.Verdict
	removal   func() error // an answer to a removal, or nil
	removed   []string
	during    func() // called in the middle of every write
}

func (g *graph) write() {
	if g.during != nil {
		g.during()
	}
}

func (g *graph) Application(_ context.Context, _ string, kind rotation.Kind) (engine.DirectoryApplication, error) {
	if g.gone {
		return engine.DirectoryApplication{}, &rotation.Fault{Class: rotation.NotFound, Err: fmt.Errorf("graph: no such application")}
	}
	app := engine.DirectoryApplication{ObjectID: "object", AppID: appID, Name: "App"}
	if kind == rotation.Certificate {
		app.Credentials = slices.Clone(g.keys)
		if g.reads != nil {
			app.Credentials = g.reads()
		}
		return app, nil
	}
	for _, p := range g.passwords {
		p.Value = secret.Value{}
		app.Credentials = append(app.Credentials, p)
	}
	return app, nil
}

func (g *graph) AddPassword(_ context.Context, _, name string, end time.Time) (engine.DirectoryCredential, error) {
	g.write()
	took, err := true, error(nil)
	if g.failAdd != nil {
		took, err = g.failAdd()
	}
	if !took {
		return engine.DirectoryCredential{}, err
	}
	g.made++
	p := engine.DirectoryCredential{
		KeyID: fmt.Sprintf("key-%d", g.made), DisplayName: name, Start: g.w.now.Add(g.skew), End: end,
		Value: secret.New(fmt.Sprintf("value-%d", g.made)),
	}
	g.passwords[p.KeyID] = p
	if err != nil {
		return engine.DirectoryCredential{}, err
	}
	return p, nil
}

func (g *graph) ReplaceKeys(_ context.Context, _ string, keys []engine.DirectoryCredential) error {
	g.write()
	took, err := true, error(nil)
	if g.failKeys != nil {
		took, err = g.failKeys()
	}
	if took {
		g.keys = slices.Clone(keys)
	}
	return err
}

func (g *graph) RemovePassword(_ context.Context, _, keyID string) error {
	g.write()
	delete(g.passwords, keyID)
	if g.removal != nil {
		if err := g.removal(); err != nil {
			return err
		}
	}
	g.removed = append(g.removed, keyID)
	return nil
}

func (g *graph) Verify(_ context.Context, _ string, c rotation.Credential) (rotation.Verdict, error) {
	if g.verdict != nil {
		return g.verdict(c), nil
	}
	return rotation.Verdict{Kind: rotation.Accepted}, nil
}

// keyIDs are the passwords that exist, in order.
func (g *graph) keyIDs() (ids []string) {
	for id := range g.passwords {
		ids = append(ids, id)
	}
	for _, key := range g.keys {
		ids = append(ids, key.KeyID)
	}
	slices.Sort(ids)
	return ids
}

// stage is the staging vault.
type stage struct {
	copies map[string]rotation.Credential
	fail   error
}

func (s *stage) Put(_ context.Context, name string, c rotation.Credential) error {
	if s.fail != nil {
		return s.fail
	}
	s.copies[name] = c
	return nil
}

func (s *stage) Get(_ context.Context, _ rotation.Kind, name string) (rotation.Credential, error) {
	c, ok := s.copies[name]
	if !ok {
		return c, &rotation.Fault{Class: rotation.NotFound, Err: fmt.Errorf("stage: no copy %q", name)}
	}
	return c, nil
}

func (s *stage) Delete(_ context.Context, _ rotation.Kind, name string) error {
	delete(s.copies, name)
	return nil
}

// place is a target. It remembers what it was given.
type place struct {
	given  []rotation.Delivery
	answer func(rotation.Delivery) (rotation.Outcome, error)
}

func (p *place) Deploy(_ context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	p.given = append(p.given, d)
	if p.answer != nil {
		return p.answer(d)
	}
	return rotation.Outcome{Confirmed: true, Receipt: "v" + d.Credential.KeyID}, nil
}

// keyIDs are the credentials that the place was given, in order.
func (p *place) keyIDs() (ids []string) {
	for _, d := range p.given {
		ids = append(ids, d.Credential.KeyID)
	}
	return ids
}
