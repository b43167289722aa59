package automation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// look asks about a step that runs.
func (r *run) look(ctx context.Context) (rotation.Outcome, error) {
	w := r.work()
	p, err := w.look(ctx)
	if err != nil {
		return rotation.Outcome{}, err
	}
	if !p.found {
		return rotation.Outcome{}, r.failed("it was deleted while it ran, and nobody knows how far it came")
	}
	return r.judge(ctx, w, p)
}

// judge decides what a step's progress means.
func (r *run) judge(ctx context.Context, w work, p progress) (rotation.Outcome, error) {
	if !p.ended {
		return r.still(ctx, w)
	}
	report := r.report()
	report.State, report.Output = rotation.StepSucceeded, r.hide.output(p.output)
	if p.failed != "" {
		report.State, report.Detail = rotation.StepFailed, r.hide.text(p.failed)
	}
	if _, leaves := w.(remover); leaves {
		r.enter(phaseEnding)
		return rotation.Outcome{Handle: r.at.handle(), After: atOnce, Waiting: fmt.Sprintf("for step %q to be cleaned up", report.Name)}, nil
	}
	return r.after(ctx)
}

// still waits for a step, until it has taken far too long.
func (r *run) still(ctx context.Context, w work) (rotation.Outcome, error) {
	timeout := time.Duration(r.task.Steps[r.at.Step].TimeoutMinutes) * time.Minute
	if r.at.since(r.now) <= timeout+grace {
		return r.wait(), nil
	}
	if err := w.stop(ctx); err != nil {
		return rotation.Outcome{}, err
	}
	return rotation.Outcome{}, r.failed(fmt.Sprintf("it did not end within %s, and was stopped", timeout))
}

// end removes what the step left behind.
func (r *run) end(ctx context.Context) (rotation.Outcome, error) {
	w := r.work()
	err := w.stop(ctx)
	switch class := rotation.ClassOf(err); {
	case err == nil:
	case class == rotation.Denied || class == rotation.Permanent:
		r.note(fmt.Sprintf("its %s could not be deleted: %v", w.(remover).leaves(), err))
	default:
		return rotation.Outcome{}, err
	}
	return r.after(ctx)
}

func (r *run) note(text string) {
	report := r.report()
	if report.Detail != "" {
		report.Detail += "; "
	}
	report.Detail += r.hide.text(text)
}

// after goes from a step that ended to the next one.
func (r *run) after(ctx context.Context) (rotation.Outcome, error) {
	report := *r.report()
	if report.State == rotation.StepFailed {
		return rotation.Outcome{}, r.failed(report.Detail)
	}
	if r.at.Step == len(r.steps)-1 {
		return rotation.Outcome{Confirmed: true, Receipt: r.task.ID + "/" + nameOf(r.d, r.at.Step)}, nil
	}
	r.at.Step++
	r.enter(phaseBegin)
	return r.begin(ctx)
}

// failed ends the task at its step.
func (r *run) failed(reason string) error {
	report := r.report()
	report.State, report.Detail = rotation.StepFailed, r.hide.text(reason)
	return &rotation.Fault{Class: rotation.Permanent, Err: fmt.Errorf("automation: step %q: %w", report.Name, errors.New(report.Detail))}
}
