package customhandler

import (
	"fmt"
	"time"
)

// ServiceBusMessage is a message as the serviceBusTrigger hands it over. All but
// Body is metadata: give the binding "dataType": "binary", or a JSON body can
// replace it. Times are whole seconds in UTC, zero where the host sent none.
type ServiceBusMessage struct {
	Body                  []byte
	MessageID             string
	CorrelationID         string
	Subject               string
	SessionID             string
	ContentType           string
	DeliveryCount         int // 1 at the first delivery
	SequenceNumber        int64
	EnqueuedTime          time.Time
	ExpiresAt             time.Time
	ApplicationProperties map[string]any // numbers are json.Number
}

// ServiceBus reads the call of a serviceBusTrigger.
// https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus-trigger
func (in Invocation) ServiceBus() (ServiceBusMessage, error) {
	value, err := in.trigger()
	if err != nil {
		return ServiceBusMessage{}, fmt.Errorf("customhandler: read message of function %q: %w", in.Function, err)
	}
	return ServiceBusMessage{
		Body:                  content(value),
		MessageID:             text(in.metadata("MessageId")),
		CorrelationID:         text(in.metadata("CorrelationId")),
		Subject:               text(in.metadata("Subject")),
		SessionID:             text(in.metadata("SessionId")),
		ContentType:           text(in.metadata("ContentType")),
		DeliveryCount:         int(integer(in.metadata("DeliveryCount"))),
		SequenceNumber:        integer(in.metadata("SequenceNumber")),
		EnqueuedTime:          instant(in.metadata("EnqueuedTimeUtc")),
		ExpiresAt:             instant(in.metadata("ExpiresAtUtc")),
		ApplicationProperties: properties(in.metadata("ApplicationProperties")),
	}, nil
}
