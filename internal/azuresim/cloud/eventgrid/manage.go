package eventgrid

import (
	"slices"
	"time"
)

// SystemTopic is the visible form of a resource's events. Subscriptions can be made
// under it instead of at the resource.
type SystemTopic struct {
	ID     string // Resource Manager's identifier
	Source string // the resource
}

// AddSystemTopic makes a system topic. A resource has one at most.
func (s *Service) AddSystemTopic(t SystemTopic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.systemTopics = append(s.systemTopics, t)
}

// SystemTopics returns those that were made.
func (s *Service) SystemTopics() []SystemTopic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.systemTopics)
}

// Subscribed is a subscription that exists.
type Subscribed struct {
	Subscription
	Created time.Time
}

// Subscribed returns every subscription.
func (s *Service) Subscribed() (all []Subscribed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subscriptions {
		all = append(all, Subscribed{sub.Subscription, sub.created})
	}
	return all
}
