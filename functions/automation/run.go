package automation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// run is one call of Deploy.
type run struct {
	target *Target
	d      rotation.Delivery
	task   rotation.Task
	extra  map[string]string
	hide   mask
	now    time.Time

	at    position
	steps []rotation.StepReport
}

// The times of a run.
const (
	patience = 10 * time.Minute // with what has to come before a step, until it is told as an error
	grace    = 15 * time.Minute // beyond a step's timeout, until it is taken for lost
	atOnce   = time.Second
)

// resume finds out where the delivery stands.
func (t *Target) resume(ctx context.Context, d rotation.Delivery, task rotation.Task) (*run, error) {
	now := t.config.Now()
	at, err := parsePosition(d, fingerprint(task))
	if err != nil {
		return nil, err
	}
	if at.Task != fingerprint(task) || at.Step >= len(task.Steps) {
		return nil, t.changed(ctx, at, task)
	}
	if at.Since == 0 {
		at.Since = now.Unix()
	}
	r := &run{target: t, d: d, task: task, now: now, at: at, steps: slices.Clone(d.Steps)}
	if d.Handle == "" || len(r.steps) != len(task.Steps) {
		r.steps = nil
		for _, s := range task.Steps {
			r.steps = append(r.steps, rotation.StepReport{Name: s.Name, State: rotation.StepPending})
		}
	}
	return r, nil
}

// changed ends a delivery whose task has other steps now.
func (t *Target) changed(ctx context.Context, at position, task rotation.Task) error {
	if at.Resource != "" {
		if err := t.known(at.Resource).stop(ctx); err != nil {
			return err
		}
	}
	return &rotation.Fault{Class: rotation.Permanent, Err: fmt.Errorf("automation: task %q was changed while it ran", task.ID), Remedy: "resume the delivery: it begins with the first step"}
}

// goOn does what can be done now.
func (r *run) goOn(ctx context.Context) (rotation.Outcome, error) {
	switch r.at.Phase {
	case phaseEnding:
		return r.end(ctx)
	case phaseRunning:
		return r.look(ctx)
	}
	return r.begin(ctx)
}

func (r *run) work() work { return r.target.workOf(r.d, r.task, r.at.Step) }

func (r *run) report() *rotation.StepReport { return &r.steps[r.at.Step] }

// enter takes the step into a phase.
func (r *run) enter(p phase) {
	r.at.Phase, r.at.Since, r.at.Resource = p, r.now.Unix(), ""
	if p != phaseBegin {
		r.at.Resource = resourceOf(r.d, r.task, r.at.Step)
	}
}

// begin begins the step, unless an earlier try did.
func (r *run) begin(ctx context.Context) (rotation.Outcome, error) {
	w := r.work()
	if r.d.Tries > 1 {
		p, err := w.look(ctx)
		if err != nil {
			return rotation.Outcome{}, err
		}
		if p.found {
			r.running()
			return r.judge(ctx, w, p)
		}
	}
	waiting, err := w.begin(ctx, r.d, r.extra)
	switch {
	case err != nil:
		return rotation.Outcome{}, r.notBegun(err)
	case waiting != "":
		return r.waitFor(waiting)
	}
	r.running()
	return r.wait(), nil
}

func (r *run) running() {
	r.enter(phaseRunning)
	r.report().State = rotation.StepRunning
}

// notBegun reports a step that will not begin, whatever happens.
func (r *run) notBegun(err error) error {
	switch rotation.ClassOf(err) {
	case rotation.Permanent, rotation.Denied, rotation.NotFound:
		r.report().State, r.report().Detail = rotation.StepFailed, r.hide.text(err.Error())
	}
	return err
}

// waitFor comes back soon, and says after a while that somebody should look.
func (r *run) waitFor(what string) (rotation.Outcome, error) {
	if r.at.since(r.now) > patience {
		return rotation.Outcome{}, &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("automation: step %q waits %s", r.report().Name, what),
			Remedy: "add a Key Vault target for this application that delivers there"}
	}
	return rotation.Outcome{Handle: r.at.handle(), After: r.later(), Waiting: what}, nil
}

// wait comes back while the step runs.
func (r *run) wait() rotation.Outcome {
	return rotation.Outcome{Handle: r.at.handle(), After: r.later(), Waiting: fmt.Sprintf("for step %d of %d, %q, to end", r.at.Step+1, len(r.steps), r.report().Name)}
}

// later is when to ask again: less often the longer it takes.
func (r *run) later() time.Duration {
	switch since := r.at.since(r.now); {
	case since >= 10*time.Minute:
		return time.Minute
	case since >= time.Minute:
		return 15 * time.Second
	case since >= 10*time.Second:
		return 5 * time.Second
	}
	return 2 * time.Second
}
