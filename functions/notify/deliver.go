package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// A Sender is one channel. Errors are Faults, and hold neither the address nor the key.
type Sender interface {
	Send(ctx context.Context, to Receiver, m Message) error
}

const (
	// sendingTakes is more than a call and what surrounds it may take. A claim is good
	// for as long; then whoever made it is taken for dead.
	callTakes    = 30 * time.Second
	sendingTakes = 2 * time.Minute

	firstWait   = 15 * time.Second
	longestWait = time.Hour
	giveUp      = 24 * time.Hour
)

// deliver tells one event by one rule, unless that was done.
func (c Config) deliver(ctx context.Context, o order) error {
	rule, _, err := c.Rules.Notification(ctx, o.Rule)
	if errors.Is(err, engine.ErrUnknownRecord) || err == nil && !rule.Active {
		return nil // it was deleted or switched off meanwhile
	}
	if err != nil {
		return err
	}
	notice, etag, err := c.Notices.Notice(ctx, o.Rule, o.Event)
	if err != nil {
		return err
	}
	now := c.Now()
	switch {
	case notice.State == engine.NoticeSent || notice.State == engine.NoticeFailed:
		return nil
	case now.Before(notice.Until):
		return c.Bus.Send(ctx, c.message(o, notice.Until))
	}
	notice = claimed(notice, o.Rule, now)
	etag, err = c.Notices.SaveNotice(ctx, o.Event, notice, etag)
	if errors.Is(err, engine.ErrConflict) {
		return c.Bus.Send(ctx, c.message(o, now.Add(sendingTakes)))
	}
	if err != nil {
		return err
	}
	return c.settle(ctx, o, concluded(notice, c.send(ctx, rule, o), c.Now()), etag)
}

func claimed(n engine.Notice, rule string, now time.Time) engine.Notice {
	if n.Since.IsZero() {
		n.Since = now
	}
	n.Rule, n.State, n.Until = rule, engine.NoticeSending, now.Add(sendingTakes)
	n.Attempts++
	return n
}

// concluded is what a try means for the notice: it is sent, it waits for another try,
// or it is given up.
func concluded(n engine.Notice, refusal error, now time.Time) engine.Notice {
	n.Until, n.Reason = time.Time{}, ""
	if refusal == nil {
		n.State = engine.NoticeSent
		return n
	}
	n.State, n.Reason = engine.NoticeFailed, refusal.Error()
	if rotation.ClassOf(refusal) == rotation.Permanent {
		return n
	}
	wait := longestWait
	if n.Attempts < 9 { // fifteen seconds, doubled as often, pass an hour
		wait = min(wait, firstWait<<(n.Attempts-1))
	}
	if wait = max(wait, rotation.AfterOf(refusal)); now.Add(wait).After(n.Since.Add(giveUp)) {
		return n
	}
	n.State, n.Until = engine.NoticeWaiting, now.Add(wait)
	return n
}

// settle records what came of a try, and has another one made where it is to be.
func (c Config) settle(ctx context.Context, o order, n engine.Notice, etag string) error {
	if n.State == engine.NoticeFailed {
		c.Log.LogChange(ctx, rotation.LogEntry{
			AppID: o.Event.AppID, Kind: o.Event.Kind, Rotation: o.Event.Rotation, Target: o.Event.Target, What: "unsent",
			Detail: fmt.Sprintf("notification %q did not tell of the event %q, given up at try %d: %s", o.Rule, o.Event.ID, n.Attempts, n.Reason),
			Actor:  Subscription, Failure: true,
		})
	}
	if _, err := c.Notices.SaveNotice(ctx, o.Event, n, etag); err != nil {
		return err
	}
	if n.State == engine.NoticeWaiting {
		return c.Bus.Send(ctx, c.message(o, n.Until))
	}
	return nil
}

// send hands the event's message to the rule's channel.
func (c Config) send(ctx context.Context, rule rotation.Notification, o order) error {
	rule.ID = o.Rule // what the row says could be another rule's, and so its secrets
	to, err := c.receiver(ctx, rule)
	if err != nil {
		return err
	}
	sender, ok := c.Senders[rule.Channel]
	if !ok {
		return rotation.Permanently("notify: there is no channel %q", rule.Channel)
	}
	call, cancel := context.WithTimeout(ctx, callTakes)
	defer cancel()
	return sender.Send(call, to, Write(o.Event, c.PublicURL))
}

// receiver reads a rule's secrets.
func (c Config) receiver(ctx context.Context, rule rotation.Notification) (to Receiver, err error) {
	to = Receiver{Rule: rule}
	if !rule.Channel.Addressed() {
		return to, nil
	}
	if to.Address, err = c.Secrets.NotificationAddress(ctx, rule.ID); err != nil {
		return to, err
	}
	if rule.Channel == rotation.Webhook {
		to.Key, err = c.Secrets.NotificationKey(ctx, rule.ID)
	}
	return to, err
}

// Test sends a message that says what it is, once, by a rule that is saved.
func (c Config) Test(ctx context.Context, rule rotation.Notification) error {
	now := c.Now()
	return c.send(ctx, rule, order{rule.ID, rotation.Event{
		ID: fmt.Sprintf("test.%s.%d", rule.ID, now.UnixNano()), Type: eventTest, Time: now,
	}})
}

// eventTest is the type of what Test sends. It is on no topic.
const eventTest rotation.EventType = "dev.rekey.test"
