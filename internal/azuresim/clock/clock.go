// Package clock is the time of the simulated Azure. It runs at the speed of the
// wall clock and can be moved forward, so that a secret's expiry or a lock's end
// can be seen without waiting for it.
//
// Every simulated service reads this clock and none sleeps: what has to happen
// later is handed to AfterFunc, which fires when simulated time gets there,
// whether by waiting or by Advance.
package clock

import (
	"sync"
	"time"
)

// Clock is simulated time. Its methods may be called from any goroutine.
type Clock struct {
	mu      sync.Mutex
	ahead   time.Duration
	pending map[*alarm]struct{}
}

type alarm struct {
	due   time.Time
	timer *time.Timer
	fire  func()
}

// New returns a clock that shows the wall clock's time.
func New() *Clock {
	return &Clock{pending: map[*alarm]struct{}{}}
}

// Now returns the simulated time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time { return time.Now().Add(c.ahead).UTC() }

// Advance moves time forward by d and fires, each in its own goroutine, every
// function that has become due. Time never goes back: d below zero does nothing.
func (c *Clock) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
	now := c.now()
	for a := range c.pending {
		a.timer.Reset(max(0, a.due.Sub(now)))
	}
}

// AfterFunc calls f in its own goroutine once d of simulated time has passed.
// The returned function cancels the call; it reports whether it came in time.
func (c *Clock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{due: c.now().Add(d), fire: f}
	c.pending[a] = struct{}{}
	a.timer = time.AfterFunc(max(0, d), func() { c.run(a) })
	return func() bool { return c.take(a) }
}

func (c *Clock) run(a *alarm) {
	if c.take(a) {
		a.fire()
	}
}

// take claims the alarm: a timer that was reset while it fired must not run twice.
func (c *Clock) take(a *alarm) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, waiting := c.pending[a]; !waiting {
		return false
	}
	delete(c.pending, a)
	a.timer.Stop()
	return true
}
