// Package rotate is the Azure function "rotate", fed by the queue
// "rotation-requests": it moves an application's rotation on, publishes
// "rotated", and retires old credentials.
//
// A message names an application and a kind, nothing more: what is to be done
// stands in the rows. So a message may come twice, late or forged, and never does
// more than make rekey look.
package rotate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rekey-dev/rekey/internal/customhandler"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/servicebus"
)

// Advancer moves one kind of one application on.
type Advancer interface {
	Advance(ctx context.Context, invocation string, message rotation.Advance) error
	// LogChange adds a line to the log of the tenant.
	LogChange(ctx context.Context, entry rotation.LogEntry)
}

// New returns the function.
func New(a Advancer) customhandler.Function {
	return customhandler.OnMessage(func(ctx context.Context, m customhandler.ServiceBusMessage) error {
		message, err := decode(m.Body)
		if err != nil {
			err = fmt.Errorf("rotation-requests: message %q: %w", m.MessageID, err)
			if m.DeliveryCount <= 1 { // the bus brings it again, and gives it up in the end
				a.LogChange(ctx, rotation.LogEntry{What: "unreadable", Detail: err.Error(), Actor: "rotate", Failure: true})
			}
			return err
		}
		return a.Advance(ctx, customhandler.InvocationID(ctx), message)
	})
}

func decode(body []byte) (message rotation.Advance, err error) {
	event, err := servicebus.Decode(body)
	if err != nil {
		return message, err
	}
	if err := json.Unmarshal(event.Data, &message); err != nil {
		return message, fmt.Errorf("data: %w", err)
	}
	if message.AppID == "" {
		return message, fmt.Errorf("data.appId: must name an application")
	}
	if _, err := rotation.ParseKind(string(message.Kind)); err != nil {
		return message, fmt.Errorf("data.%w", err)
	}
	return message, nil
}
