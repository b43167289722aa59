package engine

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// longestBackoff ends the doubling of waits after transient errors.
const longestBackoff = 15 * time.Minute

// backoff returns the wait before try n + 1: it doubles, with jitter, so that
// many that failed together do not come back together.
func (e *Engine) backoff(first time.Duration, n int) time.Duration {
	wait := min(first<<min(n, 10), max(first, longestBackoff))
	return wait/2 + e.Jitter(wait/2+1)
}

// setback records that the rotation in flight met an error: what is refused for
// good fails it, everything else holds it back for a while.
func (w *work) setback(ctx context.Context, doing string, err error) (time.Time, error) {
	r := w.InFlight
	w.releaseLease()
	switch rotation.ClassOf(err) {
	case rotation.Permanent, rotation.Denied:
		return zero, w.fail(ctx, doing+": "+err.Error(), w.waits().RetryFailed)
	case rotation.NotFound:
		return w.applicationGone(ctx, err)
	case rotation.Throttled:
		r.NotBefore = w.Now().Add(max(rotation.AfterOf(err), time.Second))
	default:
		r.NotBefore = w.Now().Add(w.backoff(w.waits().RetryAfter, r.Idle))
		r.Idle++
	}
	return r.NotBefore, w.saveRotation(ctx, "retry", doing+": "+err.Error())
}

// releaseLease lets others write to Graph again: at once, or after a write without
// an answer, which may still take effect, one call later.
func (w *work) releaseLease() {
	if w.Head.Lease.Holder != w.holder {
		return
	}
	w.Head.Lease = rotation.Lease{}
	if w.unanswered {
		now := w.Now()
		w.Head.Lease = rotation.Lease{Holder: "a call without an answer", Until: now, Free: now.Add(w.CallTimeout)}
	}
}

// wrote notes what became of a write to Graph.
func (w *work) wrote(err error) error {
	w.unanswered = err != nil && !rotation.HadNoEffect(err)
	return err
}

// applicationGone waits a while before it believes that the application does not
// exist: a replica may not know it yet.
func (w *work) applicationGone(ctx context.Context, err error) (time.Time, error) {
	r := w.InFlight
	if r.GoneSince.IsZero() {
		r.GoneSince = w.Now()
	}
	if !w.Now().Before(r.GoneSince.Add(w.waits().Gone)) {
		return zero, w.fail(ctx, "application gone: "+err.Error(), w.waits().Heartbeat)
	}
	r.NotBefore = w.Now().Add(w.waits().Gone / 12)
	return r.NotBefore, w.saveRotation(ctx, "retry", err.Error())
}

// fail ends the rotation in flight. What it made stays in the ledger and is
// removed by the retiring rule; the schedule tries again after a while.
func (w *work) fail(ctx context.Context, reason string, again time.Duration) error {
	r, state := w.InFlight, w.state()
	if err := r.Become(rotation.Failed); err != nil {
		return err
	}
	r.Reason, r.EndedAt = short(reason), w.Now()
	r.AttemptOpen = false
	r.Revision++
	state.InFlight, state.RetryAt = 0, r.EndedAt.Add(again)
	w.releaseLease()
	w.tell(rotation.Event{ID: eventID(*r, "failed"), Type: rotation.EventFailed, Rotation: r.ID.String(), Reason: reason})
	line := w.line("failed", reason)
	line.Failure = true
	b := w.batch().rotation(*r).logged(line)
	w.InFlight = nil
	return w.save(ctx, b)
}
