package engine

import (
	"context"
	"errors"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// guard makes sure that a wake-up is in the schedule before this invocation
// changes anything: should it die, somebody comes back.
func (w *work) guard(ctx context.Context) error {
	if w.row != nil {
		return nil
	}
	row, _, err := w.wakeAt(ctx, w.Snapshot.Now.Add(w.waits().Resend), w.App.AppID, string(w.Kind))
	w.row = &row
	return err
}

// wakeAt writes a wake-up. The same time, application and purpose fall into one
// row; fresh says that this call made it, and so is the one to send its message.
func (e *Engine) wakeAt(ctx context.Context, at time.Time, appID, what string) (row rotation.WakeUp, fresh bool, err error) {
	row = wakeUp(at, appID, what)
	err = e.Store.Write(ctx, Change{Op: Insert, Key: wakeUpKey(row), Properties: map[string]any{"schema": int64(schema)}})
	if errors.Is(err, ErrConflict) {
		return row, false, nil
	}
	return row, err == nil, err
}

// dropWakeUp deletes a wake-up that was served, unless it is the one to keep.
func (e *Engine) dropWakeUp(ctx context.Context, row, keep *rotation.WakeUp) error {
	if row == nil || keep != nil && *row == *keep {
		return nil
	}
	return e.Store.Write(ctx, Change{Op: Delete, Key: wakeUpKey(*row)})
}

// shortWait is up to when a wait also gets a scheduled message: the sweep looks
// once a minute.
const shortWait = 2 * time.Minute

// rest ends an invocation: the next wake-up first, then the served one goes.
func (w *work) rest(ctx context.Context, until time.Time) error {
	if err := w.flush(ctx); err != nil {
		return err
	}
	if w.idle() {
		return w.dropWakeUp(ctx, w.row, nil)
	}
	if soon := w.Snapshot.Now.Add(w.waits().Resend); len(w.Head.Outbox) > 0 && until.After(soon) {
		until = soon
	}
	next, fresh, err := w.nextWakeUp(ctx, until)
	if err != nil {
		return err
	}
	if fresh && until.Sub(w.Snapshot.Now) <= shortWait {
		if err := w.sendAdvance(ctx, rotation.Advance{AppID: w.App.AppID, Kind: w.Kind, Row: &next}, until); err != nil {
			return err
		}
	}
	return w.dropWakeUp(ctx, w.row, &next)
}

// nextWakeUp writes the wake-up that follows this invocation, unless publish has.
func (w *work) nextWakeUp(ctx context.Context, at time.Time) (row rotation.WakeUp, fresh bool, err error) {
	if row = wakeUp(at, w.App.AppID, string(w.Kind)); row == w.ahead {
		return row, false, nil
	}
	return w.wakeAt(ctx, at, w.App.AppID, string(w.Kind))
}

// idle reports whether there is nothing that could ever need a wake-up.
func (w *work) idle() bool {
	k := w.state()
	return !w.policy().Enabled && k.InFlight == 0 && len(k.Ledger) == 0 && len(w.Head.Outbox) == 0
}

// sendAdvance wakes the rotate function. A time in the future schedules it.
func (e *Engine) sendAdvance(ctx context.Context, advance rotation.Advance, at time.Time) error {
	return e.Bus.Send(ctx, e.advanceMessage(advance, at))
}

func (e *Engine) advanceMessage(advance rotation.Advance, at time.Time) Message {
	return Message{
		To: QueueRequests, ID: newID(), Type: "dev.rekey.advance", Subject: "applications/" + advance.AppID,
		Time: e.Now(), Data: advance, At: at,
	}
}

func (e *Engine) rotatedMessage(d rotation.Deployment, row *rotation.WakeUp, at time.Time) Message {
	return Message{
		To: TopicRotated, Integration: d.Integration, ID: newID(), Type: "dev.rekey.deploy",
		Subject: "applications/" + d.Rotation.AppID, Time: e.Now(), At: at,
		Data: rotation.Rotated{Rotation: d.Rotation, Target: d.Target, Row: row},
	}
}
