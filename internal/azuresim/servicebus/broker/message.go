package broker

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

// Names of message annotations,
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide#message-annotations.
const (
	annEnqueuedTime     = amqp.Symbol("x-opt-enqueued-time")
	annSequence         = amqp.Symbol("x-opt-sequence-number")
	annEnqueuedSequence = amqp.Symbol("x-opt-enqueue-sequence-number")
	annLockedUntil      = amqp.Symbol("x-opt-locked-until")
	annState            = amqp.Symbol("x-opt-message-state")
	annScheduled        = amqp.Symbol("x-opt-scheduled-enqueue-time")
)

// stage says in which of its queue's structures a message is.
type stage int

const (
	ready stage = iota
	locked
	deferred
	scheduled
	gone
	stages
)

// Message states as clients see them.
const (
	stateActive    = int32(0)
	stateDeferred  = int32(1)
	stateScheduled = int32(2)
)

// Message is a message in a queue. Its queue's lock guards it; content is shared
// with other queues and never changed.
type Message struct {
	content          *amqp.Message
	sequence         int64
	enqueuedSequence int64
	enqueued         time.Time
	ttl              time.Duration // 0 = lives forever
	due              time.Time     // of a scheduled message
	stage            stage
	wasDeferred      bool // locked or not, it goes back to the deferred ones
	deliveries       uint32
	session          *session // nil in a queue without sessions

	token       amqp.UUID // while locked
	lockedUntil time.Time

	inReady int
	wake    deadline
}

func (m *Message) deadline() *deadline { return &m.wake }

func (m *Message) expires() (at time.Time, ever bool) {
	return m.enqueued.Add(m.ttl), m.ttl > 0
}

func (m *Message) expired(now time.Time) bool {
	at, ever := m.expires()
	return ever && !now.Before(at)
}

func (m *Message) state() int32 {
	switch {
	case m.stage == scheduled:
		return stateScheduled
	case m.wasDeferred:
		return stateDeferred
	}
	return stateActive
}

// encode writes the message as a client gets it. Only a locked one tells until
// when it is.
func (m *Message) encode(token *amqp.UUID) []byte {
	annotations := make(amqp.Map, 0, len(m.content.Annotations)+5)
	for _, e := range m.content.Annotations {
		if !brokerAnnotation(amqp.Text(e.Key)) {
			annotations = append(annotations, e)
		}
	}
	annotations = append(annotations,
		amqp.Entry{Key: annEnqueuedTime, Value: m.enqueued},
		amqp.Entry{Key: annSequence, Value: m.sequence},
		amqp.Entry{Key: annEnqueuedSequence, Value: m.enqueuedSequence},
		amqp.Entry{Key: annState, Value: m.state()})
	if m.stage == locked {
		annotations = append(annotations, amqp.Entry{Key: annLockedUntil, Value: m.lockedUntil})
	}
	return m.content.Append(nil, amqp.Delivery{Count: m.deliveries, TTL: m.ttl, Annotations: annotations, LockToken: token})
}

// brokerAnnotation reports whether the name is the service's to set, whatever a
// sender wrote there: a received message sent again brings them all.
func brokerAnnotation(name string) bool {
	switch amqp.Symbol(name) {
	case annEnqueuedTime, annSequence, annEnqueuedSequence, annState, annLockedUntil:
		return true
	}
	return false
}

// newToken returns a random UUID. Lock tokens protect nothing here, so the
// ordinary generator does.
func newToken() (token amqp.UUID) {
	binary.LittleEndian.PutUint64(token[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(token[8:], rand.Uint64())
	token[6] = token[6]&0x0f | 0x40
	token[8] = token[8]&0x3f | 0x80
	return token
}
