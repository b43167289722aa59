package broker

import (
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

// Receiver is the other end of a consumer. Its methods are called while the
// queue is locked: they must not wait and must not call the broker.
type Receiver interface {
	// Deliver takes an encoded message. The token names its lock and is random
	// if the consumer deletes what it receives.
	Deliver(token amqp.UUID, message []byte)
	// Detach says that nothing more will come, because of cause.
	Detach(cause *amqp.Error)
}

// Consumer receives from one queue, or from one session of it.
type Consumer struct {
	queue    *Queue
	receiver Receiver
	deletes  bool // receive-and-delete instead of peek-lock
	session  *session

	delivered uint32 // all that follows is guarded by the queue's lock
	limit     uint32
	waiting   bool // is among the queue's hungry
}

// Consume attaches a receiver to a queue without sessions. It gets nothing
// before Flow allows it.
func (q *Queue) Consume(r Receiver, deletes bool) (*Consumer, *amqp.Error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refuseConsumer(); err != nil {
		return nil, err
	}
	if q.properties.RequiresSession {
		return nil, failure(CondNotAllowed, "It is not possible for an entity that requires sessions to create a non-sessionful message receiver.")
	}
	return q.attach(&Consumer{queue: q, receiver: r, deletes: deletes}), nil
}

func (q *Queue) refuseConsumer() *amqp.Error {
	switch {
	case q.closed:
		return errGone(q.path)
	case !mayReceive(q.properties.Status):
		return errDisabled(q.path)
	}
	return nil
}

func (q *Queue) attach(c *Consumer) *Consumer {
	q.consumers[c] = struct{}{}
	return c
}

// Flow allows deliveries up to the limit, which counts from the consumer's first
// one and wraps around. With drain, what is not there now counts as delivered.
// It returns the number of deliveries so far.
func (c *Consumer) Flow(limit uint32, drain bool) (delivered uint32) {
	q := c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	c.limit = limit
	q.passDeadlines()
	q.feed(c)
	q.dispatch()
	if drain && c.hungry() {
		c.delivered = c.limit
	}
	return c.delivered
}

// hungry compares serial numbers (RFC 1982), as AMQP does for link credit.
func (c *Consumer) hungry() bool { return int32(c.limit-c.delivered) > 0 }

// Close detaches the consumer. Locks on messages stay until they end; a session
// is given back with all its messages.
func (c *Consumer) Close() {
	q := c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.detach(c)
	if s := c.session; s != nil && s.holder == c {
		q.releaseSession(s, false)
	}
	q.dispatch()
}

func (q *Queue) detach(c *Consumer) {
	delete(q.consumers, c)
	c.limit = c.delivered
	q.hungry = slices.DeleteFunc(q.hungry, func(other *Consumer) bool { return other == c })
	c.waiting = false
}

// feed queues the consumer for its turn, or gives it what its session has.
func (q *Queue) feed(c *Consumer) {
	if _, attached := q.consumers[c]; !attached {
		return
	}
	if c.session != nil {
		q.dispatchSession(c.session)
		return
	}
	if c.hungry() && !c.waiting {
		c.waiting = true
		q.hungry = append(q.hungry, c)
	}
}

// dispatch hands out what is ready, to each consumer in turn.
func (q *Queue) dispatch() {
	if q.properties.RequiresSession {
		q.dispatchSessions()
		return
	}
	now := q.clock.Now()
	for len(q.hungry) > 0 {
		m := q.next(&q.ready, now)
		if m == nil {
			return
		}
		c := q.hungry[0]
		q.hungry = q.hungry[1:]
		c.waiting = false
		if c.hungry() { // it may have taken its credit back
			q.deliver(c, m)
			q.feed(c)
		}
	}
}

// next returns the first message of a heap that has not expired.
func (q *Queue) next(from *indexedHeap[*Message], now time.Time) *Message {
	for {
		m, any := from.first()
		if !any {
			return nil
		}
		if !m.expired(now) {
			return m
		}
		q.expire(m)
	}
}

func (q *Queue) deliver(c *Consumer, m *Message) {
	c.delivered++
	if c.deletes {
		encoded := m.encode(nil)
		q.move(m, gone)
		c.receiver.Deliver(newToken(), encoded)
		return
	}
	q.move(m, locked)
	c.receiver.Deliver(m.token, m.encode(nil))
}
