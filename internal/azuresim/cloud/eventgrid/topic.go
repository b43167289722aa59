package eventgrid

import (
	"cmp"
	"encoding/json"
	"strings"
)

// Schema is the form of an event on the wire.
type Schema string

// The two schemas, by the names that topics and subscriptions use.
const (
	EventGridSchema      Schema = "EventGridSchema"
	CloudEventSchemaV1_0 Schema = "CloudEventSchemaV1_0"
)

// Topic is a custom topic.
type Topic struct {
	ID     string // Resource Manager's identifier: scope of roles, source of subscriptions
	Name   string
	Region string // westeurope when left out
	Schema Schema // of what is published; EventGridSchema when left out
	Key    string // none: only tokens are accepted
}

type topic struct {
	Topic
	received []json.RawMessage
}

// AddTopic adds a topic and returns the endpoint to publish to.
func (s *Service) AddTopic(seed Topic) string {
	seed.Region = cmp.Or(seed.Region, "westeurope")
	seed.Schema = cmp.Or(seed.Schema, EventGridSchema)
	host := strings.ToLower(seed.Name + "." + seed.Region + "-1.eventgrid.azure.net")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics[host] = &topic{Topic: seed}
	return "https://" + host + "/api/events"
}

func (s *Service) topicAt(host string) *topic {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.topics[name]
}

// Received returns what was published to the topic with that identifier, in the
// schema in which it came and in the order in which it was accepted.
func (s *Service) Received(topicID string) []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.topics {
		if strings.EqualFold(t.ID, topicID) {
			return append([]json.RawMessage(nil), t.received...)
		}
	}
	return nil
}
