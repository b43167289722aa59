package broker

import (
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
)

// deadline is something's place in a queue's heap of deadlines.
type deadline struct {
	at       time.Time
	position int
}

// timed is something that happens by itself at a time: pass is called with the
// queue locked, once its deadline is reached and taken away.
type timed interface {
	deadline() *deadline
	pass(q *Queue, now time.Time)
}

// alarms are the deadlines of one queue and the one timer armed for them.
type alarms struct {
	clock *clock.Clock
	ring  func()
	heap  indexedHeap[timed]
	armed time.Time // zero = no timer
	stop  func() bool
}

func newAlarms(c *clock.Clock, ring func()) alarms {
	return alarms{clock: c, ring: ring, heap: indexedHeap[timed]{
		less:     func(a, b timed) bool { return a.deadline().at.Before(b.deadline().at) },
		position: func(t timed) *int { return &t.deadline().position },
	}}
}

func (a *alarms) set(t timed, at time.Time) {
	t.deadline().at = at
	a.heap.put(t)
	a.arm()
}

func (a *alarms) clear(t timed) { a.heap.remove(t) }

// arm sees to it that the timer rings for the next deadline. One that rings too
// early, because its deadline was cleared, does no harm.
func (a *alarms) arm() {
	next, any := a.heap.first()
	if !any || !a.armed.IsZero() && !next.deadline().at.Before(a.armed) {
		return
	}
	if a.stop != nil {
		a.stop()
	}
	a.armed = next.deadline().at
	a.stop = a.clock.AfterFunc(a.armed.Sub(a.clock.Now()), a.ring)
}

// due takes out and returns what has reached its deadline, the earliest first.
func (a *alarms) due(now time.Time) (t timed, any bool) {
	t, any = a.heap.first()
	if !any || now.Before(t.deadline().at) {
		return nil, false
	}
	a.heap.remove(t)
	return t, true
}

// rang has to be called once when the timer has rung.
func (a *alarms) rang() { a.armed, a.stop = time.Time{}, nil }

func (a *alarms) close() {
	if a.stop != nil {
		a.stop()
	}
}
