package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// deed is something that a person, or the world, does in the middle of it all.
type deed struct {
	name string
	do   func(w *world, app *registration, kind rotation.Kind)
}

// deeds are all that people do. Each meets the same faults as everything else.
var deeds = []deed{
	{"ask for a rotation", func(w *world, app *registration, kind rotation.Kind) { w.ask(engine.Ask{AppID: app.appID, Kind: kind}) }},
	{"ask for a rotation", func(w *world, app *registration, kind rotation.Kind) { w.ask(engine.Ask{AppID: app.appID, Kind: kind}) }},
	{"ask again and again", (*world).insist},
	{"ask for an emergency", func(w *world, app *registration, kind rotation.Kind) {
		w.ask(engine.Ask{AppID: app.appID, Kind: kind, Emergency: true})
	}},
	{"ask for an emergency that revokes at once", func(w *world, app *registration, kind rotation.Kind) {
		w.ask(engine.Ask{AppID: app.appID, Kind: kind, Emergency: true, RevokeNow: true})
	}},
	{"cancel", (*world).cancel},
	{"ask and cancel", (*world).askAndCancel},
	{"roll back", (*world).rollback},
	{"pause", (*world).pause},
	{"pause everything", (*world).pauseEverything},
	{"add a target", (*world).addTarget},
	{"change a target", (*world).changeTarget},
	{"disable or enable a target", (*world).toggleTarget},
	{"delete a target", (*world).deleteTarget},
	{"resume a deployment", (*world).resumeDeployment},
	{"hand a credential over", (*world).handOver},
	{"remove a credential by hand", (*world).removeByHand},
	{"add a foreign credential", (*world).addForeign},
	{"delete a staged copy", (*world).deleteCopy},
	{"say that a version nears its end", (*world).nearExpiry},
	{"change the policy", (*world).changePolicy},
	{"unmanage and manage again", (*world).unmanage},
	{"break a place", (*world).breakPlace},
	{"delete and restore the application", (*world).loseApplication},
	{"deploy the code", (*world).deployCode},
	{"set a clock", (*world).setClock},
}

// settle makes the applications, their foreign credentials, policies and targets.
func (w *world) settle() {
	for n := range 1 + w.IntN(6)/5 {
		app := &registration{
			appID:    fmt.Sprintf("1111111%d-1111-4111-8111-111111111111", n),
			objectID: fmt.Sprintf("2222222%d-2222-4222-8222-222222222222", n), display: fmt.Sprintf("app %d", n),
		}
		w.directory.apps = append(w.directory.apps, app)
		w.register(app)
		for range w.IntN(3) {
			w.addForeign(app, pick(w.chance, rotation.Kinds()))
		}
		for _, c := range app.credentials {
			c.born = c.born.Add(-time.Hour)
		}
		w.must(w.configure(w.t.Context(), w.observer, app))
		for range 1 + w.IntN(3) {
			w.must(w.saveTarget(w.t.Context(), w.observer, app, w.newTarget(app, pick(w.chance, w.kinds()))))
		}
	}
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Fatalf("seed %d: %v", w.seed, err)
	}
}

// kinds are those that this world rotates.
func (w *world) kinds() []rotation.Kind { return rotation.Kinds()[:1+w.seed%2] }

// plan puts what people do on the agenda. Much of it comes close together, in the
// middle of what the deed before has set off.
func (w *world) plan(span time.Duration) {
	for range 2 + w.IntN(10) {
		app, kind := pick(w.chance, w.directory.apps), pick(w.chance, w.kinds())
		for at := w.between(0, span); ; at += w.between(0, 2*time.Minute) / time.Duration(1+w.IntN(20)) {
			d := pick(w.chance, deeds)
			w.later(at, func() {
				w.tell("somebody wants to %s", d.name)
				w.coverage.Done[d.name]++
				d.do(w, app, kind)
			})
			if w.oneIn(3) {
				break
			}
		}
	}
}

// request runs something in a process, as an HTTP request does.
func (w *world) request(run func(context.Context, *engine.Engine) error) {
	w.start("api", func(ctx context.Context, p *process, _ string) error { return run(ctx, p.engine) }, func(*invocation) {})
}

// policy is one that fits into the span of a world.
func (w *world) policy(kind rotation.Kind) rotation.Policy {
	p := rotation.DefaultPolicy(kind)
	p.WideLimits = true
	p.Lifetime, p.Threshold = w.between(10*time.Hour, 40*time.Hour), w.between(time.Hour, 3*time.Hour)
	p.Overlap, p.DeliveryAllowance = w.between(30*time.Minute, 6*time.Hour), w.between(3*time.Hour, 6*time.Hour)
	p.Waits.GiveUp, p.Waits.LookAgain = 3*time.Hour, rotation.Looks{10 * time.Minute, time.Hour, 4 * time.Hour}
	p.Waits.VerifySuccesses, p.Waits.VerifyEvery = enoughTokens, w.between(5*time.Second, 40*time.Second)
	return p
}

func (w *world) configure(ctx context.Context, e *engine.Engine, app *registration) error {
	policies := map[rotation.Kind]rotation.Policy{}
	for _, kind := range w.kinds() {
		policies[kind] = w.policy(kind)
	}
	_, _, err := e.SaveApplication(ctx, rotation.Application{AppID: app.appID, Policies: policies}, "", "somebody")
	return err
}

func (w *world) newTarget(app *registration, kind rotation.Kind) rotation.TargetRow {
	w.made++
	word := pick(w.chance, w.wordsOf(kind))
	return rotation.TargetRow{
		ID: fmt.Sprintf("t%d", w.made), Integration: word, Kind: kind, Enabled: true,
		Settings: w.newPlace(app, word, kind),
	}
}

// newPlace is the settings of a place that nobody has used.
func (w *world) newPlace(app *registration, word string, kind rotation.Kind) json.RawMessage {
	w.made++
	if w.outside != nil {
		return w.realPlace(app, word, kind)
	}
	return json.RawMessage(fmt.Sprintf(`{"place":"place %d"}`, w.made))
}

// saveTarget saves a target, whose place may hold a foreign credential already.
func (w *world) saveTarget(ctx context.Context, e *engine.Engine, app *registration, t rotation.TargetRow) error {
	p := w.place(placeOf(t))
	for _, c := range app.existing(t.Kind, time.Now()) {
		if !c.ours && p.value == nil && w.outside == nil && w.oneIn(2) {
			p.value, c.used = c, true
		}
	}
	p.since = time.Now()
	_, err := e.SaveTarget(ctx, app.appID, t, "", "somebody")
	return err
}

func (w *world) ask(ask engine.Ask) {
	ask.Source, ask.Actor = rotation.ByPerson, "somebody"
	w.request(func(ctx context.Context, e *engine.Engine) error {
		r, err := e.Ask(ctx, ask)
		if err == nil {
			w.accepted = append(w.accepted, r.ID)
		}
		return err
	})
}

// insist asks for rotations faster than places can take them.
func (w *world) insist(app *registration, kind rotation.Kind) {
	for n := range 2 + w.IntN(4) {
		w.later(time.Duration(n)*w.between(20*time.Second, 3*time.Minute), func() {
			w.ask(engine.Ask{AppID: app.appID, Kind: kind, Emergency: w.oneIn(3)})
		})
	}
}

func (w *world) cancel(app *registration, kind rotation.Kind) {
	w.heldBack = true
	w.request(func(ctx context.Context, e *engine.Engine) error {
		view, err := e.View(ctx, app.appID, kind)
		if err != nil || view.InFlight == nil {
			return err
		}
		_, err = e.Cancel(ctx, view.InFlight.ID, "somebody")
		return err
	})
}

// askAndCancel changes its mind within seconds.
func (w *world) askAndCancel(app *registration, kind rotation.Kind) {
	w.ask(engine.Ask{AppID: app.appID, Kind: kind})
	w.later(w.between(0, 20*time.Second), func() { w.cancel(app, kind) })
}

func (w *world) rollback(app *registration, kind rotation.Kind) {
	w.heldBack = true
	w.request(func(ctx context.Context, e *engine.Engine) error {
		r, err := e.Rollback(ctx, app.appID, kind, "somebody")
		if err == nil {
			w.accepted = append(w.accepted, r.ID)
		}
		return err
	})
}

func (w *world) pause(app *registration, _ rotation.Kind) {
	w.heldBack = true
	w.setPaused(app, true)
	w.later(w.between(0, 8*time.Hour), func() { w.setPaused(app, false) })
}

func (w *world) setPaused(app *registration, paused bool) {
	w.request(func(ctx context.Context, e *engine.Engine) error {
		return e.SetPaused(ctx, app.appID, paused, "somebody")
	})
}

func (w *world) pauseEverything(*registration, rotation.Kind) {
	w.heldBack = true
	w.request(func(ctx context.Context, e *engine.Engine) error { return e.SetEverythingPaused(ctx, true, "somebody") })
	w.later(w.between(0, 4*time.Hour), func() {
		w.request(func(ctx context.Context, e *engine.Engine) error {
			return e.SetEverythingPaused(ctx, false, "somebody")
		})
	})
}

func (w *world) addTarget(app *registration, kind rotation.Kind) {
	t := w.newTarget(app, kind)
	w.request(func(ctx context.Context, e *engine.Engine) error { return w.saveTarget(ctx, e, app, t) })
}

// withTarget does something with one of an application's targets.
func (w *world) withTarget(app *registration, do func(context.Context, *engine.Engine, rotation.TargetRow) error) {
	targets, err := w.observer.TargetsOf(w.t.Context(), app.appID)
	if err != nil || len(targets) == 0 {
		return
	}
	t := pick(w.chance, targets)
	w.request(func(ctx context.Context, e *engine.Engine) error { return do(ctx, e, t) })
}

func (w *world) changeTarget(app *registration, _ rotation.Kind) {
	w.withTarget(app, func(ctx context.Context, e *engine.Engine, t rotation.TargetRow) error {
		t.Settings = w.newPlace(app, t.Integration, t.Kind)
		return w.saveTarget(ctx, e, app, t)
	})
}

func (w *world) toggleTarget(app *registration, _ rotation.Kind) {
	w.withTarget(app, func(ctx context.Context, e *engine.Engine, t rotation.TargetRow) error {
		t.Enabled = !t.Enabled
		_, err := e.SaveTarget(ctx, app.appID, t, "", "somebody")
		return err
	})
}

func (w *world) deleteTarget(app *registration, _ rotation.Kind) {
	w.withTarget(app, func(ctx context.Context, e *engine.Engine, t rotation.TargetRow) error {
		if w.oneIn(2) { // and adds it again
			w.later(w.between(0, time.Hour), func() {
				w.request(func(ctx context.Context, e *engine.Engine) error { return w.saveTarget(ctx, e, app, t) })
			})
		}
		return e.DeleteTarget(ctx, app.appID, t.ID, "", "somebody")
	})
}

func (w *world) resumeDeployment(app *registration, kind rotation.Kind) {
	w.request(func(ctx context.Context, e *engine.Engine) error {
		view, err := e.View(ctx, app.appID, kind)
		if err != nil || view.Current == nil || len(view.FailedTargets()) == 0 {
			return err
		}
		return e.Resume(ctx, view.Current.ID, view.FailedTargets()[0], "somebody")
	})
}

// handOver adopts a foreign credential.
func (w *world) handOver(app *registration, kind rotation.Kind) {
	foreign := slices.DeleteFunc(app.existing(kind, time.Now()), func(c *credential) bool { return c.ours })
	if len(foreign) == 0 {
		return
	}
	c := pick(w.chance, foreign)
	if c.adopted.IsZero() {
		c.adopted = time.Now()
	}
	w.request(func(ctx context.Context, e *engine.Engine) error {
		return e.Adopt(ctx, app.appID, kind, c.KeyID, "somebody")
	})
}

func (w *world) removeByHand(app *registration, kind rotation.Kind) {
	if existing := app.existing(kind, time.Now()); len(existing) > 0 {
		c := pick(w.chance, existing)
		w.takeAway(app, c)
		w.tell("somebody removes %s", c)
	}
}

func (w *world) addForeign(app *registration, kind rotation.Kind) {
	shown := engine.DirectoryCredential{DisplayName: "made by hand", End: time.Now().Add(w.between(20*time.Hour, 2000*time.Hour)), Usage: "Verify"}
	if kind == rotation.Certificate {
		shown.Certificate = []byte("public part")
	}
	c := w.makeByHand(app, kind, shown)
	w.tell("somebody makes %s", c)
}

func (w *world) deleteCopy(*registration, rotation.Kind) {
	names := w.copies()
	if len(names) == 0 {
		return
	}
	name := pick(w.chance, names)
	w.deleteCopyOf(name)
	w.deletedCopies[name.name] = true
	w.tell("somebody deletes the staged copy %s", name.name)
}

func (w *world) nearExpiry(app *registration, kind rotation.Kind) {
	view := w.view(app.appID, kind)
	id := rotation.ID{AppID: app.appID, Kind: kind, Generation: max(1, view.Head.Kind(kind).Generation-w.IntN(2))}
	w.request(func(ctx context.Context, e *engine.Engine) error {
		_, err := e.NearExpiry(ctx, id)
		return err
	})
}

func (w *world) changePolicy(app *registration, _ rotation.Kind) {
	w.overlapChanged, w.heldBack = true, true
	w.request(func(ctx context.Context, e *engine.Engine) error { return w.configure(ctx, e, app) })
}

// unmanage deletes the application's configuration and makes it anew a while later.
func (w *world) unmanage(app *registration, _ rotation.Kind) {
	w.heldBack, w.overlapChanged = true, true
	w.request(func(ctx context.Context, e *engine.Engine) error {
		return e.DeleteApplication(ctx, app.appID, "", "somebody")
	})
	again := w.between(0, 6*time.Hour)
	w.later(again, func() {
		w.request(func(ctx context.Context, e *engine.Engine) error { return w.configure(ctx, e, app) })
	})
	w.later(again+w.between(0, time.Hour), func() { w.addTarget(app, w.kinds()[0]) })
}

func (w *world) breakPlace(*registration, rotation.Kind) {
	if len(w.places) == 0 {
		return
	}
	p := pick(w.chance, w.places)
	p.broken = true
	w.tell("%s is broken", p.name)
	w.later(w.between(0, 8*time.Hour), func() { p.broken = false })
}

// loseApplication makes Graph answer 404 for the application for a while.
func (w *world) loseApplication(app *registration, _ rotation.Kind) {
	w.lose(app, w.between(0, 2*time.Hour))
}

// deployCode replaces a process, as a deployment of the code does.
func (w *world) deployCode(*registration, rotation.Kind) {
	p := pick(w.chance, w.processes)
	p.dead = true
	w.bury(p)
}

func (w *world) setClock(*registration, rotation.Kind) {
	p := pick(w.chance, w.processes)
	p.skew = w.skew()
	w.tell("the clock of %s is %s off", p.name, p.skew)
}
