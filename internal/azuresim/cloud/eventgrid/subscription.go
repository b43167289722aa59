package eventgrid

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Subscription sends the events of one source to one webhook.
type Subscription struct {
	Name     string
	Source   string // identifier of a topic or of a resource with events, such as a vault
	Endpoint string // for a function: the host's /runtime/webhooks/eventgrid?functionName=…
	Schema   Schema // of what is delivered; EventGridSchema when left out

	// Function is the identifier of the Azure function that the endpoint stands for;
	// without one the subscription is shown as a webhook's.
	Function string
	// SystemTopic is the identifier of the one that it was made under, if not at the source.
	SystemTopic string

	EventTypes        []string // all when left out
	SubjectBeginsWith string
	SubjectEndsWith   string

	MaxEventsPerBatch   int           // 1 when left out
	MaxDeliveryAttempts int           // 30 when left out
	EventTimeToLive     time.Duration // 24 h when left out
}

type subscription struct {
	Subscription
	created      time.Time
	delivered    int
	attempts     int
	deadLettered int
}

// Subscribe creates a subscription, or replaces the one with its source and name,
// once its endpoint has answered the handshake.
func (s *Service) Subscribe(ctx context.Context, seed Subscription) error {
	seed.Schema = cmp.Or(seed.Schema, EventGridSchema)
	seed.MaxEventsPerBatch = cmp.Or(seed.MaxEventsPerBatch, 1)
	seed.MaxDeliveryAttempts = cmp.Or(seed.MaxDeliveryAttempts, 30)
	seed.EventTimeToLive = cmp.Or(seed.EventTimeToLive, 24*time.Hour)
	if err := s.checkSchema(seed); err != nil {
		return err
	}
	if err := s.validate(ctx, seed); err != nil {
		return fmt.Errorf("eventgrid: validate the endpoint of subscription %q: %w", seed.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(seed.Source, seed.Name)
	s.subscriptions = append(s.subscriptions, &subscription{Subscription: seed, created: s.clock.Now()})
	return nil
}

// Unsubscribe removes a subscription; what is under way is not tried again.
func (s *Service) Unsubscribe(source, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(source, name)
}

// UnsubscribeAll removes every subscription to a source that is no more.
func (s *Service) UnsubscribeAll(source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscriptions = slices.DeleteFunc(s.subscriptions, func(sub *subscription) bool { return strings.EqualFold(sub.Source, source) })
}

func (s *Service) remove(source, name string) {
	s.subscriptions = slices.DeleteFunc(s.subscriptions, func(sub *subscription) bool {
		return strings.EqualFold(sub.Source, source) && strings.EqualFold(sub.Name, name)
	})
}

func (s *Service) checkSchema(seed Subscription) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.topics {
		if strings.EqualFold(t.ID, seed.Source) && t.Schema == CloudEventSchemaV1_0 && seed.Schema != CloudEventSchemaV1_0 {
			return fmt.Errorf("eventgrid: create subscription %q: topic %q has CloudEvents, which cannot be delivered as %s", seed.Name, t.Name, seed.Schema)
		}
	}
	return nil
}

// takes filters without case, as subscriptions do unless told otherwise.
func (sub *subscription) takes(source string, e event) bool {
	subject := strings.ToLower(e.subject)
	return strings.EqualFold(sub.Source, source) &&
		!sub.created.After(e.since) &&
		(len(sub.EventTypes) == 0 || slices.ContainsFunc(sub.EventTypes, func(kind string) bool { return strings.EqualFold(kind, e.kind) })) &&
		strings.HasPrefix(subject, strings.ToLower(sub.SubjectBeginsWith)) &&
		strings.HasSuffix(subject, strings.ToLower(sub.SubjectEndsWith))
}

// Raise delivers what a resource has to tell to whoever has subscribed to it.
func (s *Service) Raise(raised SystemEvent) {
	e := event{
		id: uuid.NewString(), topic: raised.Source, subject: raised.Subject, kind: raised.Type, time: stamp(s.clock.Now()),
		dataVersion: "1", data: encode(raised.Data), since: raised.Since,
	}
	s.mu.Lock()
	s.raised = append(s.raised, e.in(EventGridSchema))
	s.mu.Unlock()
	s.dispatch(raised.Source, []event{e})
}
