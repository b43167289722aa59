package atom

import (
	"errors"
	"net/http"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

type subscriptionList struct {
	readOnly
	topic *broker.Topic
}

type subscription struct {
	h     *Handler
	topic *broker.Topic
	name  string
}

func (l subscriptionList) get(r *http.Request) answer {
	var entries []*entry
	for _, s := range l.topic.Subscriptions() {
		entries = append(entries, subscriptionEntry(s))
	}
	return page(r, "Subscriptions", entries)
}

func subscriptionEntry(s *broker.Subscription) *entry {
	d := s.Queue().Describe()
	return newEntry(s.Queue().Path(), s.Name(), d.Created, d.Updated, describeSubscription(s.Queue()))
}

func (s subscription) missing() answer {
	return refused(notFound(broker.SubscriptionPath(s.topic.Path(), s.name)))
}

func (s subscription) get(*http.Request) answer {
	found := s.topic.Subscription(s.name)
	if found == nil {
		return s.missing()
	}
	return answer{status: http.StatusOK, entry: subscriptionEntry(found)}
}

func (s subscription) delete() answer {
	found := s.topic.Subscription(s.name)
	if found == nil {
		return s.missing()
	}
	s.h.namespace.DeleteSubscription(s.topic, found)
	return answer{status: http.StatusOK}
}

func (s subscription) put(body content, update bool) answer {
	if body.Subscription == nil {
		return refused(badRequest(errors.New("a subscription is expected here")))
	}
	p, err := body.Subscription.properties()
	first, ruleErr := firstRule(body.Subscription.DefaultRuleDescription)
	if err := errors.Join(broker.CheckSubscriptionName(s.name), err, ruleErr); err != nil {
		return refused(badRequest(err))
	}
	if update {
		found := s.topic.Subscription(s.name)
		if found == nil {
			return s.missing()
		}
		return updated(found.Queue().Update(p), func() *entry { return subscriptionEntry(found) })
	}
	made, created := s.h.namespace.CreateSubscription(s.topic, s.name, p, first)
	if !created {
		return refused(conflict())
	}
	return answer{status: http.StatusCreated, entry: subscriptionEntry(made)}
}

// firstRule is the rule that a new subscription gets: the one asked for, or the
// one that lets everything in.
func firstRule(asked *ruleInput) (broker.Rule, error) {
	if asked == nil {
		return broker.Rule{Name: broker.DefaultRule, Filter: broker.TrueFilter{}}, nil
	}
	filter, err := asked.filter()
	name := asked.Name
	if name == "" {
		name = broker.DefaultRule
	}
	return broker.Rule{Name: name, Filter: filter}, err
}
