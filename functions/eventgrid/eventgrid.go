// Package eventgrid is the Azure function "eventgrid", fed by the topic
// "lifecycle": it hands every event on to an Event Grid topic, where one is
// configured, and lets it go where none is.
//
// It promises that an event reaches the topic at least once, or a line in the log
// says that it did not. What fails is put back on the bus for a while that grows
// with the event's age, and given up after a day. Whoever gets an event twice
// sees the same id.
package eventgrid

import (
	"context"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/customhandler"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/servicebus"
)

// Subscription is the function's own name on the topic: a message for it alone
// reaches nobody else.
const Subscription = "eventgrid"

// Publisher hands events on. Errors are rotation.Faults.
type Publisher interface {
	Publish(ctx context.Context, events ...rotation.Event) error
}

// Log keeps lines for people.
type Log interface {
	LogChange(ctx context.Context, entry rotation.LogEntry)
}

// Config is what the function needs.
type Config struct {
	Publisher Publisher // nil lets events go
	Bus       engine.Bus
	Log       Log
	Now       func() time.Time
}

// New returns the function.
func New(c Config) customhandler.Function {
	return customhandler.OnMessage(func(ctx context.Context, m customhandler.ServiceBusMessage) error {
		if err := c.handle(ctx, m.Body); err != nil {
			return fmt.Errorf("lifecycle: message %q: %w", m.MessageID, err)
		}
		return nil
	})
}

func (c Config) handle(ctx context.Context, body []byte) error {
	event, err := servicebus.DecodeLifecycle(body)
	if err != nil || c.Publisher == nil {
		return err
	}
	refusal := c.Publisher.Publish(ctx, event)
	age := c.Now().Sub(event.Time)
	switch {
	case refusal == nil:
		return nil
	case rotation.ClassOf(refusal) == rotation.Permanent || age > giveUp:
		c.Log.LogChange(ctx, rotation.LogEntry{
			AppID: event.AppID, Kind: event.Kind, Rotation: event.Rotation, Target: event.Target,
			What: "unpublished", Detail: fmt.Sprintf("the event %q did not reach Event Grid: %v", event.ID, refusal),
			Actor: Subscription, Failure: true,
		})
		return nil
	}
	again := engine.LifecycleMessage(event)
	again.Integration = Subscription
	again.At = c.Now().Add(max(rotation.AfterOf(refusal), min(max(age, soonest), latest)))
	return c.Bus.Send(ctx, again)
}

// An event that fails waits as long again as it is old, and is given up in the end.
const (
	soonest = 15 * time.Second
	latest  = time.Hour
	giveUp  = 24 * time.Hour
)
