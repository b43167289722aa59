package memory

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Bus is an engine.Bus in memory. The zero value is empty and ready. It keeps a
// message as it was sent; whoever receives it finds the very Data in it.
type Bus struct {
	mu       sync.Mutex
	messages []engine.Message
}

var _ engine.Bus = (*Bus)(nil)

// Send keeps the messages, all or none.
func (b *Bus) Send(ctx context.Context, messages ...engine.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, m := range messages {
		if _, err := json.Marshal(m.Data); err != nil {
			return rotation.Permanently("memory: send %q to %q: %w", m.Type, m.To, err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, messages...)
	return nil
}

// Receive takes the first message that may be received now, from a queue or, by
// its integration, from a subscription.
func (b *Bus) Receive(entity, integration string, now time.Time) (engine.Message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.messages, func(m engine.Message) bool {
		return m.To == entity && m.Integration == integration && !m.At.After(now)
	})
	if i < 0 {
		return engine.Message{}, false
	}
	message := b.messages[i]
	b.messages = slices.Delete(b.messages, i, i+1)
	return message, true
}

// Next returns when the first of the waiting messages may be received.
func (b *Bus) Next() (at time.Time, waiting bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, m := range b.messages {
		if i == 0 || m.At.Before(at) {
			at = m.At
		}
	}
	return at, len(b.messages) > 0
}
