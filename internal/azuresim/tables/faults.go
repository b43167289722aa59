package tables

import (
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// Faults are the shares, 0 to 1, of requests that go wrong; together they are at
// most 1. The zero value is a healthy service.
type Faults struct {
	// Cut closes the connection before anything happened.
	Cut float64
	// Busy and TimedOut answer 503 ServerBusy and 500 OperationTimedOut, and nothing happened.
	Busy, TimedOut float64
	// BusyAfter and TimedOutAfter answer the same although the request took effect.
	BusyAfter, TimedOutAfter float64
	// LoseAnswer closes the connection after the effect, without an answer.
	LoseAnswer float64

	// RetryAfter, if not 0, accompanies 503 and 500 in x-ms-retry-after-ms, which
	// Microsoft's SDKs obey: tests need not wait for their backoff.
	RetryAfter time.Duration
}

// mishap is what befalls one request.
type mishap struct {
	name       string // as FaultsMet counts it
	cut        bool
	late       bool // the request takes effect all the same
	refusal    *refusal
	retryAfter time.Duration
}

func (m mishap) dress(a answer) answer {
	if m.retryAfter == 0 {
		return a
	}
	return a.with("x-ms-retry-after-ms", strconv.FormatInt(m.retryAfter.Milliseconds(), 10))
}

// faultSource draws lots from a fixed seed, so that a run can be repeated.
type faultSource struct {
	mu     sync.Mutex
	faults Faults
	chance *rand.Rand
	met    map[string]int
}

func newFaultSource() faultSource {
	return faultSource{chance: rand.New(rand.NewPCG(1, 2)), met: map[string]int{}}
}

// SetFaults says what goes wrong from now on.
func (a *Account) SetFaults(f Faults) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.faults = f
}

// FaultsMet counts what went wrong so far, by the names of Faults' fields.
func (a *Account) FaultsMet() map[string]int {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	return maps.Clone(a.faults.met)
}

func (s *faultSource) draw() mishap {
	s.mu.Lock()
	defer s.mu.Unlock()
	lot, f := s.chance.Float64(), s.faults
	for _, possible := range []struct {
		share  float64
		mishap mishap
	}{
		{f.Cut, mishap{name: "Cut", cut: true}},
		{f.Busy, mishap{name: "Busy", refusal: errServerBusy}},
		{f.TimedOut, mishap{name: "TimedOut", refusal: errOperationTimedOut}},
		{f.BusyAfter, mishap{name: "BusyAfter", refusal: errServerBusy, late: true}},
		{f.TimedOutAfter, mishap{name: "TimedOutAfter", refusal: errOperationTimedOut, late: true}},
		{f.LoseAnswer, mishap{name: "LoseAnswer", cut: true, late: true}},
	} {
		if lot < possible.share {
			possible.mishap.retryAfter = f.RetryAfter
			s.met[possible.mishap.name]++
			return possible.mishap
		}
		lot -= possible.share
	}
	return mishap{}
}
