package servicebus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/rekey-dev/rekey/internal/deadletter"
)

// Service Bus gives out what is in a dead-letter queue from its beginning, and by number
// only what was deferred: https://learn.microsoft.com/azure/service-bus-messaging/message-deferral
// So to take one letter, those before it are received too, and given back at once. That
// raises their delivery counts, which mean nothing there: nothing is given up twice. A
// letter too far behind is refused, rather than locking hundreds for one.

const (
	// mostBefore is how many letters may come before the one that is taken. They are in
	// memory meanwhile, each of up to 256 KiB.
	mostBefore = 99
	// takeTimeout is how long the bus has to give out a letter that is there: one that
	// it does not is locked by somebody else.
	takeTimeout = 3 * time.Second
	// integrationProperty is what subscriptions filter on.
	integrationProperty = "integration"
)

// Peek returns letters of an entity from a sequence number on, without taking them.
// There may be fewer than there are; none says that there are no more.
func (b *Bus) Peek(ctx context.Context, e deadletter.Entity, from int64, most int) (letters []deadletter.Letter, err error) {
	err = b.withDeadLetters(ctx, e, func(ctx context.Context, r *azservicebus.Receiver) error {
		messages, err := r.PeekMessages(ctx, most, &azservicebus.PeekMessagesOptions{FromSequenceNumber: &from})
		for _, m := range messages {
			letters = append(letters, letterOf(e, m))
		}
		return err
	})
	return letters, err
}

// Replay sends a copy of a letter to where the message was taken from, and then removes
// the letter. A crash in between leaves both, and so does an error: messages only wake,
// so one that comes twice changes nothing.
func (b *Bus) Replay(ctx context.Context, e deadletter.Entity, number int64) (deadletter.Letter, error) {
	return b.take(ctx, e, number, func(ctx context.Context, m *azservicebus.ReceivedMessage) error {
		return b.send(ctx, &parcel{entity: e.Name, messages: []*azservicebus.Message{copyFor(e, m)}})
	})
}

// Discard removes a letter.
func (b *Bus) Discard(ctx context.Context, e deadletter.Entity, number int64) (deadletter.Letter, error) {
	return b.take(ctx, e, number, func(context.Context, *azservicebus.ReceivedMessage) error { return nil })
}

// copyFor is the message once more, for one entity. A topic gives it to no other
// subscription than this, whatever it was sent to first.
func copyFor(e deadletter.Entity, m *azservicebus.ReceivedMessage) *azservicebus.Message {
	properties := maps.Clone(m.ApplicationProperties)
	delete(properties, "DeadLetterReason")
	delete(properties, "DeadLetterErrorDescription")
	if e.Subscription != "" {
		if properties == nil {
			properties = map[string]any{}
		}
		properties[integrationProperty] = e.Subscription
	}
	return &azservicebus.Message{
		Body: m.Body, MessageID: &m.MessageID, Subject: m.Subject, ContentType: m.ContentType, CorrelationID: m.CorrelationID,
		ApplicationProperties: properties,
	}
}

// take receives one letter, does something with it and removes it.
func (b *Bus) take(ctx context.Context, e deadletter.Entity, number int64, do func(context.Context, *azservicebus.ReceivedMessage) error) (letter deadletter.Letter, err error) {
	err = b.withDeadLetters(ctx, e, func(ctx context.Context, r *azservicebus.Receiver) error {
		before, err := countBefore(ctx, r, number)
		if err != nil {
			return err
		}
		found, others, err := receiveUpTo(ctx, r, number, before)
		defer giveBack(ctx, r, others)
		if err != nil {
			return err
		}
		letter = letterOf(e, found)
		if err := do(ctx, found); err != nil {
			return errors.Join(err, r.AbandonMessage(ctx, found, nil))
		}
		return r.CompleteMessage(ctx, found, nil)
	})
	return letter, err
}

// countBefore counts the letters that come before one, and finds out whether it is there.
func countBefore(ctx context.Context, r *azservicebus.Receiver, number int64) (before int, err error) {
	for from := int64(0); before <= mostBefore; {
		messages, err := r.PeekMessages(ctx, mostBefore+1, &azservicebus.PeekMessagesOptions{FromSequenceNumber: &from})
		if err != nil {
			return 0, err
		}
		for _, m := range messages {
			switch at := numberOf(m); {
			case at == number && before <= mostBefore:
				return before, nil
			case at > number:
				return 0, deadletter.ErrUnknown
			}
			before++
			from = numberOf(m) + 1
		}
		if len(messages) == 0 {
			return 0, deadletter.ErrUnknown
		}
	}
	return 0, deadletter.ErrBehind
}

// receiveUpTo receives from the beginning until one letter is there. The others are the
// caller's to give back.
func receiveUpTo(ctx context.Context, r *azservicebus.Receiver, number int64, before int) (found *azservicebus.ReceivedMessage, others []*azservicebus.ReceivedMessage, err error) {
	for len(others) <= mostBefore {
		messages, err := receive(ctx, r, max(1, before+1-len(others)))
		if err != nil {
			return nil, others, err
		}
		for _, m := range messages {
			if numberOf(m) == number {
				found = m
			} else {
				others = append(others, m)
			}
		}
		if found != nil {
			return found, others, nil
		}
	}
	return nil, others, deadletter.ErrTaken
}

func receive(ctx context.Context, r *azservicebus.Receiver, most int) ([]*azservicebus.ReceivedMessage, error) {
	wait, cancel := context.WithTimeout(ctx, takeTimeout)
	defer cancel()
	messages, err := r.ReceiveMessages(wait, most, nil)
	if err != nil && ctx.Err() == nil && wait.Err() != nil {
		return nil, deadletter.ErrTaken
	}
	return messages, err
}

// giveBack unlocks letters. Those that cannot be unlock by themselves within a minute.
func giveBack(ctx context.Context, r *azservicebus.Receiver, letters []*azservicebus.ReceivedMessage) {
	for _, m := range letters {
		if r.AbandonMessage(ctx, m, nil) != nil {
			return
		}
	}
}

// withDeadLetters opens an entity's dead-letter queue for one use.
func (b *Bus) withDeadLetters(ctx context.Context, e deadletter.Entity, use func(context.Context, *azservicebus.Receiver) error) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	r, err := b.deadLetters(e)
	if err == nil {
		err = use(ctx, r)
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = r.Close(closing) // it is not used again
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, deadletter.ErrUnknown), errors.Is(err, deadletter.ErrTaken), errors.Is(err, deadletter.ErrBehind):
		return fmt.Errorf("dead letters of %q: %w", e, err)
	}
	return fault(fmt.Sprintf("dead letters of %q", e), err)
}

func (b *Bus) deadLetters(e deadletter.Entity) (*azservicebus.Receiver, error) {
	options := &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter}
	if e.Subscription == "" {
		return b.client.NewReceiverForQueue(e.Name, options)
	}
	return b.client.NewReceiverForSubscription(e.Name, e.Subscription, options)
}

func letterOf(e deadletter.Entity, m *azservicebus.ReceivedMessage) deadletter.Letter {
	return deadletter.Letter{
		Entity: e, SequenceNumber: numberOf(m), MessageID: m.MessageID, EnqueuedAt: valueOf(m.EnqueuedTime),
		Reason: valueOf(m.DeadLetterReason), Description: valueOf(m.DeadLetterErrorDescription),
		DeliveryCount: int(m.DeliveryCount), Body: m.Body,
	}
}

func numberOf(m *azservicebus.ReceivedMessage) int64 { return valueOf(m.SequenceNumber) }

// valueOf is what a pointer points to: the SDK has one for everything that may be missing.
func valueOf[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}
