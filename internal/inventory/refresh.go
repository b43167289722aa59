package inventory

import (
	"context"
	"errors"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	// fullEvery is how often everything is read anew. It is as long as Graph keeps a
	// delta token, and the oldest that the owners of an application are:
	// https://learn.microsoft.com/graph/delta-query-overview#token-duration
	fullEvery = 7 * 24 * time.Hour
	// stepFor bounds one step, which has to end before its lease.
	stepFor = 60 * time.Second
)

// Refresh brings the inventory up to date, or as far as it comes until a time. It
// reports whether it is up to date, and does nothing where somebody else is at it.
// What is left goes on with the next call.
func (i *Inventory) Refresh(ctx context.Context, until time.Time) (done bool, err error) {
	s, taken, err := i.take(ctx)
	if err != nil || !taken {
		return false, err
	}
	began := i.Now()
	for !done && err == nil && i.Now().Before(until) {
		done, err = i.step(ctx, &s)
		if after := rotation.AfterOf(err); i.patient(ctx, err, after, until) {
			err = nil
		}
	}
	if errors.Is(err, engine.ErrConflict) {
		return false, nil // somebody else took over
	}
	i.Log.InfoContext(ctx, "inventory refreshed", "done", done, "generation", s.Generation, "took", i.Now().Sub(began))
	return done, errors.Join(err, i.release(ctx, s, err))
}

// release gives the lease back and remembers what went wrong.
func (i *Inventory) release(ctx context.Context, s state, failed error) error {
	s.Holder, s.Problem = "", ""
	if failed != nil {
		s.Problem = problem(failed)
	}
	err := i.write(context.WithoutCancel(ctx), &s)
	if errors.Is(err, engine.ErrConflict) {
		return nil
	}
	return err
}

// problem is what people are told: the words of a service, and of nobody else.
func problem(err error) string {
	if fault, ok := errors.AsType[*rotation.Fault](err); ok {
		return fault.Error()
	}
	return "rekey's store is out of reach or did not answer in time; the cause is in rekey's log"
}

// patient waits for as long as Graph asks to, if that is not longer than there is time.
func (i *Inventory) patient(ctx context.Context, err error, after time.Duration, until time.Time) bool {
	if err == nil || rotation.ClassOf(err) != rotation.Throttled {
		return false
	}
	after = max(after, time.Second)
	if i.Now().Add(after).After(until) || after > stepFor/2 {
		return false
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// step does one thing and saves where it is then. It renews the lease first, so that
// nothing is written in the time of another one.
func (i *Inventory) step(ctx context.Context, s *state) (done bool, err error) {
	s.Until = i.Now().Add(leaseFor)
	if err := i.beginIfDue(ctx, s); err != nil {
		return false, err
	}
	bounded, cancel := context.WithTimeout(ctx, stepFor)
	defer cancel()
	if s.Phase == pruning {
		done, err = i.pruneNext(bounded, s)
	} else {
		done, err = i.readNext(bounded, s)
	}
	if err != nil {
		return false, err
	}
	if done {
		s.Ended = i.Now()
	}
	return done, i.write(ctx, s)
}

// beginIfDue saves the renewed lease, and with it that a full reading begins where one
// is due.
func (i *Inventory) beginIfDue(ctx context.Context, s *state) error {
	if s.Phase != idle {
		return i.write(ctx, s)
	}
	wanted, err := i.wanted(ctx)
	if err != nil {
		return err
	}
	if wanted || s.Generation == 0 || !i.Now().Before(s.FullFrom.Add(fullEvery)) {
		i.begin(s, "")
	}
	if err := i.write(ctx, s); err != nil || !wanted {
		return err
	}
	return i.Store.Write(ctx, engine.Change{Op: engine.Delete, Key: key(partitionSync, rowWanted)})
}

// begin starts a full reading. One that is at hand is given up.
func (i *Inventory) begin(s *state, link string) {
	s.Phase, s.Link, s.Partition = reading, link, ""
	s.Generation++
	s.Began = i.Now()
}

// readNext reads a page and writes what it says.
func (i *Inventory) readNext(ctx context.Context, s *state) (done bool, err error) {
	page, err := i.Directory.Changes(ctx, s.Link)
	if restart, ok := errors.AsType[*Restart](err); ok {
		i.Log.WarnContext(ctx, "the inventory is read anew", "reason", restart.Error())
		i.begin(s, restart.Link)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	complete, err := i.save(ctx, s, page.Changes)
	if err != nil {
		return false, err
	}
	if !complete && s.Phase == idle {
		i.Log.WarnContext(ctx, "the inventory is read anew", "reason", "a change of an application that it does not have")
		i.begin(s, "")
		return false, nil
	}
	s.Link = page.Next
	if page.Last && s.Phase == reading {
		s.Phase, s.Partition = pruning, ""
		return false, nil
	}
	return page.Last, nil
}
