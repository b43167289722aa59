package servicebus

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/rekey-dev/rekey/internal/deadletter"
)

// Fault is what an error of the SDK means.
var Fault = fault

// CloseSender ends an entity's sender behind the bus's back, as somebody does who
// found it broken a moment earlier.
func (b *Bus) CloseSender(ctx context.Context, entity string) error {
	sender, err := b.sender(entity)
	if err != nil {
		return err
	}
	return sender.Close(ctx)
}

// HasSender reports whether an entity's sender is kept for the next message.
func (b *Bus) HasSender(entity string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.senders[entity] != nil
}

// ReplayAndDie is a Replay whose process dies once the copy is sent.
func (b *Bus) ReplayAndDie(ctx context.Context, e deadletter.Entity, number int64) error {
	ctx, die := context.WithCancel(ctx)
	defer die()
	_, err := b.take(ctx, e, number, func(ctx context.Context, m *azservicebus.ReceivedMessage) error {
		defer die()
		return b.send(ctx, &parcel{entity: e.Name, messages: []*azservicebus.Message{copyFor(e, m)}})
	})
	return err
}
