package eventgrid

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// State is what was published and raised, and what became of it.
type State struct {
	Topics        []TopicState        `json:"topics"`
	SystemEvents  []json.RawMessage   `json:"systemEvents"` // in the Event Grid schema
	Subscriptions []SubscriptionState `json:"subscriptions"`
}

// TopicState is one custom topic.
type TopicState struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Received []json.RawMessage `json:"received"`
}

// SubscriptionState is one subscription; deliveries are counted by event, attempts
// by request. The endpoint is left out, since its address may hold a key.
type SubscriptionState struct {
	Name         string    `json:"name"`
	Source       string    `json:"source"`
	Created      time.Time `json:"created"`
	Attempts     int       `json:"attempts"`
	Delivered    int       `json:"delivered"`
	DeadLettered int       `json:"deadLettered"`
}

// State returns everything since the start.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{Topics: []TopicState{}, SystemEvents: append([]json.RawMessage{}, s.raised...), Subscriptions: []SubscriptionState{}}
	for _, t := range s.topics {
		state.Topics = append(state.Topics, TopicState{ID: t.ID, Name: t.Name, Received: append([]json.RawMessage{}, t.received...)})
	}
	slices.SortFunc(state.Topics, func(a, b TopicState) int { return strings.Compare(a.ID, b.ID) })
	for _, sub := range s.subscriptions {
		state.Subscriptions = append(state.Subscriptions, SubscriptionState{
			Name: sub.Name, Source: sub.Source, Created: sub.created,
			Attempts: sub.attempts, Delivered: sub.delivered, DeadLettered: sub.deadLettered,
		})
	}
	return state
}
