package customhandler

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Event is one event of either schema that Event Grid delivers. Source is the
// topic's resource id in the Event Grid schema and the source of a CloudEvent. Data
// is empty where the event has none.
type Event struct {
	ID      string
	Source  string
	Subject string
	Type    string
	Time    time.Time
	Data    json.RawMessage
}

// eventWire holds the members of both schemas; specversion tells them apart.
// https://learn.microsoft.com/azure/event-grid/event-schema
// https://learn.microsoft.com/azure/event-grid/cloud-event-schema
type eventWire struct {
	ID          string          `json:"id"`
	Topic       string          `json:"topic"`
	Subject     string          `json:"subject"`
	EventType   string          `json:"eventType"`
	EventTime   string          `json:"eventTime"`
	SpecVersion string          `json:"specversion"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Time        string          `json:"time"`
	Data        json.RawMessage `json:"data"`
	DataBase64  string          `json:"data_base64"`
}

// EventGrid reads the call of an eventGridTrigger.
// https://learn.microsoft.com/azure/azure-functions/functions-bindings-event-grid-trigger
func (in Invocation) EventGrid() (Event, error) {
	value, err := in.trigger()
	if err != nil {
		return Event{}, fmt.Errorf("customhandler: read event of function %q: %w", in.Function, err)
	}
	event, err := ParseEvent(document(value))
	if err != nil {
		return Event{}, fmt.Errorf("customhandler: read event of function %q: %w", in.Function, err)
	}
	return event, nil
}

// ParseEvent decodes one event of the Event Grid schema or of CloudEvents 1.0. It
// wants an id, a type and, where it is given, a time that can be read.
func ParseEvent(document []byte) (Event, error) {
	var wire eventWire
	if err := json.Unmarshal(document, &wire); err != nil {
		return Event{}, fmt.Errorf("must be one event as a JSON object: %w", unreadable(err))
	}
	event := Event{ID: wire.ID, Source: wire.Topic, Subject: wire.Subject, Type: wire.EventType, Data: wire.Data}
	at := wire.EventTime
	if wire.SpecVersion != "" {
		event.Source, event.Type, at = wire.Source, wire.Type, wire.Time
	}
	if err := errors.Join(event.check(), event.readTime(at), event.readBase64(wire.DataBase64)); err != nil {
		return Event{}, err
	}
	return event, nil
}

func (e *Event) readTime(at string) error {
	if at == "" {
		return nil
	}
	t, err := parseTime(at)
	if err != nil {
		return fmt.Errorf("event time %q: not an ISO 8601 time", at)
	}
	e.Time = t
	return nil
}

func (e *Event) readBase64(encoded string) error {
	if isNull(e.Data) {
		e.Data = nil
	}
	if encoded == "" {
		return nil
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !json.Valid(decoded) {
		return errors.New("event data_base64: not JSON in base64")
	}
	e.Data = decoded
	return nil
}

func (e *Event) check() error {
	var missing []string
	if e.ID == "" {
		missing = append(missing, "id")
	}
	if e.Type == "" {
		missing = append(missing, "type")
	}
	if len(missing) > 0 {
		return fmt.Errorf("event without %s", strings.Join(missing, " and "))
	}
	return nil
}
