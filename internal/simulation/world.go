package simulation

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// world is everything that one seed makes.
type world struct {
	chance
	agenda
	t    *testing.T
	seed uint64

	store     *memory.Store
	bus       bus
	directory *directory
	vault     *vault
	places    []*place
	targets   map[string]rotation.Target // where outside is nil
	outside   *Outside                   // the real integrations, or nil
	values    []string                   // of secrets that a real directory made
	processes []*process
	observer  *engine.Engine // sees the rows; nothing that it does fails
	weather   *weather
	promises  *promises
	coverage  *Coverage

	telling bool
	history []string

	began        time.Time
	firstDue     time.Time // in the schedule; zero where that has changed
	invocations  int
	made         int
	deadLettered int
	accepted     []rotation.ID        // requests that were answered
	asked        []asked              // rotations that began
	newer        map[engine.Key]bool  // rows of the newer schema
	overdue      map[string]time.Time // since when something could have been done

	// What people did that excuses a late or a missing replacement.
	heldBack       bool
	overlapChanged bool
	deletedCopies  map[string]bool
}

type asked struct {
	appID string
	kind  rotation.Kind
	at    time.Time
}

const tenant = "tenant"

// newWorld makes the world of a seed. It must be called within a synctest bubble.
func newWorld(t *testing.T, seed uint64, telling bool, real Real) *world {
	w := &world{
		chance: newChance(seed), t: t, seed: seed, telling: telling, began: time.Now(),
		store: &memory.Store{}, coverage: NewCoverage(), newer: map[engine.Key]bool{},
		overdue: map[string]time.Time{}, deletedCopies: map[string]bool{},
	}
	w.bus = bus{w}
	w.directory = &directory{w: w}
	w.vault = &vault{w: w, copies: map[copyName]rotation.Credential{}}
	w.weather = newWeather(w)
	w.promises = &promises{w: w, unpublished: map[string][]string{}, states: map[string]string{},
		owed: map[string]debt{}, told: map[string]bool{}, latest: map[string]string{},
	}
	w.targets = w.integrations()
	w.outside = w.make(real)
	w.observer, _ = w.newEngine(&version{}, versioned{w.store, w, &version{newer: true}}, time.Now)
	for i := range 1 + w.IntN(3) {
		w.processes = append(w.processes, w.newProcess(i))
	}
	return w
}

func (w *world) callTimeout() time.Duration { return 30 * time.Second }

// newProcess starts the handler anew: of one of the versions, with its own clock.
func (w *world) newProcess(i int) *process {
	p := &process{name: fmt.Sprintf("process %d", i), version: w.newVersion()}
	w.heldBack = w.heldBack || len(w.newer) > 0 && !p.version.newer // it leaves alone what is due
	if w.weather.one[KillBefore] > 0 {                              // worlds in which clocks differ
		p.skew = w.skew()
	}
	now := func() time.Time { return time.Now().Add(p.skew) }
	p.engine, p.targets = w.newEngine(p.version, versioned{storePort{w}, w, p.version}, now)
	return p
}

// newVersion is that of the next process: in a third of the worlds a newer one comes
// beside the older, and in some of those it takes rotations over.
func (w *world) newVersion() *version {
	switch {
	case w.seed%3 != 0:
		return &version{name: "only"}
	case w.weather.clear || w.oneIn(2):
		return &version{name: "newer", newer: true, takesOver: w.seed%2 == 0}
	}
	return &version{name: "older"}
}

// skew is how far one clock is off.
func (w *world) skew() time.Duration { return w.between(-w.mostSkew()/2, w.mostSkew()/2) }

// mostSkew is how far two clocks differ in this world: little, or more than any lease allows for.
func (w *world) mostSkew() time.Duration {
	if w.seed%5 == 0 {
		return 4 * time.Minute
	}
	return 2 * time.Second
}

func (w *world) newEngine(v *version, store engine.Store, now func() time.Time) (*engine.Engine, map[string]rotation.Target) {
	e := &engine.Engine{
		Store: store, Bus: busPort{w, v}, Directory: w.directory, Keys: w.directory, Verifier: w.directory,
		Stage: w.vault, NewCertificate: newCertificate,
		Jitter: func(below time.Duration) time.Duration { return w.between(0, below) },
		Now:    now, Log: slog.New(slog.NewTextHandler(listener{w}, nil)),
		Tenant: tenant, Installation: "sim", CallTimeout: w.callTimeout(),
	}
	if w.outside == nil {
		return e, w.targets
	}
	return e, w.connect(e)
}

// later puts something on the agenda.
func (w *world) later(in time.Duration, run func()) { w.add(time.Now().Add(in), run) }

// tell writes a line of the history.
func (w *world) tell(format string, args ...any) {
	if w.telling {
		w.history = append(w.history, w.clock(time.Now())+"  "+fmt.Sprintf(format, args...))
	}
}

// clock is a time as the history has it: since the world began.
func (w *world) clock(t time.Time) string {
	at := t.Sub(w.began)
	return fmt.Sprintf("%3dh%02dm%06.3fs", at/time.Hour, at/time.Minute%60, (at % time.Minute).Seconds())
}

// run lets time pass, until a promise is broken at the latest.
func (w *world) run(span time.Duration) {
	for end := time.Now().Add(span); w.promises.broken == ""; {
		if run, due := w.take(time.Now(), w.chance); due {
			run()
			continue
		}
		next := w.nextSweep()
		if at, ok := w.next(); ok && at.Before(next) {
			next = at
		} else {
			w.add(next, w.sweep)
		}
		if w.weather.clear && time.Until(next) > time.Minute {
			w.lookForIdleness()
		}
		if next.After(end) {
			time.Sleep(time.Until(end))
			return
		}
		time.Sleep(time.Until(next))
		w.lookAgain()
	}
}

// sweep is the timer's function.
func (w *world) sweep() {
	w.start("sweep", func(ctx context.Context, p *process, _ string) error {
		_, err := p.engine.Sweep(ctx)
		return err
	}, func(*invocation) {})
}

// nextSweep is the first minute after now at which a row of the schedule is due:
// between two of them, sweeps find nothing.
func (w *world) nextSweep() time.Time {
	if w.firstDue.IsZero() {
		w.firstDue = w.dueFirst()
	}
	return latest(w.firstDue, time.Now().Truncate(time.Minute).Add(time.Minute))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// dueFirst reads the schedule.
func (w *world) dueFirst() time.Time {
	next := time.Now().Truncate(time.Minute).Add(24 * time.Hour)
	for n := range 16 {
		within := engine.Range{Table: engine.TableSchedule, Partition: fmt.Sprintf("%02d", n), Limit: 1}
		for row := range w.store.Query(context.Background(), within) {
			due, err := time.Parse(time.RFC3339, row.Row[:strings.IndexByte(row.Row, '|')])
			if at := due.Truncate(time.Minute).Add(time.Minute); err == nil && at.Before(next) {
				next = at
			}
		}
	}
	return next
}

// view is one kind of an application, as its rows say.
func (w *world) view(appID string, kind rotation.Kind) engine.View {
	view, err := w.observer.View(w.t.Context(), appID, kind)
	if err != nil {
		w.tell("no view of %s: %v", appID, err)
	}
	return view
}

func (w *world) policyOf(appID string, kind rotation.Kind) rotation.Policy {
	view := w.view(appID, kind)
	return view.Policy()
}

// pointedAt reports whether a target's row of a kind points at a place.
func (w *world) pointedAt(p *place, kind rotation.Kind) bool {
	for _, app := range w.directory.apps {
		targets, err := w.observer.TargetsOf(w.t.Context(), app.appID)
		if err == nil && slices.ContainsFunc(targets, func(t rotation.TargetRow) bool { return t.Kind == kind && placeOf(t) == p.name }) {
			return true
		}
	}
	return false
}

// lastAsked returns when a rotation first began after a time.
func (w *world) lastAsked(appID string, kind rotation.Kind, after time.Time) time.Time {
	for _, a := range w.asked {
		if a.appID == appID && a.kind == kind && a.at.After(after) {
			return a.at
		}
	}
	return time.Time{}
}

// find returns a credential of any application.
func (w *world) find(keyID string) *credential {
	for _, app := range w.directory.apps {
		if c := app.byKeyID(keyID); c != nil {
			return c
		}
	}
	return nil
}

// listener reads the log for secrets.
type listener struct{ w *world }

var _ io.Writer = listener{}

// Write implements io.Writer.
func (l listener) Write(line []byte) (int, error) {
	l.w.promises.silent("the log", string(line))
	return len(line), nil
}
