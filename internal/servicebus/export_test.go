package servicebus

import "context"

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
