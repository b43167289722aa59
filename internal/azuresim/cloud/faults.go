package cloud

import (
	"math/rand/v2"
	"sync"
)

// faults holds the rules in force.
type faults struct {
	mu     sync.Mutex
	rules  []Fault
	chance *rand.Rand
}

// newFaults draws lots from a fixed seed, so that a run can be repeated.
func newFaults() *faults {
	return &faults{chance: rand.New(rand.NewPCG(1, 2))}
}

func (f *faults) set(rules []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = rules
}

func (f *faults) list() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Fault{}, f.rules...)
}

// next draws the fault for one call; nil means that it goes well.
func (f *faults) next(host, method, requestPath string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.rules {
		rule := &f.rules[i]
		if !rule.matches(host, method, requestPath) || rule.Count != nil && *rule.Count == 0 {
			continue
		}
		if rule.Rate != nil && f.chance.Float64() >= *rule.Rate {
			continue
		}
		if rule.Count != nil {
			left := *rule.Count - 1
			rule.Count = &left
		}
		chosen := *rule
		return &chosen
	}
	return nil
}
