package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// mostInBatch is how many deployments are inserted together with the
// publication. The others follow as if their rows had been lost.
const mostInBatch = 40

// publish makes the verified credential the current one, fixes who is to
// confirm it, and sends it on its way.
func (w *work) publish(ctx context.Context) error {
	r := w.InFlight
	now := w.Now()
	if err := r.Become(rotation.Published); err != nil {
		return err
	}
	r.PublishedAt, r.Targets = now, w.enabledTargets()
	r.Revision++
	superseded := w.openElsewhere()
	b := w.batch()
	if err := w.closeEarlier(b, now); err != nil {
		return err
	}
	w.makeCurrent(*r, now)
	w.Current, w.InFlight, w.Deployments = r, nil, nil

	sends := w.firstDeployments(now)
	for _, d := range append(superseded, sends...) {
		b.deployment(d)
	}
	b.rotation(*r).logged(w.line("published", w.publication()))
	w.tell(rotation.Event{ID: eventID(*r, "rotated"), Type: rotation.EventRotated, Rotation: r.ID.String(), KeyID: r.KeyID})
	var err error
	if w.ahead, _, err = w.wakeAt(ctx, now.Add(w.waits().Resend), w.App.AppID, string(w.Kind)); err != nil {
		return err
	}
	if err := w.save(ctx, b); err != nil {
		return err
	}
	w.Deployments = sends
	return w.send(ctx, sends)
}

// makeCurrent moves the head on to the rotation's credential.
func (w *work) makeCurrent(r rotation.Rotation, now time.Time) {
	state := w.state()
	state.Current, state.InFlight = r.KeyID, 0
	state.RetryAt, state.MissingSince = zero, zero
	state.Ledger = slices.Clone(state.Ledger)
	for i := range state.Ledger {
		e := &state.Ledger[i]
		switch {
		case e.KeyID == r.KeyID:
			e.Published = true
		case r.Emergency && e.RevokeAt.IsZero():
			e.RevokeAt = w.revokeAt(r, now)
		}
	}
}

// closeEarlier ends the current rotation where the next one comes before every
// target has confirmed it: nobody will bring it there any more.
func (w *work) closeEarlier(b *batch, now time.Time) error {
	earlier := w.Current
	if earlier == nil || earlier.State != rotation.Published {
		return nil
	}
	var missed []string
	for _, target := range earlier.Targets {
		if d, ok := w.Deployment(target); !ok || d.State != rotation.DeploymentConfirmed {
			missed = append(missed, target)
		}
	}
	next, what := rotation.Completed, "completed"
	if len(missed) > 0 {
		next, what = rotation.Incomplete, "incomplete"
		earlier.Reason = fmt.Sprintf("replaced by %s before it was confirmed by %s", w.InFlight.ID, strings.Join(missed, ", "))
	}
	if err := earlier.Become(next); err != nil {
		return err
	}
	earlier.EndedAt = now
	earlier.Revision++
	line := w.line(what, earlier.Reason)
	line.Rotation, line.Correlation = earlier.ID.String(), earlier.Correlation
	b.rotation(*earlier).logged(line)
	return nil
}

func (w *work) revokeAt(r rotation.Rotation, now time.Time) time.Time {
	if r.RevokeNow {
		return now
	}
	return now.Add(w.waits().EmergencyCut)
}

func (w *work) enabledTargets() (ids []string) {
	for _, t := range w.Targets {
		if t.Enabled {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// openElsewhere returns the older rotation's deployments that nobody has begun,
// skipped. One that was tried is settled by whoever brings the newer one.
func (w *work) openElsewhere() (skipped []rotation.Deployment) {
	for _, d := range w.Deployments {
		if d.State == rotation.DeploymentPending && d.Attempts == 0 && d.Begun == 0 {
			d.State, d.Reason, d.UpdatedAt = rotation.DeploymentSkipped, "superseded", w.Now()
			skipped = append(skipped, d)
		}
	}
	return skipped[:min(len(skipped), mostInBatch)]
}

func (w *work) firstDeployments(now time.Time) (first []rotation.Deployment) {
	for _, t := range w.Targets {
		if !t.Enabled || len(first) == mostInBatch {
			continue
		}
		first = append(first, rotation.Deployment{
			Rotation: w.Current.ID, Target: t.ID, Integration: t.Integration, State: rotation.DeploymentPending,
			Delivery: w.Holding(t.ID).Delivery, BegunAt: now, UpdatedAt: now, Correlation: w.Current.Correlation,
		})
	}
	return first
}

func (w *work) publication() string {
	if len(w.Current.Targets) == 0 {
		return "current from now on; no target is enabled, so nobody receives it and older credentials live to their end"
	}
	return "current from now on; on its way to " + strings.Join(w.Current.Targets, ", ")
}

// deliver saves and sends the deployments that are not as they should be.
func (w *work) deliver(ctx context.Context, dispatches []rotation.Dispatch) error {
	dispatches = dispatches[:min(len(dispatches), mostInBatch)]
	b := w.batch()
	var sends []rotation.Deployment
	for _, x := range dispatches {
		if x.Changed {
			b.deployment(x.Deployment)
		}
		if x.Deployment.State == rotation.DeploymentFailed {
			b.logged(w.deploymentLine(x.Deployment))
			event, _ := ending(w.App, x.Deployment)
			w.tell(event)
		}
		if x.Send {
			sends = append(sends, x.Deployment)
		}
	}
	if err := w.save(ctx, b); err != nil {
		return err
	}
	if err := w.send(ctx, sends); err != nil {
		return err
	}
	return w.loadRotations(ctx, w.loaded)
}

func (w *work) deploymentLine(d rotation.Deployment) rotation.LogEntry {
	line := w.line(string(d.State), d.Reason)
	line.Target, line.Failure = d.Target, d.State == rotation.DeploymentFailed
	return line
}

func (w *work) send(ctx context.Context, deployments []rotation.Deployment) error {
	messages := make([]Message, 0, len(deployments))
	for _, d := range deployments {
		messages = append(messages, w.rotatedMessage(d, nil, zero))
	}
	if len(messages) == 0 {
		return nil
	}
	return w.Bus.Send(ctx, messages...)
}

// close ends the current rotation: every deployment has.
func (w *work) close(ctx context.Context) error {
	r, next := w.Current, rotation.Completed
	r.Reason = ""
	line := w.line("completed", fmt.Sprintf("confirmed by every target (%d)", len(r.Targets)))
	if failed := w.FailedTargets(); len(failed) > 0 {
		next, r.Reason = rotation.Incomplete, "failed at "+strings.Join(failed, ", ")
		line.What, line.Detail, line.Failure = "incomplete", r.Reason, true
	}
	if len(r.Targets) == 0 {
		line.Detail = "no target was enabled"
	}
	if err := r.Become(next); err != nil {
		return err
	}
	r.EndedAt = w.Now()
	r.Revision++
	if r.State == rotation.Incomplete {
		w.tell(rotation.Event{ID: eventID(*r, "incomplete"), Type: rotation.EventFailed, Rotation: r.ID.String(), Reason: r.Reason})
	}
	return w.save(ctx, w.batch().rotation(*r).logged(line))
}
