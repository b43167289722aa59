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

// Namespace holds queues and topics by name. Names are equal whatever their
// case.
type Namespace struct {
	clock *clock.Clock

	mu     sync.RWMutex
	queues map[string]*Queue // every queue that can be addressed, by lower-case path
	topics map[string]*Topic
}

// NewNamespace returns an empty namespace.
func NewNamespace(c *clock.Clock) *Namespace {
	return &Namespace{clock: c, queues: map[string]*Queue{}, topics: map[string]*Topic{}}
}

// SubscriptionPath returns the address of a subscription.
func SubscriptionPath(topic, subscription string) string {
	return topic + "/Subscriptions/" + subscription
}

// Queue returns what can be received from at an address: a queue, a
// subscription, or the dead-letter queue of either.
func (n *Namespace) Queue(path string) *Queue {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.queues[strings.ToLower(path)]
}

// Topic returns a topic by name.
func (n *Namespace) Topic(name string) *Topic {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.topics[strings.ToLower(name)]
}

// CreateQueue returns false if the name is taken, by a queue or a topic.
func (n *Namespace) CreateQueue(name string, p QueueProperties) (*Queue, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken(name) {
		return nil, false
	}
	return n.add(newQueue(name, p, n.clock)), true
}

// CreateTopic returns false if the name is taken, by a queue or a topic.
func (n *Namespace) CreateTopic(name string, p TopicProperties) (*Topic, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken(name) {
		return nil, false
	}
	t := newTopic(name, p, n.clock)
	n.topics[strings.ToLower(name)] = t
	return t, true
}

func (n *Namespace) taken(name string) bool {
	_, queue := n.queues[strings.ToLower(name)]
	_, topic := n.topics[strings.ToLower(name)]
	return queue || topic
}

// CreateSubscription makes a subscription with its first rule. It returns false
// if the name is taken.
func (n *Namespace) CreateSubscription(t *Topic, name string, p QueueProperties, first Rule) (*Subscription, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, taken := t.subscriptions[strings.ToLower(name)]; taken {
		return nil, false
	}
	q := newQueue(SubscriptionPath(t.path, name), p, n.clock)
	q.subscribes = true
	first.Created = n.clock.Now()
	s := &Subscription{name: name, queue: n.add(q), rules: map[string]Rule{strings.ToLower(first.Name): first}}
	t.subscriptions[strings.ToLower(name)] = s
	return s, true
}

func (n *Namespace) add(q *Queue) *Queue {
	n.queues[strings.ToLower(q.path)] = q
	n.queues[strings.ToLower(q.deadLetters.path)] = q.deadLetters
	return q
}

// DeleteQueue removes a queue with all its messages and detaches its receivers.
func (n *Namespace) DeleteQueue(q *Queue) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.remove(q)
}

// DeleteSubscription removes a subscription of a topic.
func (n *Namespace) DeleteSubscription(t *Topic, s *Subscription) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t.mu.Lock()
	delete(t.subscriptions, strings.ToLower(s.name))
	t.mu.Unlock()
	n.remove(s.queue)
}

// DeleteTopic removes a topic with its subscriptions.
func (n *Namespace) DeleteTopic(t *Topic) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.topics, strings.ToLower(t.path))
	for _, s := range t.close() {
		n.remove(s.queue)
	}
}

func (n *Namespace) remove(q *Queue) {
	delete(n.queues, strings.ToLower(q.path))
	delete(n.queues, strings.ToLower(q.deadLetters.path))
	q.close()
	q.deadLetters.close()
}

func (t *Topic) close() []*Subscription {
	subscriptions := t.Subscriptions()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, stop := range t.scheduled {
		stop()
	}
	return subscriptions
}

func (q *Queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.alarms.close()
	cause := failure(CondResourceDeleted, "The messaging entity '%s' has been deleted.", q.path)
	for c := range q.consumers {
		q.detach(c)
		c.receiver.Detach(cause)
	}
	for _, a := range q.sessions.waiting {
		a.finish(nil, cause)
	}
	q.sessions.waiting = nil
}

// Close stops every timer. Nothing may be called afterwards.
func (n *Namespace) Close() {
	for _, t := range n.Topics() {
		n.DeleteTopic(t)
	}
	for _, q := range n.Queues() {
		n.DeleteQueue(q)
	}
}

// Queues returns the queues in the order of their names, without subscriptions
// and dead letters.
func (n *Namespace) Queues() (queues []*Queue) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, q := range n.queues {
		if q.deadLetters != nil && !q.subscribes {
			queues = append(queues, q)
		}
	}
	slices.SortFunc(queues, func(a, b *Queue) int { return cmp.Compare(a.path, b.path) })
	return queues
}

// Topics returns the topics in the order of their names.
func (n *Namespace) Topics() (topics []*Topic) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, t := range n.topics {
		topics = append(topics, t)
	}
	slices.SortFunc(topics, func(a, b *Topic) int { return cmp.Compare(a.path, b.path) })
	return topics
}

// Subscriptions returns a topic's subscriptions in the order of their names.
func (t *Topic) Subscriptions() (subscriptions []*Subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.subscriptions {
		subscriptions = append(subscriptions, s)
	}
	slices.SortFunc(subscriptions, func(a, b *Subscription) int { return cmp.Compare(a.name, b.name) })
	return subscriptions
}

// Subscription returns a subscription by name, nil if there is none.
func (t *Topic) Subscription(name string) *Subscription {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.subscriptions[strings.ToLower(name)]
}

// Counts are the messages of a queue by state.
type Counts struct{ Active, Scheduled, Deferred, Locked int }

// Description is an entity's properties with its age and its messages.
type Description[P any] struct {
	Properties       P
	Created, Updated time.Time
	Counts           Counts
}

// Describe returns what the administration shows.
func (q *Queue) Describe() Description[QueueProperties] {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.passDeadlines()
	q.dispatch()
	return Description[QueueProperties]{q.properties, q.created, q.updated, Counts{
		Active: q.counts[ready], Scheduled: q.counts[scheduled], Deferred: q.counts[deferred], Locked: q.counts[locked],
	}}
}

// Describe returns what the administration shows.
func (t *Topic) Describe() Description[TopicProperties] {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Description[TopicProperties]{t.properties, t.created, t.updated, Counts{Scheduled: len(t.scheduled)}}
}

// Update changes the properties and keeps the messages. What cannot change
// after creation is refused.
func (q *Queue) Update(p QueueProperties) *amqp.Error {
	p = p.withDefaults()
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.RequiresSession != q.properties.RequiresSession || p.RequiresDuplicateDetection != q.properties.RequiresDuplicateDetection {
		return failure(CondNotAllowed, "RequiresSession and RequiresDuplicateDetection cannot be changed on the existing entity '%s'.", q.path)
	}
	q.properties, q.updated = p, q.clock.Now()
	q.deadLetters.relock(p.LockDuration)
	return nil
}

// relock sets how long locks last from now on: dead letters follow their queue.
func (q *Queue) relock(d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.properties.LockDuration = d
}

// Update changes the properties.
func (t *Topic) Update(p TopicProperties) *amqp.Error {
	p = p.withDefaults()
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.RequiresDuplicateDetection != t.properties.RequiresDuplicateDetection {
		return failure(CondNotAllowed, "RequiresDuplicateDetection cannot be changed on the existing entity '%s'.", t.path)
	}
	t.properties, t.updated = p, t.clock.Now()
	return nil
}
