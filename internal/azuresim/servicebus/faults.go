package servicebus

import (
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
)

// Faults are the shares, 0 to 1, of a client's sends, settlements and management
// requests that go wrong. The zero value is a healthy service.
type Faults struct {
	// Cut breaks the connection before anything happened.
	Cut float64
	// Busy refuses sends with com.microsoft:server-busy.
	Busy float64
	// LoseAnswer breaks the connection after the effect, before the answer.
	LoseAnswer float64
}

// errFault ends a connection without a word.
var errFault = errors.New("cut off on purpose")

type faultSource struct {
	mu     sync.Mutex
	faults Faults
	met    map[string]int
}

// SetFaults says what goes wrong from now on.
func (n *Namespace) SetFaults(f Faults) {
	n.faults.mu.Lock()
	defer n.faults.mu.Unlock()
	n.faults.faults = f
}

// FaultsMet counts what went wrong so far, by the names of Faults' fields.
func (n *Namespace) FaultsMet() map[string]int {
	n.faults.mu.Lock()
	defer n.faults.mu.Unlock()
	return maps.Clone(n.faults.met)
}

func (s *faultSource) happens(name string, share func(Faults) float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := share(s.faults)
	if p <= 0 || rand.Float64() >= p {
		return false
	}
	if s.met == nil {
		s.met = map[string]int{}
	}
	s.met[name]++
	return true
}

func (s *faultSource) cut() bool {
	return s.happens("Cut", func(f Faults) float64 { return f.Cut })
}

func (s *faultSource) busy() bool {
	return s.happens("Busy", func(f Faults) float64 { return f.Busy })
}

func (s *faultSource) loseAnswer() bool {
	return s.happens("LoseAnswer", func(f Faults) float64 { return f.LoseAnswer })
}
