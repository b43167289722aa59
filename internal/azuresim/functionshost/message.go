package functionshost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"
)

// value is the message's body as the binding passes it.
func (t *serviceBusTrigger) value(body []byte) any {
	if t.binary {
		return body // base64 in JSON
	}
	return encodeText(string(body))
}

// encode returns the trigger's value and metadata for a message.
// https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus-trigger#message-metadata
func (t *serviceBusTrigger) encode(m *azservicebus.ReceivedMessage) (any, map[string]any) {
	properties := m.ApplicationProperties
	if properties == nil {
		properties = map[string]any{}
	}
	metadata := map[string]any{
		"DeliveryCount":         encodeNumber(int64(m.DeliveryCount)),
		"LockToken":             encodeText(uuid.UUID(m.LockToken).String()),
		"MessageId":             encodeText(m.MessageID),
		"ApplicationProperties": properties,
		"UserProperties":        properties,
		"MessageReceiver":       struct{}{},
		"MessageActions":        struct{}{},
		"Client":                map[string]string{"FullyQualifiedNamespace": t.namespace()},
	}
	addPresent(metadata, m)
	if !t.binary {
		pollute(metadata, m.Body)
	}
	return t.value(m.Body), metadata
}

// addPresent adds what a message may lack.
func addPresent(metadata map[string]any, m *azservicebus.ReceivedMessage) {
	for name, value := range map[string]*string{
		"ContentType": m.ContentType, "Subject": m.Subject, "Label": m.Subject, "CorrelationId": m.CorrelationID, "To": m.To,
		"ReplyTo": m.ReplyTo, "SessionId": m.SessionID, "PartitionKey": m.PartitionKey, "DeadLetterSource": m.DeadLetterSource,
	} {
		if value != nil {
			metadata[name] = encodeText(*value)
		}
	}
	for name, value := range map[string]*time.Time{"EnqueuedTimeUtc": m.EnqueuedTime, "ExpiresAtUtc": m.ExpiresAt} {
		if value != nil {
			metadata[name] = encodeTime(*value)
		}
	}
	if m.SequenceNumber != nil {
		metadata["SequenceNumber"] = encodeNumber(*m.SequenceNumber)
	}
}

// pollute copies the members of a JSON body over the metadata, arrays excepted. The
// host's dictionary ignores case and keeps the spelling that was there first.
func pollute(metadata map[string]any, body []byte) {
	var members map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if decoder.Decode(&members) != nil {
		return
	}
	for name, value := range members {
		if _, isArray := value.([]any); isArray {
			continue
		}
		if _, isObject := value.(map[string]any); !isObject {
			value = encodeText(netString(value))
		}
		metadata[spelling(metadata, name)] = value
	}
}

// netString is a scalar's ToString in .NET.
func netString(value any) string {
	switch value {
	case nil:
		return ""
	case true:
		return "True"
	case false:
		return "False"
	}
	return fmt.Sprint(value)
}

func spelling(metadata map[string]any, name string) string {
	for existing := range metadata {
		if strings.EqualFold(existing, name) {
			return existing
		}
	}
	return name
}

// namespace is the host in the connection string's endpoint.
func (t *serviceBusTrigger) namespace() string {
	for part := range strings.SplitSeq(t.connection, ";") {
		if name, endpoint, _ := strings.Cut(part, "="); strings.EqualFold(name, "Endpoint") {
			return strings.Trim(strings.TrimPrefix(endpoint, "sb:"), "/")
		}
	}
	return ""
}
