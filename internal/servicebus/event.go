package servicebus

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
)

// Event is a CloudEvent in structured JSON:
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
type Event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject,omitempty"`
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
}

const (
	specVersion      = "1.0"
	source           = "rekey"
	eventContentType = "application/cloudevents+json; charset=utf-8"
	dataContentType  = "application/json"
)

// encode writes a message's body.
func encode(m engine.Message) ([]byte, error) {
	data, err := json.Marshal(m.Data)
	if err != nil {
		return nil, fmt.Errorf("servicebus: message to %q: %w", m.To, err)
	}
	return json.Marshal(Event{
		SpecVersion: specVersion, ID: m.ID, Source: source, Type: m.Type, Subject: m.Subject,
		Time: m.Time.UTC(), DataContentType: dataContentType, Data: data,
	})
}

// Decode reads a message's body. What is not a CloudEvent with data is an error
// that says what is missing.
func Decode(body []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return e, fmt.Errorf("not a CloudEvent in JSON: %w", err)
	}
	var missing []error
	for attribute, given := range map[string]bool{
		"specversion (1.0)": e.SpecVersion == specVersion,
		"id":                e.ID != "",
		"type":              e.Type != "",
		"data":              len(e.Data) > 0,
	} {
		if !given {
			missing = append(missing, errors.New(attribute))
		}
	}
	if len(missing) > 0 {
		return e, fmt.Errorf("not a CloudEvent: missing or wrong: %w", errors.Join(missing...))
	}
	return e, nil
}
