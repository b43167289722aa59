package eventgrid

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"time"

	"github.com/google/uuid"
)

// refusal is an error answer of a topic.
type refusal struct {
	status  int
	code    string
	detail  string // the inner code; the outer one when empty
	message string
}

func (e *refusal) Error() string {
	return fmt.Sprintf("eventgrid: %d %s: %s", e.status, e.code, e.message)
}

func refuse(status int, code, format string, args ...any) error {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &refusal{status: http.StatusBadRequest, code: "BadRequest", detail: "InputJsonInvalid", message: fmt.Sprintf(format, args...)}
}

// body adds the reference that every error of the service ends with.
func (e *refusal) body(now time.Time) any {
	type detail struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	inner := detail{Code: e.detail, Message: fmt.Sprintf("%s Report '%s:0:%s (UTC)' to our forums for assistance or raise a support ticket.", e.message, uuid.NewString(), now.Format("1/2/2006 3:04:05 PM"))}
	if inner.Code == "" {
		inner.Code = e.code
	}
	return map[string]any{"error": map[string]any{"code": e.code, "message": inner.Message, "details": []detail{inner}}}
}

// parse reads the events of a request, all of them or none.
func parse(contentType string, body []byte, of Topic) ([]event, error) {
	kind := "application/json"
	if contentType != "" {
		var err error
		if kind, _, err = mime.ParseMediaType(contentType); err != nil {
			return nil, refuse(http.StatusUnsupportedMediaType, "UnsupportedMediaType", "The Content-Type '%s' is not valid.", contentType)
		}
	}
	switch {
	case kind != "application/json" && kind != "application/cloudevents+json" && kind != "application/cloudevents-batch+json":
		return nil, refuse(http.StatusUnsupportedMediaType, "UnsupportedMediaType", "The Content-Type '%s' is not supported.", kind)
	case kind == "application/json" && of.Schema == EventGridSchema:
		return each(body, of, parseEventGrid)
	case kind == "application/cloudevents-batch+json" && of.Schema == CloudEventSchemaV1_0:
		return each(body, of, parseCloudEvent)
	case kind == "application/cloudevents+json" && of.Schema == CloudEventSchemaV1_0:
		single, err := parseCloudEvent(body, of)
		return []event{single}, err
	}
	return nil, invalid("This resource is configured to receive event in '%s' schema. The JSON received does not conform to the expected schema.", schemaName(of.Schema))
}

// schemaName is what the service's errors call a schema.
func schemaName(s Schema) string {
	if s == CloudEventSchemaV1_0 {
		return "CloudEventV10"
	}
	return "EventGridEvent"
}

func each(body []byte, of Topic, parse func([]byte, Topic) (event, error)) ([]event, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, invalid("This resource is configured to receive event in '%s' schema. The JSON received does not conform to the expected schema: an array of events.", schemaName(of.Schema))
	}
	var events []event
	for _, one := range raw {
		e, err := parse(one, of)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// fields reads an object whose named members, those that are there, are strings.
func fields(body []byte, texts ...string) (raw map[string]json.RawMessage, text map[string]string, err error) {
	if err := json.Unmarshal(body, &raw); err != nil || raw == nil {
		return nil, nil, invalid("Unexpected token when reading JSON. Expected: StartObject.")
	}
	text = map[string]string{}
	for _, name := range texts {
		value, present := raw[name]
		var s *string
		if !present {
			continue
		}
		if err := json.Unmarshal(value, &s); err != nil {
			return nil, nil, invalid("The property '%s' is not a string.", name)
		}
		if s != nil {
			text[name] = *s
		}
	}
	return raw, text, nil
}

func require(text map[string]string, names ...string) error {
	for _, name := range names {
		if text[name] == "" {
			return invalid("Required property '%s' not found in JSON, or empty.", name)
		}
	}
	return nil
}

func checkTime(text map[string]string, name string) error {
	if at := text[name]; at != "" {
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
			return invalid("The property '%s' is not a time of RFC 3339.", name)
		}
	}
	return nil
}

// https://learn.microsoft.com/azure/event-grid/event-schema
func parseEventGrid(body []byte, of Topic) (event, error) {
	raw, text, err := fields(body, "id", "topic", "subject", "eventType", "eventTime", "dataVersion", "metadataVersion")
	if err != nil {
		return event{}, err
	}
	for name := range raw {
		if _, known := text[name]; !known && name != "data" && string(raw[name]) != "null" {
			return event{}, invalid("This resource is configured for 'EventGridEvent' schema. Received unexpected property '%s' in JSON which does not conform to the expected schema.", name)
		}
	}
	if err := require(text, "id", "subject", "eventType", "eventTime"); err != nil {
		return event{}, err
	}
	if text["topic"] != "" && text["topic"] != of.ID {
		return event{}, invalid("The property 'topic' must be empty or match the topic '%s'.", of.ID)
	}
	return event{
		id: text["id"], topic: of.ID, subject: text["subject"], kind: text["eventType"], time: text["eventTime"],
		dataVersion: text["dataVersion"], data: raw["data"],
	}, checkTime(text, "eventTime")
}

// An attribute's name has lower-case letters and digits, 20 at most.
var attributeName = regexp.MustCompile(`^[a-z0-9]{1,20}$`)

// https://learn.microsoft.com/azure/event-grid/cloud-event-schema
func parseCloudEvent(body []byte, _ Topic) (event, error) {
	raw, text, err := fields(body, "id", "source", "type", "specversion", "subject", "time", "datacontenttype", "dataschema")
	if err != nil {
		return event{}, err
	}
	if err := require(text, "id", "source", "type", "specversion"); err != nil {
		return event{}, err
	}
	if text["specversion"] != "1.0" {
		return event{}, invalid("The property 'specversion' must be '1.0'.")
	}
	for name := range raw {
		if name != "data_base64" && !attributeName.MatchString(name) {
			return event{}, invalid("The name '%s' of an attribute is not valid.", name)
		}
	}
	if raw["data"] != nil && raw["data_base64"] != nil {
		return event{}, invalid("An event has either 'data' or 'data_base64'.")
	}
	return event{
		id: text["id"], topic: text["source"], subject: text["subject"], kind: text["type"], time: text["time"],
		data: raw["data"], cloudEvent: body,
	}, checkTime(text, "time")
}
