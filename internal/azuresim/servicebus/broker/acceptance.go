package broker

import (
	"cmp"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

// acceptance is a receiver that waits for any session.
type acceptance struct {
	receiver Receiver
	deletes  bool
	answer   func(*Consumer, *amqp.Error)
	stop     func() bool
}

func (a *acceptance) finish(c *Consumer, err *amqp.Error) {
	a.stop()
	a.answer(c, err)
}

// SessionID returns the id of the consumer's session, nil without one.
func (c *Consumer) SessionID() *string {
	if c.session == nil {
		return nil
	}
	return &c.session.id
}

// AcceptSession locks a session, which need not have messages, and attaches a
// receiver to it. It returns when the lock ends.
func (q *Queue) AcceptSession(id string, r Receiver, deletes bool) (*Consumer, time.Time, *amqp.Error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refuseSession(); err != nil {
		return nil, time.Time{}, err
	}
	q.passDeadlines()
	s := q.sessions.get(id)
	if s.holder != nil {
		return nil, time.Time{}, failure(CondSessionCannotBeLocked, "The requested session '%s' cannot be accepted. It may be locked by another receiver.", id)
	}
	c := q.hold(s, r, deletes)
	return c, s.lockedUntil, nil
}

func (q *Queue) refuseSession() *amqp.Error {
	if err := q.refuseConsumer(); err != nil {
		return err
	}
	if !q.properties.RequiresSession {
		return failure(CondNotAllowed, "A sessionful message receiver cannot be created on an entity that does not require sessions.")
	}
	return nil
}

// AcceptNextSession waits for a session that has messages and is not locked. It
// calls answer once, with the queue locked as for a Receiver's methods, unless
// cancel comes first.
func (q *Queue) AcceptNextSession(r Receiver, deletes bool, timeout time.Duration, answer func(*Consumer, *amqp.Error)) (cancel func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refuseSession(); err != nil {
		answer(nil, err)
		return func() {}
	}
	a := &acceptance{receiver: r, deletes: deletes, answer: answer}
	a.stop = q.clock.AfterFunc(timeout, func() { q.abandonAcceptance(a, true) })
	q.sessions.waiting = append(q.sessions.waiting, a)
	q.passDeadlines()
	q.dispatch()
	return func() { q.abandonAcceptance(a, false) }
}

func (q *Queue) abandonAcceptance(a *acceptance, timedOut bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.sessions.waiting, a)
	if at < 0 {
		return
	}
	q.sessions.waiting = slices.Delete(q.sessions.waiting, at, at+1)
	a.stop()
	if timedOut {
		a.answer(nil, failure(CondTimeout, "The operation did not complete within the allotted timeout. The time allotted to this operation may have been a portion of a longer timeout."))
	}
}

// LockedUntil returns when the lock on the consumer's session ends. It may be
// called from the answer of AcceptNextSession.
func (c *Consumer) LockedUntil() time.Time { return c.session.lockedUntil }

// RenewSession starts the lock on a session anew and returns when it ends.
func (q *Queue) RenewSession(id string) (time.Time, *amqp.Error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.passDeadlines()
	s := q.sessions.byID[id]
	if s == nil || s.holder == nil {
		return time.Time{}, errSessionLockLost(id)
	}
	q.extendSession(s)
	return s.lockedUntil, nil
}

// SessionState returns the state of a session, nil if there is none.
func (q *Queue) SessionState(id string) []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := q.sessions.byID[id]; s != nil {
		return s.state
	}
	return nil
}

// SetSessionState sets the state of a session that is locked; an empty one
// clears it, because that is how the Go client writes nil.
func (q *Queue) SetSessionState(id string, state []byte) *amqp.Error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.passDeadlines()
	s := q.sessions.byID[id]
	if s == nil || s.holder == nil {
		return errSessionLockLost(id)
	}
	s.state, s.stateSet = nil, q.clock.Now()
	if len(state) > 0 {
		s.state = state
	}
	return nil
}

// Sessions returns the ids of sessions in order: with updatedAfter those whose
// state was set later, otherwise all that have active messages or a state.
func (q *Queue) Sessions(updatedAfter *time.Time, skip, top int) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []string
	for id, s := range q.sessions.byID {
		if updatedAfter == nil && (s.state != nil || s.ready.Len()+len(s.locked) > 0) ||
			updatedAfter != nil && s.state != nil && s.stateSet.After(*updatedAfter) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, cmp.Compare[string])
	ids = ids[min(max(skip, 0), len(ids)):]
	return ids[:min(max(top, 0), len(ids))]
}
