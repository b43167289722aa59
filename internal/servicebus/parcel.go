package servicebus

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/rekey-dev/rekey/internal/engine"
)

// parcel is messages that may travel in one batch: to one entity, at one time.
type parcel struct {
	entity   string
	messages []*azservicebus.Message
}

// pack sorts messages into parcels, in the order in which each begins.
func pack(messages []engine.Message) (parcels []*parcel, err error) {
	type label struct {
		entity string
		at     time.Time
	}
	labeled := map[label]*parcel{}
	for _, m := range messages {
		message, err := toMessage(m)
		if err != nil {
			return nil, err
		}
		l := label{m.To, m.At.UTC()}
		if labeled[l] == nil {
			labeled[l] = &parcel{entity: m.To}
			parcels = append(parcels, labeled[l])
		}
		labeled[l].messages = append(labeled[l].messages, message)
	}
	return parcels, nil
}

func toMessage(m engine.Message) (*azservicebus.Message, error) {
	body, err := encode(m)
	if err != nil {
		return nil, err
	}
	message := &azservicebus.Message{
		Body: body, MessageID: &m.ID, Subject: &m.Subject, ContentType: to.Ptr(eventContentType),
	}
	if m.Integration != "" {
		message.ApplicationProperties = map[string]any{"integration": m.Integration}
	}
	if !m.At.IsZero() {
		message.ScheduledEnqueueTime = to.Ptr(m.At.UTC())
	}
	return message, nil
}

func (p *parcel) send(ctx context.Context, sender *azservicebus.Sender) error {
	if len(p.messages) == 1 {
		return sender.SendMessage(ctx, p.messages[0], nil)
	}
	for rest := p.messages; len(rest) > 0; {
		sent, err := sendBatch(ctx, sender, rest)
		if err != nil {
			return err
		}
		rest = rest[sent:]
	}
	return nil
}

// sendBatch sends as many of the messages as one batch holds.
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
func sendBatch(ctx context.Context, sender *azservicebus.Sender, messages []*azservicebus.Message) (sent int, err error) {
	batch, err := sender.NewMessageBatch(ctx, nil)
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		err = batch.AddMessage(m, nil)
		if errors.Is(err, azservicebus.ErrMessageTooLarge) && sent > 0 {
			break
		}
		if err != nil {
			return 0, err
		}
		sent++
	}
	return sent, sender.SendMessageBatch(ctx, batch, nil)
}
