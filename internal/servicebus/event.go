package servicebus

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Event is a CloudEvent in structured JSON.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
type Event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject,omitempty"`
	Time            time.Time       `json:"time,omitzero"`
	DataContentType string          `json:"datacontenttype,omitempty"`
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
		return nil, rotation.Permanently("servicebus: message %q to %q: %w", m.Type, m.To, err)
	}
	return json.Marshal(Event{
		SpecVersion: specVersion, ID: m.ID, Source: source, Type: m.Type, Subject: m.Subject,
		Time: m.Time.UTC(), DataContentType: dataContentType, Data: data,
	})
}

// Decode reads a message's body. What is not a CloudEvent with data in JSON is an
// error that names everything that is missing or wrong. Attributes that are not
// known here are extensions, which anybody may add.
func Decode(body []byte) (Event, error) {
	attributes := map[string]json.RawMessage{} // the names are in lower case, and a struct would take any
	if err := json.Unmarshal(body, &attributes); err != nil {
		return Event{}, fmt.Errorf("servicebus: not a CloudEvent in JSON: %w", err)
	}
	var e Event
	errs := []error{
		read(attributes, "specversion", &e.SpecVersion),
		read(attributes, "id", &e.ID),
		read(attributes, "source", &e.Source),
		read(attributes, "type", &e.Type),
		read(attributes, "subject", &e.Subject),
		read(attributes, "time", &e.Time),
		read(attributes, "datacontenttype", &e.DataContentType),
		read(attributes, "data", &e.Data),
	}
	if err := errors.Join(append(errs, e.check()...)...); err != nil {
		return Event{}, fmt.Errorf("servicebus: not a CloudEvent with data: %w", err)
	}
	return e, nil
}

// read fills one attribute. One that is null is as good as missing.
func read(attributes map[string]json.RawMessage, name string, into any) error {
	text, given := attributes[name]
	if !given || string(text) == "null" {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// check names what the specification requires, and a receiver of data besides.
func (e Event) check() (errs []error) {
	if e.SpecVersion != specVersion {
		errs = append(errs, fmt.Errorf("specversion: must be %q, not %q", specVersion, e.SpecVersion))
	}
	for _, required := range []struct{ name, value string }{
		{"id", e.ID}, {"source", e.Source}, {"type", e.Type}, {"data", string(e.Data)},
	} {
		if required.value == "" {
			errs = append(errs, fmt.Errorf("%s: is missing", required.name))
		}
	}
	mediaType, _, err := mime.ParseMediaType(e.DataContentType)
	if e.DataContentType != "" && (err != nil || mediaType != dataContentType) {
		errs = append(errs, fmt.Errorf("datacontenttype: must be %s, not %q", dataContentType, e.DataContentType))
	}
	return errs
}
