package simulation

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// calm ends all that goes wrong: the weather clears, every process runs the newest
// code, places are repaired, and what was paused goes on.
func (w *world) calm() {
	w.tell("from now on nothing goes wrong")
	w.weather.clear = true
	for _, p := range slices.Clone(w.processes) {
		p.dead = true
		w.bury(p)
	}
	for _, p := range w.places {
		p.broken = false
	}
	for _, app := range w.directory.apps {
		w.bringBack(app)
		w.request(func(ctx context.Context, e *engine.Engine) error {
			if _, _, err := e.Application(ctx, app.appID); err != nil {
				return w.configure(ctx, e, app)
			}
			return e.SetPaused(ctx, app.appID, false, "somebody")
		})
	}
	w.request(func(ctx context.Context, e *engine.Engine) error {
		return e.SetEverythingPaused(ctx, false, "somebody")
	})
}

// slack is how long something that could be done may wait in calm weather: the
// wake-up that is moved five minutes on with each sweep, and the sweep itself.
const slack = 7 * time.Minute

// lookForIdleness breaks promise 8 where nobody does what could be done.
func (w *world) lookForIdleness() {
	for _, app := range w.directory.apps {
		for _, kind := range w.kinds() {
			view := w.view(app.appID, kind)
			step := rotation.Next(view.Snapshot)
			of := app.appID + "." + string(kind)
			if step.Do == rotation.Wait {
				delete(w.overdue, of)
				continue
			}
			since, known := w.overdue[of]
			if !known {
				w.overdue[of] = time.Now()
			} else if time.Since(since) > slack {
				w.promises.breaks(8, "nobody does %q for %s of %s, which could be done since %s ago", step.Do, kind, app.display, time.Since(since))
			}
		}
	}
}

// end checks what must be so a day after the last fault.
func (p *promises) end() {
	for _, app := range p.w.directory.apps {
		for _, kind := range p.w.kinds() {
			view := p.w.view(app.appID, kind)
			p.nothingForgotten(app, kind, view)
			p.everythingDelivered(app, kind, view)
		}
	}
	for _, id := range p.w.accepted {
		p.answered(id)
	}
	p.everythingTold()
}

// nothingForgotten is promise 3.
func (p *promises) nothingForgotten(app *registration, kind rotation.Kind, view engine.View) {
	state := view.Head.Kind(kind)
	for _, c := range app.existing(kind, time.Now()) {
		if !c.ours {
			continue
		}
		entry := state.ByKeyID(c.KeyID)
		switch {
		case entry == nil:
			p.breaks(3, "%s (%s) is in Entra ID and not in the ledger", c, c.DisplayName)
		case c.KeyID != state.Current && !p.mayStay(view, *entry, c):
			p.breaks(3, "%s (%s) is neither current, in its overlap, nor held", c, c.DisplayName)
		case !p.staged(kind, *entry):
			p.breaks(3, "%s (%s) has no staged copy", c, c.DisplayName)
		}
	}
}

// mayStay reports whether an old credential is still there for a reason.
func (p *promises) mayStay(view engine.View, entry rotation.Entry, c *credential) bool {
	if view.InFlight != nil && view.InFlight.KeyID == entry.KeyID || time.Since(c.born) < time.Hour {
		return true
	}
	held := slices.ContainsFunc(view.Holdings, func(h rotation.Holding) bool { return h.Holds(entry.Generation) })
	confirmed := slices.ContainsFunc(view.Holdings, func(h rotation.Holding) bool {
		current, _ := view.Head.Kind(c.kind).CurrentEntry()
		return h.Confirmed == current.Generation
	})
	return held || !confirmed || time.Since(view.LastConfirmation()) < view.Policy().Overlap+slack
}

func (p *promises) staged(kind rotation.Kind, entry rotation.Entry) bool {
	return p.w.hasCopy(copyName{kind, entry.Staged}) || p.w.deletedCopies[entry.Staged]
}

// everythingDelivered is promise 8.
func (p *promises) everythingDelivered(app *registration, kind rotation.Kind, view engine.View) {
	state := view.Head.Kind(kind)
	if view.App.AppID == "" || state.SchedulePaused {
		return
	}
	current := app.byKeyID(state.Current)
	if current == nil || !current.works() {
		if view.InFlight == nil && (current == nil || current.by != byPerson) {
			p.breaks(8, "%s of %s has no current credential that works", kind, app.display)
		}
		return
	}
	if view.Due.At.Before(time.Now().Add(-slack)) && view.InFlight == nil {
		p.breaks(8, "%s of %s was due at %s", kind, app.display, view.Due.At)
	}
	for _, t := range view.Targets {
		d, _ := view.Deployment(t.ID)
		place := p.w.place(placeOf(t))
		settled := t.Enabled && time.Since(view.Current.PublishedAt) > time.Hour
		if settled && d.State != rotation.DeploymentConfirmed && d.State != rotation.DeploymentFailed {
			p.breaks(8, "the deployment of %s to %s (%s) is %q: %s", current, t.ID, t.Integration, d.State, d.LastError)
		}
		if settled && d.State == rotation.DeploymentConfirmed && place.value != current {
			p.breaks(8, "%s confirmed %s and holds %v", place.name, current, place.value)
		}
		if settled && d.State == rotation.DeploymentConfirmed && place.live != nil && place.live != current {
			p.breaks(8, "%s confirmed %s and runs with %v", place.name, current, place.live)
		}
	}
}

// answered is promise 7.
func (p *promises) answered(id rotation.ID) {
	r, err := p.w.observer.Rotation(p.w.t.Context(), id)
	switch {
	case err != nil:
		p.breaks(7, "rotation %s was accepted and is not there: %v", id, err)
	case r.State.Unpublished() || r.State == rotation.Published && time.Since(r.PublishedAt) > 12*time.Hour:
		p.breaks(7, "rotation %s was accepted and is %s", id, r.State)
	case r.State != rotation.Completed && r.State != rotation.Published && r.Reason == "":
		p.breaks(7, "rotation %s is %s, and nobody can see why", id, r.State)
	}
}

// names lists the staged copies in their order.
func (v *vault) names() (names []copyName) {
	for name := range v.copies {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b copyName) int { return strings.Compare(string(a.kind)+a.name, string(b.kind)+b.name) })
	return names
}
