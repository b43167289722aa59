package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Everybody is the integration that a lifecycle event is for: each subscription to
// the topic takes what is for everybody, and what is for itself alone.
const Everybody = "everybody"

// LifecycleMessage is a lifecycle event on its way to everybody. A repetition of the
// event has the same id, and so has its message.
func LifecycleMessage(event rotation.Event) Message {
	return Message{
		To: TopicLifecycle, Integration: Everybody, ID: event.ID, Type: string(event.Type),
		Subject: event.Subject(), Time: event.Time, Data: event,
	}
}

// Tell sends a finding to everybody. A repetition of it is the same event.
func (e *Engine) Tell(ctx context.Context, f rotation.Finding) error {
	return e.Bus.Send(ctx, LifecycleMessage(rotation.Event{
		ID: f.ID(), Type: rotation.EventFinding, Time: f.Since, AppID: f.AppID,
		Check: f.Check, Reason: cut(f.Finding, longestReason), Remedy: cut(f.Remedy, longestReason),
	}))
}

// tell puts a lifecycle event into the outbox, to be saved with what it tells of.
func (w *work) tell(event rotation.Event) {
	event.Time, event.AppID, event.Name, event.Kind = w.Now(), w.App.AppID, w.App.Name, w.Kind
	event.Reason = cut(event.Reason, longestReason)
	w.forget()
	w.Head.Outbox = append(slices.Clone(w.Head.Outbox), event)
	if extra := len(w.Head.Outbox) - mostInOutbox; extra > 0 {
		w.Log.Error("the oldest lifecycle events are lost: the bus takes none", "app", w.App.AppID, "count", extra)
		w.Head.Outbox = w.Head.Outbox[extra:]
	}
}

// These keep the head below what a row can hold while the topic is out of reach.
const (
	mostInOutbox  = 30
	longestReason = 500
)

// sendOutbox sends what is in the outbox. What cannot be sent now stays in it, and is
// sent with the next wake-up, which then comes soon; whoever gets an event twice sees
// the same id. What is refused for good is dropped: it would keep all later events from
// getting out.
func (w *work) sendOutbox(ctx context.Context) {
	events := w.Head.Outbox[w.sent:]
	if len(events) == 0 || w.deaf {
		return
	}
	err := w.Bus.Send(ctx, lifecycleMessages(events)...)
	if err != nil && rotation.ClassOf(err) == rotation.Permanent {
		w.Log.ErrorContext(ctx, "lifecycle events were refused and are lost", "app", w.App.AppID, "count", len(events), "error", err)
	} else if err != nil {
		w.Log.WarnContext(ctx, "lifecycle events wait in the outbox", "app", w.App.AppID, "count", len(events), "error", err)
		w.deaf = true
		return
	}
	w.sent = len(w.Head.Outbox)
}

// forget takes what was sent out of the outbox. The row follows with the next save,
// which costs nothing where there is one anyway.
func (w *work) forget() { w.Head.Outbox, w.sent = w.Head.Outbox[w.sent:], 0 }

// flush empties the outbox at the end of an invocation.
func (w *work) flush(ctx context.Context) error {
	w.sendOutbox(ctx)
	if w.sent == 0 {
		return nil
	}
	if err := w.save(ctx, w.batch()); !errors.Is(err, ErrConflict) {
		return err
	}
	return nil // whoever was faster sends them again
}

func lifecycleMessages(events []rotation.Event) (messages []Message) {
	for _, event := range events {
		messages = append(messages, LifecycleMessage(event))
	}
	return messages
}

// tellEnd sends what a deployment that is about to end has to tell, before its row says
// so: a process that dies between the two leaves it to the next try, which comes to the
// same end. Where the bus takes nothing, the row says that it is still to be told.
func (d *delivery) tellEnd(ctx context.Context) {
	event, tells := ending(d.App, d.deployment)
	if d.deployment.Untold = false; !tells {
		return
	}
	if err := d.Bus.Send(ctx, LifecycleMessage(event)); err != nil {
		d.Log.WarnContext(ctx, "a lifecycle event is left to rotate", "app", d.App.AppID, "target", d.deployment.Target, "error", err)
		d.deployment.Untold = true
	}
}

// owes reports whether deployments ended of which nobody could tell.
func (w *work) owes() bool {
	return slices.ContainsFunc(w.Deployments, func(d rotation.Deployment) bool { return d.Untold })
}

// takeOver puts into the outbox what the bus did not take when deployments ended.
func (w *work) takeOver(ctx context.Context) error {
	b := w.batch()
	for i := range w.Deployments {
		d := &w.Deployments[i]
		if !d.Untold || len(b.changes) == mostInOutbox {
			continue
		}
		if event, tells := ending(w.App, *d); tells {
			w.tell(event)
		}
		d.Untold = false
		b.deployment(*d)
	}
	return w.save(ctx, b)
}

// ending is what a deployment that ended has to tell, if anything. It is made of the
// row alone, so that a repetition is the same event.
func ending(app rotation.Application, d rotation.Deployment) (event rotation.Event, told bool) {
	event = rotation.Event{
		ID:   fmt.Sprintf("%s.%s.%d.%s", d.Rotation, d.Target, d.Delivery, d.State),
		Time: d.UpdatedAt, AppID: app.AppID, Name: app.Name, Kind: d.Rotation.Kind, Rotation: d.Rotation.String(), Target: d.Target,
	}
	switch d.State {
	case rotation.DeploymentConfirmed:
		event.Type = rotation.EventDeployed
	case rotation.DeploymentFailed:
		event.Type, event.Reason = rotation.EventFailed, cut(d.Reason, longestReason)
	default:
		return event, false
	}
	return event, true
}
