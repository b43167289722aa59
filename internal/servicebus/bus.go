// Package servicebus sends the system's messages through Azure Service Bus, with
// the official SDK, and reads their bodies.
//
// A message is a CloudEvent 1.0 in structured JSON. The application property
// "integration" is a string, because a correlation filter that Resource Manager
// deployed compares strings with strings.
//
// It promises that
//
//   - every entity has one sender, made with its first message and shared; one
//     that is broken is replaced by the next message;
//   - several messages to one entity go in as few batches as their size allows;
//   - no Send takes longer than Options.CallTimeout, the SDK's retries included;
//   - errors are rotation.Faults.
//
// A Send that failed may have sent some of its messages, and one that succeeded
// may have sent some of them twice.
//
// Scheduled messages share a batch with those of the same time only: the SDK puts
// the first message's properties on the whole batch, and nothing says what the
// service does with them.
//
// Facts come from
//   - https://learn.microsoft.com/azure/service-bus-messaging/service-bus-messages-payloads
//   - https://learn.microsoft.com/azure/service-bus-messaging/message-sequencing#scheduled-messages
//   - https://learn.microsoft.com/azure/service-bus-messaging/topic-filters
//   - https://learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-exceptions
package servicebus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/rekey-dev/rekey/internal/engine"
)

// Options are what a Bus needs besides its client.
type Options struct {
	// CallTimeout bounds every Send. Zero is 30 seconds.
	CallTimeout time.Duration
}

const defaultCallTimeout = 30 * time.Second

// Bus is an engine.Bus. It may be used from any goroutine.
type Bus struct {
	client  *azservicebus.Client
	timeout time.Duration

	mu      sync.Mutex
	senders map[string]*azservicebus.Sender
}

var _ engine.Bus = (*Bus)(nil)

// New returns a bus on a namespace. It connects with the first message.
func New(client *azservicebus.Client, o Options) *Bus {
	if o.CallTimeout <= 0 {
		o.CallTimeout = defaultCallTimeout
	}
	return &Bus{client: client, timeout: o.CallTimeout, senders: map[string]*azservicebus.Sender{}}
}

// Send sends the messages. Those that go to one entity keep their order, except
// that scheduled ones come in their time.
func (b *Bus) Send(ctx context.Context, messages ...engine.Message) error {
	parcels, err := pack(messages)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	for _, p := range parcels {
		if err := b.send(ctx, p); err != nil {
			return fault(fmt.Sprintf("send to %q", p.entity), err)
		}
	}
	return nil
}

// send repeats what met a sender that somebody else had found broken and closed.
func (b *Bus) send(ctx context.Context, p *parcel) error {
	err := b.try(ctx, p)
	if isClosed(err) {
		err = b.try(ctx, p)
	}
	return err
}

func (b *Bus) try(ctx context.Context, p *parcel) error {
	sender, err := b.sender(p.entity)
	if err != nil {
		return err
	}
	err = p.send(ctx, sender)
	if isBroken(err) {
		b.drop(ctx, p.entity, sender)
	}
	return err
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

// closeTimeout bounds the farewell to a broken sender, whose own context may
// have run out.
const closeTimeout = time.Second

// drop forgets a broken sender, so that the next message gets a new one.
func (b *Bus) drop(ctx context.Context, entity string, sender *azservicebus.Sender) {
	b.mu.Lock()
	current := b.senders[entity] == sender
	if current {
		delete(b.senders, entity)
	}
	b.mu.Unlock()
	if !current {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = sender.Close(ctx) // whether or not the broken link can be ended, it is not used again
}
