package servicebus

import (
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

// consumerLink brings messages of a queue to a client.
type consumerLink struct {
	session  *session
	name     string
	handle   uint32
	queue    *broker.Queue
	consumer *broker.Consumer // nil until a session was accepted
	deletes  bool
	cancel   func() // ends the wait for a session
}

func (s *session) attachConsumer(a *amqp.Attach, address string) *amqp.Error {
	q := s.conn.namespace.broker.Queue(address)
	if q == nil {
		if s.conn.namespace.broker.Topic(address) != nil {
			return &amqp.Error{Condition: broker.CondNotAllowed, Description: fmt.Sprintf("Cannot receive from the topic '%s': receive from its subscriptions.", address)}
		}
		return notFound(address)
	}
	l := &consumerLink{
		session: s, name: a.Name, handle: a.Handle, queue: q, cancel: func() {},
		deletes: a.SenderSettleMode != nil && *a.SenderSettleMode == amqp.SenderSettled,
	}
	if filter, wanted := a.Source.Filter.Lookup(sessionFilter); wanted {
		return l.attachSession(a, filter)
	}
	c, err := q.Consume(l, l.deletes)
	if err != nil {
		return err
	}
	l.consumer = c
	s.links[a.Handle] = l
	s.accept(a, a.Source, nil)
	return nil
}

// Deliver sends a message. The broker calls it with the queue locked.
func (l *consumerLink) Deliver(token amqp.UUID, message []byte) {
	if l.deletes {
		l.session.send(l.handle, token.GUID(), message, nil, token)
		return
	}
	l.session.send(l.handle, token.GUID(), message, l, token)
}

// Detach tells the client that nothing more will come.
func (l *consumerLink) Detach(cause *amqp.Error) { l.session.end(l.handle, cause) }

func (l *consumerLink) flow(f *amqp.Flow) {
	c := l.attached()
	if c == nil || f.LinkCredit == nil {
		return
	}
	limit := *f.LinkCredit
	if f.DeliveryCount != nil {
		limit += *f.DeliveryCount
	}
	delivered := c.Flow(limit, f.Drain)
	if f.Drain || f.Echo {
		answer, credit := l.session.windows(), limit-delivered
		answer.Handle, answer.DeliveryCount, answer.LinkCredit, answer.Drain = &l.handle, &delivered, &credit, f.Drain
		l.session.write(answer, nil)
	}
}

func (l *consumerLink) transfer(*amqp.Transfer, []byte) error {
	return fmt.Errorf("transfer on the receiving link %d", l.handle)
}

func (l *consumerLink) close() {
	l.cancel()
	if c := l.attached(); c != nil {
		c.Close()
	}
	l.session.forget(l)
}

// attached returns the consumer, which another goroutine may have set.
func (l *consumerLink) attached() *broker.Consumer {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	return l.consumer
}

const (
	// sessionFilter asks for a session: its value is an id, or null for any.
	sessionFilter     = "com.microsoft:session-filter"
	sessionFilterCode = uint64(0x137000000C)
	lockedUntil       = amqp.Symbol("com.microsoft:locked-until-utc")
	timeoutProperty   = "com.microsoft:timeout"
	// longestWait is how long the service lets a client wait for a session.
	longestWait = time.Minute
)

// attachSession answers at once for a session by id; for any session when there
// is one.
func (l *consumerLink) attachSession(a *amqp.Attach, filter any) *amqp.Error {
	described := false
	if d, ok := filter.(amqp.Described); ok { // the JavaScript client sends the bare value
		filter, described = d.Value, true
	}
	if id, ok := filter.(string); ok {
		c, until, err := l.queue.AcceptSession(id, l, l.deletes)
		if err != nil {
			return err
		}
		l.session.links[l.handle] = l
		l.acceptSession(a, described, c, until)
		return nil
	}
	l.session.links[l.handle] = l
	l.cancel = l.queue.AcceptNextSession(l, l.deletes, waitFor(a), func(c *broker.Consumer, err *amqp.Error) {
		if err != nil {
			l.session.refuse(a, err)
			return
		}
		l.acceptSession(a, described, c, c.LockedUntil())
	})
	return nil
}

// waitFor returns how long to wait for a session: a little less than the client
// does, so that it gets our answer.
func waitFor(a *amqp.Attach) time.Duration {
	ms, ok := amqp.Integer(a.Properties.Get(timeoutProperty))
	wait := time.Duration(ms) * time.Millisecond
	if !ok || wait <= 0 || wait > longestWait {
		wait = longestWait
	}
	return wait - min(wait/20, 100*time.Millisecond)
}

func (l *consumerLink) acceptSession(a *amqp.Attach, described bool, c *broker.Consumer, until time.Time) {
	l.session.mu.Lock()
	l.consumer = c
	l.session.mu.Unlock()
	var chosen any = *c.SessionID()
	if described {
		chosen = amqp.Described{Descriptor: sessionFilterCode, Value: chosen}
	}
	source := a.Source.WithFilter(a.Source.Filter.With(amqp.Symbol(sessionFilter), chosen))
	l.session.accept(a, source, amqp.Map{{Key: lockedUntil, Value: ticks(until)}})
}

// ticks returns a time as .NET counts it: 100 ns since the year 1.
func ticks(t time.Time) int64 {
	const unixEpoch = 621355968000000000
	return t.UnixMicro()*10 + unixEpoch
}
