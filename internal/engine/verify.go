package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// verify asks Entra for tokens with the new credential. One success does not
// prove every replica, so it takes several in a row.
func (w *work) verify(ctx context.Context) (time.Time, error) {
	made, err := w.credential(ctx)
	if rotation.ClassOf(err) == rotation.NotFound && err != nil {
		return zero, w.startOver(ctx, "its staged copy is missing")
	}
	if err != nil {
		return w.setback(ctx, "verify", err)
	}
	verdict, err := w.prove(ctx, made)
	if err != nil {
		return w.setback(ctx, "verify", err)
	}
	return w.judge(ctx, verdict)
}

// credential returns the staged credential, from memory where this invocation made it.
func (w *work) credential(ctx context.Context) (rotation.Credential, error) {
	if w.made != nil {
		return *w.made, nil
	}
	r := w.InFlight
	entry := w.state().Attempt(r.ID.Generation, r.Attempt)
	if entry == nil {
		return rotation.Credential{}, &rotation.Fault{Class: rotation.NotFound, Err: errors.New("the ledger has no entry for it")}
	}
	call, cancel := w.bounded(ctx)
	defer cancel()
	made, err := w.Stage.Get(call, w.Kind, entry.Staged)
	made.Rotation, made.Attempt = r.ID, r.Attempt // a rollback's was staged by an earlier one
	if err == nil {
		w.made = &made
	}
	return made, err
}

func (w *work) prove(ctx context.Context, made rotation.Credential) (verdict rotation.Verdict, err error) {
	for range w.waits().VerifySuccesses {
		call, cancel := w.bounded(ctx)
		verdict, err = w.Verifier.Verify(call, w.App.AppID, made)
		cancel()
		if err != nil || verdict.Kind != rotation.Accepted {
			return verdict, err
		}
	}
	return verdict, nil
}

func (w *work) judge(ctx context.Context, verdict rotation.Verdict) (time.Time, error) {
	r := w.InFlight
	switch verdict.Kind {
	case rotation.Accepted:
		return zero, w.verified(ctx, fmt.Sprintf("Entra ID issued %d tokens in a row for it", w.waits().VerifySuccesses))
	case rotation.Unverifiable:
		if w.policy().OnUnverifiable == rotation.UnverifiableContinue {
			return zero, w.verified(ctx, "not verified, as the policy allows: "+verdict.Reason)
		}
		return zero, w.fail(ctx, "cannot be verified: "+verdict.Reason, w.waits().RetryFailed)
	case rotation.Refused:
		return zero, w.fail(ctx, "refused by Entra ID: "+verdict.Reason, w.waits().RetryFailed)
	}
	now := w.Now()
	if !now.Before(r.StagedAt.Add(w.waits().VerifyDeadline)) {
		return zero, w.startOver(ctx, "Entra ID does not accept it: "+verdict.Reason)
	}
	return nextTry(r.StagedAt, now, w.waits().VerifyEvery), nil
}

// nextTry is a time of a fixed grid, so that invocations that wait for the same
// thing share one wake-up.
func nextTry(since, now time.Time, every time.Duration) time.Time {
	return since.Add((now.Sub(since)/every + 1) * every)
}

func (w *work) verified(ctx context.Context, how string) error {
	r := w.InFlight
	if err := r.Become(rotation.Verified); err != nil {
		return err
	}
	r.VerifiedAt, r.Idle, r.NotBefore = w.Now(), 0, zero
	return w.saveRotation(ctx, "verified", how)
}

// startOver gives the attempt's credential up. It was never published, so the
// retiring rule lets it go.
func (w *work) startOver(ctx context.Context, why string) error {
	r := w.InFlight
	if r.Source == rotation.ByRollback {
		return w.fail(ctx, "the earlier credential cannot come back: "+why, w.waits().RetryFailed)
	}
	if err := r.Become(rotation.Requested); err != nil {
		return err
	}
	r.KeyID, r.StagedAt = "", zero
	w.made = nil
	return w.saveRotation(ctx, "startOver", fmt.Sprintf("attempt %d is given up: %s", r.Attempt, why))
}
