package broker

import (
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/iso8601"
)

// Queue is a queue, the queue behind a subscription, or the dead-letter queue of
// either.
type Queue struct {
	path        string
	clock       *clock.Clock
	deadLetters *Queue // nil in a dead-letter queue
	subscribes  bool   // the queue of a subscription: clients cannot send to it

	mu           sync.Mutex
	properties   QueueProperties
	created      time.Time
	updated      time.Time
	closed       bool
	lastSequence int64
	messages     journal
	counts       [stages]int
	ready        indexedHeap[*Message] // in a queue without sessions
	locked       map[amqp.UUID]*Message
	duplicates   history
	alarms       alarms

	consumers map[*Consumer]struct{}
	hungry    []*Consumer // those with credit, whose turn is next first
	sessions  sessions
}

// DeadLetterSuffix follows the path of an entity in that of its dead letters.
const DeadLetterSuffix = "/$DeadLetterQueue"

func newQueue(path string, p QueueProperties, c *clock.Clock) *Queue {
	q := newPlainQueue(path, p, c)
	q.deadLetters = newPlainQueue(path+DeadLetterSuffix, QueueProperties{LockDuration: q.properties.LockDuration}, c)
	return q
}

func newPlainQueue(path string, p QueueProperties, c *clock.Clock) *Queue {
	q := &Queue{
		path: path, clock: c, properties: p.withDefaults(), created: c.Now(), updated: c.Now(),
		ready:     newReadyHeap(),
		locked:    map[amqp.UUID]*Message{},
		consumers: map[*Consumer]struct{}{},
		sessions:  newSessions(),
	}
	q.alarms = newAlarms(c, q.ring)
	return q
}

func newReadyHeap() indexedHeap[*Message] {
	return indexedHeap[*Message]{
		less:     func(a, b *Message) bool { return a.sequence < b.sequence },
		position: func(m *Message) *int { return &m.inReady },
	}
}

// Path returns the address of the queue as it was given at creation.
func (q *Queue) Path() string { return q.path }

// DeadLetters returns the queue's dead-letter queue, nil if it is one.
func (q *Queue) DeadLetters() *Queue { return q.deadLetters }

// Send puts messages into the queue, all or none of them. The queue keeps parts
// of them, so the caller must not reuse their memory.
func (q *Queue) Send(contents []*amqp.Message) *amqp.Error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refuse(contents); err != nil {
		return err
	}
	for _, c := range contents {
		q.accept(c)
	}
	q.dispatch()
	return nil
}

// Schedule is Send for messages that become active at the time they carry. It
// returns their sequence numbers.
func (q *Queue) Schedule(contents []*amqp.Message) ([]int64, *amqp.Error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refuse(contents); err != nil {
		return nil, err
	}
	numbers := make([]int64, len(contents))
	for i, c := range contents {
		numbers[i] = q.accept(c)
	}
	q.dispatch()
	return numbers, nil
}

func (q *Queue) refuse(contents []*amqp.Message) *amqp.Error {
	switch {
	case q.closed:
		return errGone(q.path)
	case q.deadLetters == nil, q.subscribes:
		return failure(CondNotAllowed, "Messages cannot be sent to '%s'.", q.path)
	case !maySend(q.properties.Status):
		return errDisabled(q.path)
	}
	for _, c := range contents {
		if err := checkContent(c, q.properties.RequiresSession); err != nil {
			return err
		}
	}
	return nil
}

// maxIDLength is the limit for message ids and session ids.
const maxIDLength = 128

func checkContent(c *amqp.Message, needsSession bool) *amqp.Error {
	_, hasSession := c.Properties.At(amqp.PropertyGroupID).(string)
	switch {
	case needsSession && !hasSession:
		return failure(CondNotAllowed, "The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have session support enabled can only receive messages that have the SessionId set to a valid value.")
	case len(c.Property(amqp.PropertyMessageID)) > maxIDLength:
		return failure(CondArgumentOutOfRange, "The MessageId is longer than %d characters.", maxIDLength)
	case len(c.Property(amqp.PropertyGroupID)) > maxIDLength:
		return failure(CondArgumentOutOfRange, "The SessionId is longer than %d characters.", maxIDLength)
	}
	return nil
}

// accept takes one message in and returns its sequence number, 0 for a duplicate.
func (q *Queue) accept(c *amqp.Message) int64 {
	now := q.clock.Now()
	if q.properties.RequiresDuplicateDetection {
		id := c.Property(amqp.PropertyMessageID)
		if id != "" && q.duplicates.repeated(id, now, q.properties.DuplicateWindow) {
			return 0
		}
	}
	return q.add(withMessageID(c), now, 0, q.properties.DefaultTimeToLive).sequence
}

// withMessageID gives a message without an id one: the official JavaScript
// client cannot read a message that has none.
func withMessageID(c *amqp.Message) *amqp.Message {
	if c.Properties.At(amqp.PropertyMessageID) != nil {
		return c
	}
	return c.WithProperty(amqp.PropertyMessageID, strings.ReplaceAll(newToken().String(), "-", ""))
}

// add appends a message that lives no longer than limit; topicSequence is its
// number in the topic, 0 outside one.
func (q *Queue) add(c *amqp.Message, now time.Time, topicSequence int64, limit time.Duration) *Message {
	m := &Message{content: c, enqueued: now, ttl: timeToLive(c, limit), stage: stages}
	q.append(m)
	m.enqueuedSequence = orElse(topicSequence, m.sequence)
	if due, ok := dueTime(c); ok && due.After(now) && topicSequence == 0 {
		m.due = due
		q.move(m, scheduled)
	} else {
		q.activate(m, now)
	}
	return m
}

// append gives a message its number and its session.
func (q *Queue) append(m *Message) {
	q.lastSequence++
	m.sequence = q.lastSequence
	if q.properties.RequiresSession {
		m.session = q.sessions.get(m.content.Property(amqp.PropertyGroupID))
	}
	q.sessions.joined(m.session)
	q.messages.append(m)
}

// activate makes a message available, or a dead letter if it cannot be.
func (q *Queue) activate(m *Message, now time.Time) {
	m.enqueued = now
	if _, ok := m.content.Properties.At(amqp.PropertyGroupID).(string); q.properties.RequiresSession && !ok {
		q.bury(m, "Session ID is null.", "Session enabled entity doesn't allow a message whose session identifier is null.")
		return
	}
	q.move(m, ready)
}

func dueTime(c *amqp.Message) (time.Time, bool) {
	due, ok := c.Annotations.Get(string(annScheduled)).(time.Time)
	return due, ok
}

// timeToLive is the sender's wish, cut to the entity's default; 0 = forever.
func timeToLive(c *amqp.Message, limit time.Duration) time.Duration {
	ttl, set := c.TTL()
	if !set || ttl > limit {
		ttl = limit
	}
	if ttl == iso8601.Forever {
		return 0
	}
	return ttl
}

func errGone(path string) *amqp.Error {
	return failure(CondNotFound, "The messaging entity '%s' could not be found.", path)
}
