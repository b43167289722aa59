package servicebus

import (
	"errors"
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
}

// SetFaults says what goes wrong from now on.
func (n *Namespace) SetFaults(f Faults) {
	n.faults.mu.Lock()
	defer n.faults.mu.Unlock()
	n.faults.faults = f
}

func (s *faultSource) happens(share func(Faults) float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := share(s.faults)
	return p > 0 && rand.Float64() < p
}

func (s *faultSource) cut() bool  { return s.happens(func(f Faults) float64 { return f.Cut }) }
func (s *faultSource) busy() bool { return s.happens(func(f Faults) float64 { return f.Busy }) }
func (s *faultSource) loseAnswer() bool {
	return s.happens(func(f Faults) float64 { return f.LoseAnswer })
}
