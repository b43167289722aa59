package broker

import "time"

// session is one session of a queue: its available messages, who holds it, and
// the state that clients keep with it.
// https://learn.microsoft.com/azure/service-bus-messaging/message-sessions
type session struct {
	id          string
	ready       indexedHeap[*Message]
	locked      map[*Message]struct{}
	size        int // messages in any stage
	holder      *Consumer
	lockedUntil time.Time
	state       []byte
	stateSet    time.Time

	inAvailable int
	wake        deadline
}

func (s *session) deadline() *deadline { return &s.wake }

// pass ends the session's lock.
func (s *session) pass(q *Queue, _ time.Time) {
	holder := s.holder
	q.detach(holder)
	q.releaseSession(s, true)
	holder.receiver.Detach(errSessionLockLost(s.id))
}

// sessions are the sessions of a queue and those who wait for one.
type sessions struct {
	byID      map[string]*session
	available indexedHeap[*session] // unlocked, with messages; the oldest message first
	touched   []*session            // locked ones with something to deliver
	waiting   []*acceptance
}

func newSessions() sessions {
	return sessions{byID: map[string]*session{}, available: indexedHeap[*session]{
		less:     func(a, b *session) bool { return a.ready.items[0].sequence < b.ready.items[0].sequence },
		position: func(s *session) *int { return &s.inAvailable },
	}}
}

func (ss *sessions) get(id string) *session {
	s := ss.byID[id]
	if s == nil {
		s = &session{id: id, ready: newReadyHeap(), locked: map[*Message]struct{}{}}
		ss.byID[id] = s
	}
	return s
}

// joined counts a message in.
func (ss *sessions) joined(s *session) {
	if s != nil {
		s.size++
	}
}

// left counts a message out.
func (ss *sessions) left(s *session) {
	if s != nil {
		s.size--
		ss.forget(s)
	}
}

// forget drops a session that nothing is left of.
func (ss *sessions) forget(s *session) {
	if s.size == 0 && s.holder == nil && s.state == nil {
		delete(ss.byID, s.id)
	}
}

// changed has to be called whenever a session's ready messages or its holder
// changed, before anything else is done with the sessions.
func (ss *sessions) changed(s *session) {
	if s == nil {
		return
	}
	if s.holder == nil && s.ready.Len() > 0 {
		ss.available.put(s)
		return
	}
	ss.available.remove(s)
	if s.ready.Len() > 0 {
		ss.touched = append(ss.touched, s)
	}
}

// dispatchSessions gives available sessions to those who wait for any, and
// messages to those who hold their session.
func (q *Queue) dispatchSessions() {
	for len(q.sessions.waiting) > 0 {
		s, any := q.sessions.available.first()
		if !any {
			break
		}
		if q.next(&s.ready, q.clock.Now()) == nil {
			continue // all expired: the session is no longer available
		}
		a := q.sessions.waiting[0]
		q.sessions.waiting = q.sessions.waiting[1:]
		a.finish(q.hold(s, a.receiver, a.deletes), nil)
	}
	touched := q.sessions.touched
	q.sessions.touched = nil
	for _, s := range touched {
		q.dispatchSession(s)
	}
}

func (q *Queue) dispatchSession(s *session) {
	now := q.clock.Now()
	for s.holder != nil && s.holder.hungry() {
		m := q.next(&s.ready, now)
		if m == nil {
			return
		}
		q.deliver(s.holder, m)
	}
}

// hold locks a session for a new consumer.
func (q *Queue) hold(s *session, r Receiver, deletes bool) *Consumer {
	s.holder = q.attach(&Consumer{queue: q, receiver: r, deletes: deletes, session: s})
	q.extendSession(s)
	q.sessions.changed(s)
	return s.holder
}

func (q *Queue) extendSession(s *session) {
	s.lockedUntil = q.clock.Now().Add(q.properties.LockDuration)
	q.alarms.set(s, s.lockedUntil)
	for m := range s.locked {
		m.lockedUntil = s.lockedUntil
	}
}

// releaseSession ends the lock on a session; failed says whether the deliveries
// out of it count.
func (q *Queue) releaseSession(s *session, failed bool) {
	q.alarms.clear(s)
	s.holder = nil
	for m := range s.locked {
		q.giveBack(m, failed)
	}
	q.sessions.changed(s)
	q.sessions.forget(s)
}
