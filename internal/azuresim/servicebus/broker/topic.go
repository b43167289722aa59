package broker

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

// Topic copies what it is sent into its subscriptions.
type Topic struct {
	path  string
	clock *clock.Clock

	mu            sync.Mutex
	properties    TopicProperties
	created       time.Time
	updated       time.Time
	closed        bool
	lastSequence  int64
	duplicates    history
	subscriptions map[string]*Subscription
	scheduled     map[int64]func() bool // stops the timer of a scheduled message
}

// Subscription is a queue that a topic fills with what its rules let in.
type Subscription struct {
	name  string
	queue *Queue
	rules map[string]Rule // by name in lower case; the topic's lock guards them
}

// Rule is a named filter.
type Rule struct {
	Name    string
	Filter  Filter
	Created time.Time
}

// DefaultRule is the name of the rule that a subscription starts with.
const DefaultRule = "$Default"

func newTopic(path string, p TopicProperties, c *clock.Clock) *Topic {
	return &Topic{
		path: path, clock: c, properties: p.withDefaults(), created: c.Now(), updated: c.Now(),
		subscriptions: map[string]*Subscription{}, scheduled: map[int64]func() bool{},
	}
}

// Path returns the topic's name as it was given at creation.
func (t *Topic) Path() string { return t.path }

// Send publishes messages, all or none of them.
func (t *Topic) Send(contents []*amqp.Message) *amqp.Error {
	_, err := t.Schedule(contents)
	return err
}

// Schedule is Send for messages that become active at the time they carry. It
// returns their sequence numbers.
func (t *Topic) Schedule(contents []*amqp.Message) ([]int64, *amqp.Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.refuse(contents); err != nil {
		return nil, err
	}
	now := t.clock.Now()
	numbers := make([]int64, len(contents))
	for i, c := range contents {
		numbers[i] = t.accept(c, now)
	}
	return numbers, nil
}

func (t *Topic) refuse(contents []*amqp.Message) *amqp.Error {
	switch {
	case t.closed:
		return errGone(t.path)
	case !maySend(t.properties.Status):
		return errDisabled(t.path)
	}
	for _, c := range contents {
		if err := checkContent(c, false); err != nil {
			return err
		}
	}
	return nil
}

func (t *Topic) accept(c *amqp.Message, now time.Time) int64 {
	if t.properties.RequiresDuplicateDetection {
		id := c.Property(amqp.PropertyMessageID)
		if id != "" && t.duplicates.repeated(id, now, t.properties.DuplicateWindow) {
			return 0
		}
	}
	c = withMessageID(c)
	t.lastSequence++
	number := t.lastSequence
	due, later := dueTime(c)
	if !later || !due.After(now) {
		t.publish(c, number, now)
		return number
	}
	t.scheduled[number] = t.clock.AfterFunc(due.Sub(now), func() { t.publishScheduled(c, number) })
	return number
}

func (t *Topic) publishScheduled(c *amqp.Message, number int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, waiting := t.scheduled[number]; !waiting || t.closed {
		return
	}
	delete(t.scheduled, number)
	t.lastSequence++
	t.publish(c, t.lastSequence, t.clock.Now())
}

func (t *Topic) publish(c *amqp.Message, number int64, now time.Time) {
	for _, s := range t.subscriptions {
		if s.wants(c) {
			s.queue.publish(c, now, number, t.properties.DefaultTimeToLive)
		}
	}
}

func (s *Subscription) wants(c *amqp.Message) bool {
	for _, r := range s.rules {
		if r.Filter.matches(c) {
			return true
		}
	}
	return false
}

// publish takes a message of the topic, which lives no longer than the topic
// allows.
func (q *Queue) publish(c *amqp.Message, now time.Time, number int64, limit time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.add(c, now, number, min(limit, q.properties.DefaultTimeToLive))
	q.dispatch()
}

// CancelScheduled takes scheduled messages out again, all or none.
func (t *Topic) CancelScheduled(numbers []int64) *amqp.Error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range numbers {
		if _, waiting := t.scheduled[n]; !waiting {
			return errMessageNotFound()
		}
	}
	for _, n := range numbers {
		t.scheduled[n]()
		delete(t.scheduled, n)
	}
	return nil
}

// Rules returns a subscription's rules in the order of their names.
func (t *Topic) Rules(s *Subscription) []Rule {
	t.mu.Lock()
	defer t.mu.Unlock()
	rules := make([]Rule, 0, len(s.rules))
	for _, r := range s.rules {
		rules = append(rules, r)
	}
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.Name, b.Name) })
	return rules
}

// PutRule adds a rule, or replaces the one of that name; it reports whether
// there was one.
func (t *Topic) PutRule(s *Subscription, name string, f Filter) (Rule, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, existed := s.rules[strings.ToLower(name)]
	r := Rule{Name: name, Filter: f, Created: t.clock.Now()}
	if existed {
		r.Created = old.Created
	}
	s.rules[strings.ToLower(name)] = r
	return r, existed
}

// Rule returns a rule by name.
func (t *Topic) Rule(s *Subscription, name string) (Rule, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := s.rules[strings.ToLower(name)]
	return r, ok
}

// DeleteRule reports whether there was such a rule.
func (t *Topic) DeleteRule(s *Subscription, name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, existed := s.rules[strings.ToLower(name)]
	delete(s.rules, strings.ToLower(name))
	return existed
}

// Name returns the subscription's name as it was given at creation.
func (s *Subscription) Name() string { return s.name }

// Queue returns the queue that the subscription's receivers read.
func (s *Subscription) Queue() *Queue { return s.queue }
