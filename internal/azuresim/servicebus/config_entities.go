package servicebus

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/iso8601"
)

// checker gathers mistakes, each with the entity it is in.
type checker struct{ errs []error }

func (c *checker) add(where string, err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			c.add(where, one)
		}
		return
	}
	c.errs = append(c.errs, fmt.Errorf("%s: %w", where, err))
}

func (c *checker) duration(where, name, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := iso8601.Parse(text)
	if err == nil && d == 0 {
		err = fmt.Errorf("%s must be longer than zero", name)
	} else if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	c.add(where, err)
	return d
}

func (c *checker) noForwarding(where, name, target string) {
	if target != "" {
		c.add(where, fmt.Errorf("%s %q: the simulated Service Bus does not forward", name, target))
	}
}

// unique reports names that are taken or that the service would not accept.
func (c *checker) unique(where, name string, taken map[string]bool, check func(string) error) {
	c.add(where, check(name))
	if taken[strings.ToLower(name)] {
		c.add(where, errors.New("the name is already taken"))
	}
	taken[strings.ToLower(name)] = true
}

// validate checks everything that create makes.
func (cfg Config) validate() []error {
	namespaces := cfg.UserConfig.Namespaces
	if len(namespaces) != 1 {
		return []error{fmt.Errorf("UserConfig.Namespaces: there are %d, there has to be 1", len(namespaces))}
	}
	c := &checker{}
	c.namespace(namespaces[0], nil)
	return c.errs
}

// create makes the entities; a configuration without any is an empty namespace.
func (cfg Config) create(n *broker.Namespace) error {
	c := &checker{}
	for _, ns := range cfg.UserConfig.Namespaces {
		c.namespace(ns, n)
	}
	return errors.Join(c.errs...)
}

// namespace checks a namespace and, if into is not nil, creates it there.
func (c *checker) namespace(ns namespaceConfig, into *broker.Namespace) {
	names := map[string]bool{}
	for _, q := range ns.Queues {
		where := fmt.Sprintf("queue %q", q.Name)
		c.unique(where, q.Name, names, broker.CheckEntityName)
		p := c.queue(where, q.Properties)
		if into != nil {
			into.CreateQueue(q.Name, p)
		}
	}
	for _, t := range ns.Topics {
		where := fmt.Sprintf("topic %q", t.Name)
		c.unique(where, t.Name, names, broker.CheckEntityName)
		p := c.topic(where, t.Properties)
		var created *broker.Topic
		if into != nil {
			created, _ = into.CreateTopic(t.Name, p)
		}
		c.subscriptions(t, created, into)
	}
}

func (c *checker) queue(where string, p queueProperties) broker.QueueProperties {
	c.noForwarding(where, "ForwardTo", p.ForwardTo)
	c.noForwarding(where, "ForwardDeadLetteredMessagesTo", p.ForwardDeadLetteredMessagesTo)
	q := broker.QueueProperties{
		LockDuration:               c.duration(where, "LockDuration", p.LockDuration),
		DefaultTimeToLive:          c.duration(where, "DefaultMessageTimeToLive", p.DefaultMessageTimeToLive),
		DuplicateWindow:            c.duration(where, "DuplicateDetectionHistoryTimeWindow", p.DuplicateDetectionHistoryTimeWindow),
		MaxDeliveryCount:           p.MaxDeliveryCount,
		RequiresSession:            p.RequiresSession,
		RequiresDuplicateDetection: p.RequiresDuplicateDetection,
		DeadLetterOnExpiration:     p.DeadLetteringOnMessageExpiration,
	}
	c.add(where, q.Validate())
	return q
}

func (c *checker) topic(where string, p topicProperties) broker.TopicProperties {
	t := broker.TopicProperties{
		DefaultTimeToLive:          c.duration(where, "DefaultMessageTimeToLive", p.DefaultMessageTimeToLive),
		DuplicateWindow:            c.duration(where, "DuplicateDetectionHistoryTimeWindow", p.DuplicateDetectionHistoryTimeWindow),
		RequiresDuplicateDetection: p.RequiresDuplicateDetection,
	}
	c.add(where, t.Validate())
	return t
}

func (c *checker) subscriptions(t topicConfig, topic *broker.Topic, into *broker.Namespace) {
	names := map[string]bool{}
	for _, s := range t.Subscriptions {
		where := fmt.Sprintf("subscription %q of topic %q", s.Name, t.Name)
		c.unique(where, s.Name, names, broker.CheckSubscriptionName)
		p := s.Properties
		q := c.queue(where, queueProperties{
			DeadLetteringOnMessageExpiration: p.DeadLetteringOnMessageExpiration, DefaultMessageTimeToLive: p.DefaultMessageTimeToLive,
			ForwardDeadLetteredMessagesTo: p.ForwardDeadLetteredMessagesTo, ForwardTo: p.ForwardTo,
			LockDuration: p.LockDuration, MaxDeliveryCount: p.MaxDeliveryCount, RequiresSession: p.RequiresSession,
		})
		rules := c.rules(where, s.Rules)
		if topic == nil || len(rules) == 0 {
			continue
		}
		created, _ := into.CreateSubscription(topic, s.Name, q, rules[0])
		for _, r := range rules[1:] {
			topic.PutRule(created, r.Name, r.Filter)
		}
	}
}

// rules returns what a subscription starts with: its rules, or the one that lets
// everything in.
func (c *checker) rules(where string, configured []ruleConfig) []broker.Rule {
	if len(configured) == 0 {
		return []broker.Rule{{Name: broker.DefaultRule, Filter: broker.TrueFilter{}}}
	}
	names := map[string]bool{}
	var rules []broker.Rule
	for _, r := range configured {
		in := fmt.Sprintf("rule %q of %s", r.Name, where)
		c.unique(in, r.Name, names, broker.CheckRuleName)
		filter, err := r.Properties.filter()
		c.add(in, err)
		rules = append(rules, broker.Rule{Name: r.Name, Filter: filter})
	}
	return rules
}

func (p ruleProperties) filter() (broker.Filter, error) {
	if p.Action != nil {
		return nil, errors.New("Action: the simulated Service Bus has no rule actions")
	}
	switch p.FilterType {
	case "Correlation":
		return p.CorrelationFilter.filter()
	case "Sql":
		if p.SqlFilter == nil {
			return nil, errors.New("SqlFilter is missing")
		}
		return broker.SQLFilter(p.SqlFilter.SqlExpression)
	}
	return nil, fmt.Errorf("FilterType %q is not Correlation or Sql", p.FilterType)
}

func (f *correlationConfig) filter() (broker.Filter, error) {
	if f == nil {
		return nil, errors.New("CorrelationFilter is missing")
	}
	filter := &broker.CorrelationFilter{
		ContentType: f.ContentType, CorrelationID: f.CorrelationId, Label: f.Label, MessageID: f.MessageId,
		ReplyTo: f.ReplyTo, ReplyToSessionID: f.ReplyToSessionId, SessionID: f.SessionId, To: f.To,
		Properties: map[string]any{},
	}
	for name, value := range f.Properties {
		filter.Properties[name] = value
	}
	if filter.Empty() {
		return nil, errors.New("CorrelationFilter sets no condition")
	}
	return filter, nil
}
