package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Rollback makes the previous credential the current one again: a new generation
// that reuses its ledger entry and its staged copy, is proven anew and delivered
// everywhere. The kind's schedule, which would undo it, pauses until resumed.
func (e *Engine) Rollback(ctx context.Context, appID string, kind rotation.Kind, actor string) (rotation.Rotation, error) {
	return again(func() (rotation.Rotation, error) { return e.rollback(ctx, appID, kind, actor) })
}

func (e *Engine) rollback(ctx context.Context, appID string, kind rotation.Kind, actor string) (rotation.Rotation, error) {
	w, err := e.open(ctx, appID, kind)
	if err != nil {
		return rotation.Rotation{}, err
	}
	if err := w.mayBegin(Ask{AppID: appID, Kind: kind}); err != nil {
		return rotation.Rotation{}, err
	}
	if r := w.InFlight; r != nil && r.Source == rotation.ByRollback {
		return *r, nil
	}
	if r := w.InFlight; r != nil {
		return *r, fmt.Errorf("%w: rotation %q is in flight; cancel it or wait for it", ErrRefused, r.ID)
	}
	previous, err := w.previous()
	if err != nil {
		return rotation.Rotation{}, err
	}
	if err := w.guard(ctx); err != nil {
		return rotation.Rotation{}, err
	}
	r := w.reuse(previous, actor, correlationOf(ctx))
	line := w.asked("rollback", fmt.Sprintf("back to key id %s; the schedule of this kind is paused", previous.KeyID), actor)
	if err := w.save(ctx, w.batch().rotation(r).logged(line)); err != nil {
		return r, err
	}
	return r, w.wake(ctx)
}

// previous finds the credential that was current before the current one.
func (w *work) previous() (previous rotation.Entry, err error) {
	current, _ := w.state().CurrentEntry()
	for _, e := range w.state().Ledger {
		if e.Published && e.Generation < current.Generation && e.Generation > previous.Generation {
			previous = e
		}
	}
	refuse := func(why string) (rotation.Entry, error) {
		return previous, fmt.Errorf("%w: %q cannot be rolled back: %s", ErrRefused, w.App.AppID, why)
	}
	switch {
	case previous.KeyID == "":
		return refuse("no earlier credential of rekey's is left; ask for a rotation instead")
	case previous.Retiring || !previous.RevokeAt.IsZero():
		return refuse(fmt.Sprintf("the earlier credential, key id %s, is being removed; ask for a rotation instead", previous.KeyID))
	case !w.Now().Before(previous.End.Add(-w.policy().Reserve())):
		return refuse(fmt.Sprintf("the earlier credential, key id %s, ends at %s, which is too soon to be delivered everywhere; ask for a rotation instead",
			previous.KeyID, previous.End.UTC().Format(time.RFC3339)))
	}
	return previous, nil
}

// reuse begins the new generation with the entry of the previous one.
func (w *work) reuse(previous rotation.Entry, actor, correlation string) rotation.Rotation {
	w.begin(rotation.Rotation{Source: rotation.ByRollback, Actor: actor, Correlation: correlation})
	state, r := w.state(), w.InFlight
	state.SchedulePaused = true
	state.Ledger = slices.Clone(state.Ledger)
	entry := state.ByKeyID(previous.KeyID)
	entry.Earlier = append(slices.Clone(entry.Earlier), entry.Generation)
	entry.Generation, entry.Attempt = r.ID.Generation, 1
	r.State, r.Attempt, r.KeyID, r.StagedAt = rotation.Staged, 1, previous.KeyID, w.Now()
	return *r
}
