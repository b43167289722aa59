// Package notify is the Azure function "notify", fed by the topic "lifecycle": it
// tells people what happened, by the rules that they configured.
//
// An event is compared with the rules, and each rule that wants it gets a message of
// its own on the same subscription, so that one channel waits for no other. It
// promises that
//
//   - an event reaches each of its rules' channels at least once within a day of tries,
//     further and further apart, or a line in the log says that it did not;
//   - it is sent once, however often the event comes: who sends it claims its row
//     first, and records what came of it afterwards. It is sent twice only where
//     nobody can know that it was sent: the process died, or the answer or the row
//     was lost, between the two. Then it carries the same id;
//   - a failure is told once for each target and cause until that goes well, and again
//     after a week in which it has not: the schedule's new tries do not repeat it;
//   - names that others chose are text in every channel, and never markup;
//   - no secret is told: events hold none. The addresses and keys of the rules are in
//     the staging vault, and in no message, row or error.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/rekey-dev/rekey/internal/customhandler"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/servicebus"
)

// Subscription is the function's own name on the topic.
const Subscription = "notify"

// Rules are what people configured.
type Rules interface {
	Notification(ctx context.Context, id string) (rotation.Notification, string, error)
	Notifications(ctx context.Context, from string, limit int) ([]rotation.Notification, string, error)
}

// Secrets are what the rules keep in the staging vault. Errors are Faults.
type Secrets interface {
	NotificationAddress(ctx context.Context, rule string) (secret.Value, error)
	NotificationKey(ctx context.Context, rule string) (secret.Value, error)
}

// Notices are what became of events.
type Notices interface {
	Notice(ctx context.Context, rule string, event rotation.Event) (engine.Notice, string, error)
	SaveNotice(ctx context.Context, event rotation.Event, notice engine.Notice, etag string) (string, error)
}

// Troubles are the failures that were last told.
type Troubles interface {
	Trouble(ctx context.Context, event rotation.Event) (engine.Trouble, error)
	SaveTrouble(ctx context.Context, event rotation.Event, trouble engine.Trouble) error
}

// Log keeps lines for people.
type Log interface {
	LogChange(ctx context.Context, entry rotation.LogEntry)
}

// Owners says who owns an application, by their object ids.
type Owners interface {
	Owners(ctx context.Context, appID string) ([]string, error)
}

// Config is what the function needs.
type Config struct {
	Rules    Rules
	Secrets  Secrets
	Notices  Notices
	Troubles Troubles
	Log      Log
	Owners   Owners // nil knows only the owners that an event names
	Bus      engine.Bus
	Senders  map[rotation.Channel]Sender
	// PublicURL is where the dashboard is, or empty: then messages have no link.
	PublicURL string
	Now       func() time.Time
	Logger    *slog.Logger
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

// order asks for one event to be told by one rule.
type order struct {
	Rule  string         `json:"rule"`
	Event rotation.Event `json:"event"`
}

// orderType is the type of an order's message.
const orderType = "dev.rekey.notify"

func (c Config) handle(ctx context.Context, body []byte) error {
	envelope, err := servicebus.Decode(body)
	if err != nil {
		return err
	}
	if envelope.Type == orderType {
		o, err := decodeOrder(envelope.Data)
		if err != nil {
			return err
		}
		return c.deliver(ctx, o)
	}
	event, err := servicebus.DecodeLifecycle(body)
	if err != nil {
		return err
	}
	return c.spread(ctx, event)
}

func decodeOrder(data []byte) (o order, err error) {
	if err := json.Unmarshal(data, &o); err != nil {
		return o, fmt.Errorf("data: %w", err)
	}
	if o.Rule == "" {
		return o, fmt.Errorf("data.rule: must name a rule")
	}
	if o.Event.ID == "" {
		return o, fmt.Errorf("data.event.id: must name what happened")
	}
	return o, nil
}

// message is the order on its way, not to arrive before a time.
func (c Config) message(o order, at time.Time) engine.Message {
	return engine.Message{
		To: engine.TopicLifecycle, Integration: Subscription, ID: o.Rule + "." + o.Event.ID, Type: orderType,
		Subject: o.Event.Subject(), Time: c.Now(), At: at, Data: o,
	}
}
