package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// work is one invocation that moves one kind of one application on.
type work struct {
	*Engine
	*loaded
	holder string           // the invocation's id, for the lease
	row    *rotation.WakeUp // the wake-up that guards this work, deleted at its end
	made   *rotation.Credential
	ahead  rotation.WakeUp // written by publish

	unanswered bool // the last write to Graph may still take effect

	sent int  // how much of the outbox was sent since it was last saved
	deaf bool // the bus took no lifecycle events
}

// mostConflicts is how often an invocation reloads because somebody else was
// faster, before it leaves the rest to its wake-up.
const mostConflicts = 8

// Advance does whatever can be done now for one kind of one application and
// writes down when to look again. It may be called any number of times, also by
// several invocations at once. An error means that the store or the bus is out
// of reach, and the message is to come again.
func (e *Engine) Advance(ctx context.Context, invocation string, message rotation.Advance) error {
	w := &work{Engine: e, holder: invocation, row: ownRow(message)}
	var err error
	w.loaded, err = e.load(ctx, message.AppID, message.Kind)
	switch {
	case errors.Is(err, ErrUnknownApplication):
		e.Log.InfoContext(ctx, "dropped a wake-up: the application is not managed", "app", message.AppID)
		return e.dropWakeUp(ctx, w.row, nil)
	case err != nil:
		return e.unlessLeftAlone(ctx, message.AppID, err)
	case slices.Contains(e.Self, message.AppID): // it may have been protected after it was configured
		e.Log.WarnContext(ctx, "left alone", "app", message.AppID, "reason", "it is rekey's own identity, or protected from being rotated")
		return nil
	}
	until, err := w.run(ctx)
	if err != nil {
		return e.unlessLeftAlone(ctx, message.AppID, err)
	}
	return w.rest(ctx, until)
}

// mostSteps is more than any invocation finds to do, with a thousand targets and as
// many credentials to retire.
const mostSteps = 2000

// unlessLeftAlone lets no message come again because of a row that is not for this
// code to act on: it would change nothing. The wake-up stays, so it is looked at later.
func (e *Engine) unlessLeftAlone(ctx context.Context, appID string, err error) error {
	if !leftAlone(err) {
		return err
	}
	e.Log.WarnContext(ctx, "left alone", "app", appID, "reason", err.Error())
	return nil
}

// ownRow returns the wake-up that a message names, if it is this application's.
func ownRow(message rotation.Advance) *rotation.WakeUp {
	if message.Row == nil {
		return nil
	}
	_, appID, what, err := parseWakeUp(message.Row.Row)
	if err != nil || appID != message.AppID || what != string(message.Kind) {
		return nil
	}
	return message.Row
}

// run asks what to do and does it, until there is nothing before the returned time.
func (w *work) run(ctx context.Context) (time.Time, error) {
	for steps, conflicts := 0, 0; ; steps++ {
		if steps == mostSteps {
			w.Log.ErrorContext(ctx, "an invocation found something to do without end", "app", w.App.AppID, "kind", w.Kind)
			return w.Snapshot.Now.Add(w.waits().Resend), nil
		}
		w.Snapshot.Now, w.Invocation = w.Now(), w.holder
		step := rotation.Next(w.Snapshot)
		if step.Do == rotation.Request {
			if err := w.askWhetherPaused(ctx); err != nil {
				return zero, err
			}
			step = rotation.Next(w.Snapshot)
		}
		if step.Do == rotation.Wait && !w.owes() {
			return step.At, nil
		}
		w.sendOutbox(ctx) // before what may take long, and in time for what it saves
		until, err := w.perform(ctx, step)
		if errors.Is(err, ErrConflict) && conflicts < mostConflicts && !w.unanswered {
			conflicts++
			w.made, w.sent = nil, 0
			if w.loaded, err = w.load(ctx, w.App.AppID, w.Kind); err == nil {
				continue // also where the step ended in a time: its lease is still taken
			}
		}
		if errors.Is(err, ErrConflict) { // the lease, where it is ours, runs out meanwhile
			return w.Snapshot.Now.Add(w.waits().Resend), nil
		}
		if err != nil || !until.IsZero() {
			return until, err
		}
	}
}

// askWhetherPaused reads what holds for all applications. Only the beginning of
// a rotation depends on it.
func (w *work) askWhetherPaused(ctx context.Context) error {
	all, err := w.Everything(ctx)
	w.Paused = all.Paused
	return err
}

// perform does one step. A time that is not zero ends the invocation until then.
func (w *work) perform(ctx context.Context, step rotation.Step) (time.Time, error) {
	if w.owes() {
		return zero, w.takeOver(ctx)
	}
	// What follows publication has a wake-up already: the one against lost messages.
	if step.Do != rotation.Close && step.Do != rotation.Deliver {
		if err := w.guard(ctx); err != nil {
			return time.Time{}, err
		}
	}
	switch step.Do {
	case rotation.Request:
		return time.Time{}, w.request(ctx, step.Source)
	case rotation.Create:
		return w.create(ctx)
	case rotation.Recover:
		return w.recover(ctx)
	case rotation.Verify:
		return w.verify(ctx)
	case rotation.Publish:
		return time.Time{}, w.publish(ctx)
	case rotation.Deliver:
		return time.Time{}, w.deliver(ctx, step.Send)
	case rotation.Close:
		return time.Time{}, w.close(ctx)
	case rotation.Look:
		return w.look(ctx)
	case rotation.Retire:
		return w.retire(ctx, step.Entry)
	case rotation.Fail:
		return time.Time{}, w.fail(ctx, step.Why, w.waits().RetryFailed)
	}
	return time.Time{}, fmt.Errorf("engine: no way to %q", step.Do)
}

func (w *work) state() *rotation.KindState { return w.Head.Kind(w.Kind) }

func (w *work) policy() rotation.Policy { return w.Snapshot.Policy() }

func (w *work) waits() rotation.Waits { return w.policy().Waits }

// save commits a batch together with the head.
func (w *work) save(ctx context.Context, b *batch) error {
	w.forget()
	w.Head.Revision++
	return w.commit(ctx, b.save(rowHead, w.Head))
}

// saveRotation commits the rotation in flight, as it now is, with a line in the log.
func (w *work) saveRotation(ctx context.Context, what, detail string) error {
	w.InFlight.Revision++
	b := w.batch().rotation(*w.InFlight)
	if what != "" {
		b.logged(w.line(what, detail))
	}
	return w.save(ctx, b)
}

// line makes a line of the log about the rotation at hand.
func (w *work) line(what, detail string) rotation.LogEntry {
	entry := rotation.LogEntry{At: w.Now(), Kind: w.Kind, What: what, Detail: detail, Actor: "rekey"}
	switch {
	case w.InFlight != nil:
		entry.Rotation, entry.Correlation = w.InFlight.ID.String(), w.InFlight.Correlation
	case w.Current != nil:
		entry.Rotation, entry.Correlation = w.Current.ID.String(), w.Current.Correlation
	}
	return entry
}
