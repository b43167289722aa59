package broker

import (
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

// Outcome is what becomes of a locked message.
type Outcome int

// The outcomes of a lock.
const (
	Complete Outcome = iota
	Abandon
	Defer
	DeadLetter
	Release
)

// Settlement is an outcome with what it writes on the message.
type Settlement struct {
	Outcome     Outcome
	Properties  amqp.Map // application properties to set
	Reason      string   // of a dead letter
	Description string
}

// Settle ends locks, all or none of them.
func (q *Queue) Settle(tokens []amqp.UUID, s Settlement) *amqp.Error {
	q.mu.Lock()
	defer q.mu.Unlock()
	messages, err := q.held(tokens)
	if err != nil {
		return err
	}
	for _, m := range messages {
		q.settle(m, s)
	}
	q.dispatch()
	return nil
}

// held returns the messages behind lock tokens that are still good.
func (q *Queue) held(tokens []amqp.UUID) ([]*Message, *amqp.Error) {
	q.passDeadlines()
	messages := make([]*Message, 0, len(tokens))
	for _, token := range tokens {
		m := q.locked[token]
		if m == nil {
			return nil, errLockLost()
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func (q *Queue) settle(m *Message, s Settlement) {
	for _, e := range s.Properties {
		m.content = m.content.WithApplication(amqp.Text(e.Key), e.Value)
	}
	switch s.Outcome {
	case Complete:
		q.move(m, gone)
	case Abandon:
		q.giveBack(m, true)
	case Release:
		q.giveBack(m, false)
	case Defer:
		q.move(m, deferred)
	case DeadLetter:
		q.bury(m, s.Reason, s.Description)
	}
}

// Renew starts locks anew and returns when they end.
func (q *Queue) Renew(tokens []amqp.UUID) ([]time.Time, *amqp.Error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	messages, err := q.held(tokens)
	if err != nil {
		return nil, err
	}
	ends := make([]time.Time, len(messages))
	for i, m := range messages {
		if m.session != nil {
			return nil, failure(CondNotAllowed, "A message of a session has no lock of its own: renew the session's.")
		}
		q.extend(m)
		ends[i] = m.lockedUntil
	}
	return ends, nil
}

// Received is a deferred message handed out.
type Received struct {
	Token   amqp.UUID
	Message []byte
}

// ReceiveDeferred hands out deferred messages by sequence number, all or none.
// In a queue with sessions the caller has to hold the messages' session.
func (q *Queue) ReceiveDeferred(numbers []int64, deletes bool, session string) ([]Received, *amqp.Error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.passDeadlines()
	messages, err := q.deferredBy(numbers, session)
	if err != nil {
		return nil, err
	}
	received := make([]Received, 0, len(messages))
	for _, m := range messages {
		if deletes {
			received = append(received, Received{newToken(), m.encode(nil)})
			q.move(m, gone)
			continue
		}
		q.move(m, locked)
		received = append(received, Received{m.token, m.encode(&m.token)})
	}
	return received, nil
}

func (q *Queue) deferredBy(numbers []int64, session string) ([]*Message, *amqp.Error) {
	now := q.clock.Now()
	messages := make([]*Message, 0, len(numbers))
	for _, n := range numbers {
		m := q.messages.at(n)
		if m != nil && m.stage == deferred && m.expired(now) {
			q.expire(m)
		}
		if m == nil || m.stage != deferred {
			return nil, errMessageNotFound()
		}
		if s := m.session; s != nil && (s.id != session || s.holder == nil) {
			return nil, errSessionLockLost(s.id)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// CancelScheduled takes scheduled messages out again, all or none.
func (q *Queue) CancelScheduled(numbers []int64) *amqp.Error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.passDeadlines()
	messages := make([]*Message, 0, len(numbers))
	for _, n := range numbers {
		m := q.messages.at(n)
		if m == nil || m.stage != scheduled {
			return errMessageNotFound()
		}
		messages = append(messages, m)
	}
	for _, m := range messages {
		q.move(m, gone)
	}
	return nil
}

// Peek returns up to limit messages in any state from a sequence number on,
// neither locking nor changing them; of one session if session is not nil.
func (q *Queue) Peek(from int64, limit int, session *string) (encoded [][]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.passDeadlines()
	q.messages.from(from, func(m *Message) bool {
		if len(encoded) < limit && (session == nil || m.session != nil && m.session.id == *session) {
			encoded = append(encoded, m.encode(nil))
		}
		return len(encoded) < limit
	})
	return encoded
}
