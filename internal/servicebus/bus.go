// Package servicebus sends the system's messages through Azure Service Bus, with
// the official SDK, and reads their bodies.
//
// A message is a CloudEvent of ids only. The application property "integration"
// is a string, because a correlation filter that Resource Manager deployed
// compares strings with strings:
// https://learn.microsoft.com/azure/service-bus-messaging/topic-filters
package servicebus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/rekey-dev/rekey/internal/engine"
)

// Options are what a Bus needs besides its client.
type Options struct {
	CallTimeout time.Duration // bounds every call
}

// Bus is an engine.Bus. It may be used from any goroutine.
type Bus struct {
	client  *azservicebus.Client
	options Options

	mu      sync.Mutex
	senders map[string]*azservicebus.Sender
}

var _ engine.Bus = (*Bus)(nil)

// New returns a bus on a namespace. It connects with the first message.
func New(client *azservicebus.Client, o Options) *Bus {
	return &Bus{client: client, options: o, senders: map[string]*azservicebus.Sender{}}
}

// Send sends the messages, several to one entity together.
func (b *Bus) Send(ctx context.Context, messages ...engine.Message) error {
	ctx, cancel := context.WithTimeout(ctx, b.options.CallTimeout)
	defer cancel()
	byEntity := map[string][]*azservicebus.Message{}
	var entities []string
	for _, m := range messages {
		message, err := toMessage(m)
		if err != nil {
			return err
		}
		if byEntity[m.To] == nil {
			entities = append(entities, m.To)
		}
		byEntity[m.To] = append(byEntity[m.To], message)
	}
	for _, entity := range entities {
		if err := b.sendTo(ctx, entity, byEntity[entity]); err != nil {
			return fmt.Errorf("servicebus: send to %q: %w", entity, err)
		}
	}
	return nil
}

func toMessage(m engine.Message) (*azservicebus.Message, error) {
	body, err := encode(m)
	if err != nil {
		return nil, err
	}
	contentType := eventContentType
	message := &azservicebus.Message{Body: body, MessageID: &m.ID, ContentType: &contentType, Subject: &m.Subject}
	if m.Integration != "" {
		message.ApplicationProperties = map[string]any{"integration": m.Integration}
	}
	if !m.At.IsZero() {
		at := m.At.UTC()
		message.ScheduledEnqueueTime = &at
	}
	return message, nil
}

func (b *Bus) sendTo(ctx context.Context, entity string, messages []*azservicebus.Message) error {
	sender, err := b.sender(entity)
	if err != nil {
		return err
	}
	if len(messages) == 1 {
		err = sender.SendMessage(ctx, messages[0], nil)
	} else {
		err = sendBatches(ctx, sender, messages)
	}
	if err != nil {
		b.drop(ctx, entity, sender)
	}
	return err
}

// sendBatches fills one batch after the other.
func sendBatches(ctx context.Context, sender *azservicebus.Sender, messages []*azservicebus.Message) error {
	for len(messages) > 0 {
		batch, err := sender.NewMessageBatch(ctx, nil)
		if err != nil {
			return err
		}
		taken := 0
		for _, m := range messages {
			err = batch.AddMessage(m, nil)
			if errors.Is(err, azservicebus.ErrMessageTooLarge) && taken > 0 {
				break
			}
			if err != nil {
				return err
			}
			taken++
		}
		if err := sender.SendMessageBatch(ctx, batch, nil); err != nil {
			return err
		}
		messages = messages[taken:]
	}
	return nil
}

// sender returns the one sender of an entity.
func (b *Bus) sender(entity string) (*azservicebus.Sender, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if sender, ok := b.senders[entity]; ok {
		return sender, nil
	}
	sender, err := b.client.NewSender(entity, nil)
	if err == nil {
		b.senders[entity] = sender
	}
	return sender, err
}

// drop forgets a sender that failed, so that the next message gets a new one.
func (b *Bus) drop(ctx context.Context, entity string, sender *azservicebus.Sender) {
	b.mu.Lock()
	current := b.senders[entity] == sender
	if current {
		delete(b.senders, entity)
	}
	b.mu.Unlock()
	if current {
		_ = sender.Close(ctx)
	}
}
