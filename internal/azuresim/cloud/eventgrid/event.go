package eventgrid

import (
	"encoding/json"
	"time"
)

// SystemEvent is what a resource of Azure has to tell.
type SystemEvent struct {
	Source  string // the resource's identifier: the event's topic or source
	Type    string
	Subject string
	Since   time.Time // only subscriptions at least this old get it
	Data    any
}

// event is a checked event. One that came as a CloudEvent is kept as it came, with
// whatever extensions it has.
type event struct {
	id          string
	topic       string // identifier of the topic or the resource
	subject     string
	kind        string
	time        string
	dataVersion string
	data        json.RawMessage
	cloudEvent  json.RawMessage // nil unless it came as one
	since       time.Time
}

type eventGridJSON struct {
	ID              string          `json:"id"`
	Topic           string          `json:"topic"`
	Subject         string          `json:"subject"`
	EventType       string          `json:"eventType"`
	EventTime       string          `json:"eventTime"`
	Data            json.RawMessage `json:"data"`
	DataVersion     string          `json:"dataVersion"`
	MetadataVersion string          `json:"metadataVersion"`
}

type cloudEventJSON struct {
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Subject     string          `json:"subject"`
	Type        string          `json:"type"`
	Time        string          `json:"time"`
	Data        json.RawMessage `json:"data"`
	SpecVersion string          `json:"specversion"`
}

// in returns the event in the schema. A CloudEvent has no other.
func (e event) in(schema Schema) json.RawMessage {
	switch {
	case e.cloudEvent != nil:
		return e.cloudEvent
	case schema == CloudEventSchemaV1_0:
		return encode(cloudEventJSON{
			ID: e.id, Source: e.topic, Subject: e.subject, Type: e.kind, Time: e.time, Data: e.data, SpecVersion: "1.0",
		})
	}
	return encode(eventGridJSON{
		ID: e.id, Topic: e.topic, Subject: e.subject, EventType: e.kind, EventTime: e.time,
		Data: e.data, DataVersion: e.dataVersion, MetadataVersion: "1",
	})
}

func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // events are made of structs and of JSON that was read
	}
	return data
}

// stamp is the service's form of a time: seven digits of a second.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }
