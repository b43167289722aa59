package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const appID = "11111111-1111-4111-8111-111111111111"

// world is a doctor over a real engine whose rows are in memory.
type world struct {
	*engine.Engine
	t      testing.TB
	mu     sync.Mutex // of now
	now    time.Time
	store  *memory.Store
	place  *place
	bell   *bell
	config doctor.Config
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), store: &memory.Store{}, place: &place{}, bell: &bell{}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	w.Engine = &engine.Engine{
		Store: w.store, Bus: &memory.Bus{}, Directory: graph{}, NewCertificate: certificate.New, Jitter: rand.N[time.Duration],
		Now: w.clock, Log: log, Tenant: "tenant", Installation: "test", CallTimeout: time.Second,
	}
	w.config = doctor.Config{
		Records: w.Engine, Schedule: w.Engine, Book: w.Engine, Pen: w.Engine, Place: w.Engine, Teller: w.bell,
		Checkers: map[string]rotation.Checker{"place": w.place}, StagingVault: "staging", Self: []string{"own"},
		Now: w.clock, Log: log,
	}
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) doctor() *doctor.Doctor { return doctor.New(w.config) }

// manage configures an application with one target.
func (w *world) manage(appID string) {
	w.t.Helper()
	app := rotation.Application{AppID: appID, Policies: map[rotation.Kind]rotation.Policy{rotation.Secret: rotation.DefaultPolicy(rotation.Secret)}}
	_, _, err := w.SaveApplication(w.t.Context(), app, "", "test")
	require.NoError(w.t, err)
	_, err = w.SaveTarget(w.t.Context(), appID, rotation.TargetRow{ID: "one", Integration: "place", Kind: rotation.Secret, Enabled: true, Settings: []byte("{}")}, "", "test")
	require.NoError(w.t, err)
}

// found makes the checks of an application, and returns what they found in words.
func (w *world) found(appID string) (all []string) {
	w.t.Helper()
	results, err := w.doctor().Application(w.t.Context(), appID)
	require.NoError(w.t, err)
	return words(results)
}

func words(results []doctor.Result) (all []string) {
	for _, r := range results {
		for _, f := range r.Findings {
			all = append(all, fmt.Sprintf("%s %s/%s: %s; %s", f.Severity, f.Check, f.Subject, f.Finding, f.Remedy))
		}
	}
	return all
}

// lines are those of the log of the tenant about findings, the oldest first.
func (w *world) lines() (all []string) {
	w.t.Helper()
	for row, err := range w.store.Query(w.t.Context(), engine.Range{Table: engine.TableLog, Partition: w.now.Format(time.DateOnly)}) {
		require.NoError(w.t, err)
		if what := row.Properties["what"]; what == "finding" || what == "resolved" {
			all = append([]string{fmt.Sprint(what, " ", row.Properties["detail"])}, all...)
		}
	}
	return all
}

// kept are the findings about applications.
func (w *world) kept() []rotation.Finding {
	w.t.Helper()
	all, _, err := w.Findings(w.t.Context(), "", 1000)
	require.NoError(w.t, err)
	return all
}

// graph knows every application.
type graph struct{ engine.Directory }

func (graph) Application(_ context.Context, appID string, _ rotation.Kind) (engine.DirectoryApplication, error) {
	return engine.DirectoryApplication{ObjectID: "object-" + appID, AppID: appID, Name: "App"}, nil
}

// place is an integration that can be out of order.
type place struct {
	mu      sync.Mutex
	fails   func(appID string) error
	checked []string
}

func (p *place) Check(_ context.Context, app rotation.Application, _ rotation.TargetRow) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checked = append(p.checked, app.AppID)
	if p.fails == nil {
		return nil, nil
	}
	return nil, p.fails(app.AppID)
}

func (p *place) fail(err error) { p.fails = func(string) error { return err } }

// bell hears what is told.
type bell struct {
	mu    sync.Mutex
	fails error
	told  []string
}

func (b *bell) Tell(_ context.Context, f rotation.Finding) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, f.ID())
	return b.fails
}

var errGone = &rotation.Fault{Class: rotation.NotFound, Err: errors.New(`place: place "p": there is no such place`), Remedy: "make it"}
