package functionshost

import (
	"context"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

const (
	// settleTimeout bounds the call that completes, abandons or renews.
	settleTimeout = 10 * time.Second
	// reconnectDelay is how long a trigger waits after its entity was out of reach.
	reconnectDelay = time.Second
)

// runServiceBus receives for one trigger until ctx ends, and connects again after
// errors. It returns when the messages in flight are settled.
func (h *Host) runServiceBus(ctx context.Context, f function) {
	for ctx.Err() == nil {
		err := h.listenServiceBus(ctx, f)
		if ctx.Err() != nil {
			return
		}
		h.log.Error("service bus trigger lost its entity", "function", f.name, "error", err)
		select {
		case <-time.After(reconnectDelay):
		case <-ctx.Done():
		}
	}
}

func (h *Host) listenServiceBus(ctx context.Context, f function) error {
	client, err := azservicebus.NewClientFromConnectionString(f.serviceBus.connection, nil)
	if err != nil {
		return err
	}
	cleanUp := context.WithoutCancel(ctx)
	defer client.Close(cleanUp)
	receiver, err := f.serviceBus.open(client)
	if err != nil {
		return err
	}
	defer receiver.Close(cleanUp)
	return h.receive(ctx, f, receiver)
}

func (t *serviceBusTrigger) open(client *azservicebus.Client) (*azservicebus.Receiver, error) {
	if t.queue != "" {
		return client.NewReceiverForQueue(t.queue, nil)
	}
	return client.NewReceiverForSubscription(t.topic, t.subscription, nil)
}

// receive asks for as many messages as may run at once, and for more whenever some
// have ended. A short wait for the rest of a batch keeps single messages quick.
func (h *Host) receive(ctx context.Context, f function, receiver *azservicebus.Receiver) error {
	free := make(chan struct{}, h.app.maxCalls)
	for range h.app.maxCalls {
		free <- struct{}{}
	}
	var inFlight sync.WaitGroup
	defer inFlight.Wait()
	options := &azservicebus.ReceiveMessagesOptions{TimeAfterFirstMessage: time.Millisecond}
	for {
		slots, err := takeSlots(ctx, free)
		if err != nil {
			return err
		}
		messages, err := receiver.ReceiveMessages(ctx, slots, options)
		for range slots - len(messages) {
			free <- struct{}{}
		}
		for _, message := range messages {
			inFlight.Go(func() {
				h.deliver(ctx, f, receiver, message)
				free <- struct{}{}
			})
		}
		if err != nil {
			return err
		}
	}
}

// takeSlots waits for one free slot and takes all the others that are free.
func takeSlots(ctx context.Context, free chan struct{}) (slots int, err error) {
	select {
	case <-free:
		slots = 1
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for {
		select {
		case <-free:
			slots++
		default:
			return slots, nil
		}
	}
}

// deliver runs the function for one message and settles it: success completes,
// failure abandons. The lock is renewed meanwhile. A failure because the host stops
// settles nothing: an abandoned message would come back to a link that is closing.
func (h *Host) deliver(ctx context.Context, f function, receiver *azservicebus.Receiver, message *azservicebus.ReceivedMessage) {
	renewing := h.renewLock(f, receiver, message)
	value, metadata := f.serviceBus.encode(message)
	_, failed := h.invoke(f, value, metadata)
	renewing.stop()
	if failed != nil && ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	settle := func() error { return receiver.CompleteMessage(ctx, message, nil) }
	if failed != nil {
		settle = func() error { return receiver.AbandonMessage(ctx, message, nil) }
	}
	if err := settle(); err != nil {
		h.log.Error("message not settled", "function", f.name, "message", message.MessageID, "error", err)
	}
}

// renewal renews a message's lock until it is stopped.
type renewal struct {
	mu      sync.Mutex
	stopped bool
	cancel  func() bool
}

func (r *renewal) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	r.cancel()
}

// renewLock renews whenever half of the lock's time has passed, as long as
// maxAutoLockRenewalDuration allows. A lock that is lost shows when it is settled.
func (h *Host) renewLock(f function, receiver *azservicebus.Receiver, message *azservicebus.ReceivedMessage) *renewal {
	r := &renewal{cancel: func() bool { return true }}
	end := h.clock.Now().Add(h.app.maxLockRenewal)
	var plan func()
	renew := func() {
		ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
		defer cancel()
		if err := receiver.RenewMessageLock(ctx, message, nil); err != nil {
			h.log.Warn("lock not renewed", "function", f.name, "message", message.MessageID, "error", err)
			return
		}
		h.log.Debug("lock renewed", "function", f.name, "message", message.MessageID)
		plan()
	}
	plan = func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		now := h.clock.Now()
		if !r.stopped && message.LockedUntil != nil && now.Before(end) {
			r.cancel = h.clock.AfterFunc(message.LockedUntil.Sub(now)/2, renew)
		}
	}
	plan()
	return r
}
