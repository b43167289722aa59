package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Coverage counts what worlds met: which fault hit which effect, and which steps
// rotations and deployments took. It may be added to from several goroutines.
type Coverage struct {
	mu          sync.Mutex
	Effects     map[string]map[Fault]int
	Rotations   map[string]int // "staged -> verified"
	Deployments map[string]int
	Worlds      int
	Done        map[string]int // what people did
	Completed   int
	DeadLetters int
}

// NewCoverage returns one that is empty.
func NewCoverage() *Coverage {
	return &Coverage{Effects: map[string]map[Fault]int{}, Rotations: map[string]int{}, Deployments: map[string]int{}, Done: map[string]int{}}
}

func (c *Coverage) met(effect string, fault Fault) {
	if c.Effects[effect] == nil {
		c.Effects[effect] = map[Fault]int{}
	}
	c.Effects[effect][fault]++
}

func (c *Coverage) rotation(from, to string) {
	if from != to {
		c.Rotations[step(from, to)]++
	}
}

func (c *Coverage) deployment(from, to string) {
	if from != to {
		c.Deployments[step(from, to)]++
	}
}

func step(from, to string) string {
	if from == "" {
		from = "nothing"
	}
	return from + " -> " + to
}

// Add adds what another met.
func (c *Coverage) Add(other *Coverage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for effect, faults := range other.Effects {
		for fault, n := range faults {
			if c.Effects[effect] == nil {
				c.Effects[effect] = map[Fault]int{}
			}
			c.Effects[effect][fault] += n
		}
	}
	sum(c.Rotations, other.Rotations)
	sum(c.Deployments, other.Deployments)
	sum(c.Done, other.Done)
	c.Worlds += other.Worlds
	c.Completed += other.Completed
	c.DeadLetters += other.DeadLetters
}

func sum(into, from map[string]int) {
	for name, n := range from {
		into[name] += n
	}
}

// Missing lists what should have been met and was not: every fault at every effect,
// and every step that a rotation or a deployment may take.
func (c *Coverage) Missing() (missing []string) {
	hit := func(effect string, faults []Fault) {
		for _, fault := range faults {
			if c.Effects[effect][fault] == 0 {
				missing = append(missing, fmt.Sprintf("%s: %s", effect, fault))
			}
		}
	}
	for _, effect := range effects() {
		hit(effect, Faults())
	}
	hit("graph read", []Fault{Old})
	hit("message", Astray())
	for _, from := range rotation.States() {
		for _, to := range rotation.States() {
			if from.CanBecome(to) && c.Rotations[step(string(from), string(to))] == 0 {
				missing = append(missing, "rotation: "+step(string(from), string(to)))
			}
		}
	}
	for _, from := range rotation.DeploymentStates() {
		for _, to := range rotation.DeploymentStates() {
			if from != to && from.CanBecome(to) && c.Deployments[step(string(from), string(to))] == 0 {
				missing = append(missing, "deployment: "+step(string(from), string(to)))
			}
		}
	}
	slices.Sort(missing)
	return missing
}

// String is the report.
func (c *Coverage) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d worlds, %d rotations completed, %d messages set aside\n\nfaults by effect:\n", c.Worlds, c.Completed, c.DeadLetters)
	columns := append(append(Faults(), Outage, Old), Astray()...)
	fmt.Fprintf(&b, "  %-22s %10s", "", "calls")
	for _, f := range columns {
		fmt.Fprintf(&b, " %17s", f)
	}
	for _, effect := range slices.Sorted(maps.Keys(c.Effects)) {
		calls := 0
		for _, n := range c.Effects[effect] {
			calls += n
		}
		fmt.Fprintf(&b, "\n  %-22s %10d", effect, calls)
		for _, f := range columns {
			fmt.Fprintf(&b, " %17d", c.Effects[effect][f])
		}
	}
	for _, part := range []struct {
		title string
		steps map[string]int
	}{{"rotations", c.Rotations}, {"deployments", c.Deployments}, {"what people did", c.Done}} {
		fmt.Fprintf(&b, "\n\n%s:", part.title)
		for _, s := range slices.Sorted(maps.Keys(part.steps)) {
			fmt.Fprintf(&b, "\n  %-28s %10d", s, part.steps[s])
		}
	}
	return b.String()
}
