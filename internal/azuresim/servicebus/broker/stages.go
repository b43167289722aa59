package broker

import "time"

// move takes a message from the structures of its stage to those of another and
// sets the deadline that goes with it. A message that was just appended has the
// stage "stages": it is in none.
func (q *Queue) move(m *Message, to stage) {
	q.leave(m)
	m.stage = to
	q.counts[to]++
	switch to {
	case ready:
		q.enterReady(m)
	case locked:
		q.enterLocked(m)
	case scheduled:
		q.alarms.set(m, m.due)
	case gone:
		q.counts[gone] = 0
		q.messages.removed()
		q.sessions.left(m.session)
	case deferred:
		m.wasDeferred = true
	}
}

func (q *Queue) leave(m *Message) {
	q.alarms.clear(m)
	if m.stage < stages {
		q.counts[m.stage]--
	}
	switch m.stage {
	case ready:
		q.readyOf(m).remove(m)
		q.sessions.changed(m.session)
	case locked:
		delete(q.locked, m.token)
		if m.session != nil {
			delete(m.session.locked, m)
		}
	}
}

func (q *Queue) enterReady(m *Message) {
	m.wasDeferred = false
	q.readyOf(m).put(m)
	if at, ever := m.expires(); ever {
		q.alarms.set(m, at)
	}
	q.sessions.changed(m.session)
}

func (q *Queue) enterLocked(m *Message) {
	m.token = newToken()
	q.locked[m.token] = m
	if m.session != nil {
		m.session.locked[m] = struct{}{}
		m.lockedUntil = m.session.lockedUntil
		return
	}
	q.extend(m)
}

func (q *Queue) extend(m *Message) {
	m.lockedUntil = q.clock.Now().Add(q.properties.LockDuration)
	q.alarms.set(m, m.lockedUntil)
}

func (q *Queue) readyOf(m *Message) *indexedHeap[*Message] {
	if m.session != nil {
		return &m.session.ready
	}
	return &q.ready
}

// ring is called by the clock when the next deadline may have been reached.
func (q *Queue) ring() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.alarms.rang()
	if q.closed {
		return
	}
	q.passDeadlines()
	q.alarms.arm()
	q.dispatch()
}

// passDeadlines lets everything happen whose time has come. Whoever looks at
// locks or expiry calls it first: the timer may be a moment late.
func (q *Queue) passDeadlines() {
	now := q.clock.Now()
	for t, any := q.alarms.due(now); any; t, any = q.alarms.due(now) {
		t.pass(q, now)
	}
}

// pass ends what the message was waiting for: its due time, its lock, its life.
func (m *Message) pass(q *Queue, now time.Time) {
	switch m.stage {
	case scheduled:
		q.activateScheduled(m, now)
	case locked:
		q.giveBack(m, true)
	case ready:
		q.expire(m)
	}
}

// activateScheduled appends the message anew: it is in the queue from now on,
// with a number of now.
func (q *Queue) activateScheduled(m *Message, now time.Time) {
	q.move(m, gone)
	active := &Message{content: m.content, ttl: m.ttl, stage: stages}
	q.append(active)
	active.enqueuedSequence = active.sequence
	q.activate(active, now)
}

// giveBack returns a locked message, counting the delivery as failed or not.
func (q *Queue) giveBack(m *Message, failed bool) {
	if failed && q.deadLetters != nil {
		m.deliveries++
		if m.deliveries >= uint32(q.properties.MaxDeliveryCount) {
			q.bury(m, "MaxDeliveryCountExceeded", "Message could not be consumed after maximum delivery attempts.")
			return
		}
	}
	switch {
	case m.wasDeferred:
		q.move(m, deferred)
	case m.expired(q.clock.Now()):
		q.expire(m)
	default:
		q.move(m, ready)
	}
}

func (q *Queue) expire(m *Message) {
	if q.properties.DeadLetterOnExpiration {
		q.bury(m, "TTLExpiredException", "The message expired and was dead lettered.")
		return
	}
	q.move(m, gone)
}

// bury moves a message to the dead-letter queue. A dead letter that is buried
// again stays where it is.
func (q *Queue) bury(m *Message, reason, description string) {
	if q.deadLetters == nil {
		q.move(m, ready)
		return
	}
	q.move(m, gone)
	content := m.content
	if reason != "" {
		content = content.WithApplication("DeadLetterReason", reason)
	}
	if description != "" {
		content = content.WithApplication("DeadLetterErrorDescription", description)
	}
	dead := &Message{content: content, enqueued: m.enqueued, enqueuedSequence: m.sequence, deliveries: m.deliveries, stage: stages}
	q.deadLetters.take(dead)
}

func (q *Queue) take(m *Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.append(m)
	q.move(m, ready)
	q.dispatch()
}
