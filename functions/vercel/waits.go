package vercel

import (
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Waits are the pauses between two looks. What is zero has its default.
type Waits struct {
	Build  Pause // while something is being built: from 5 s to 1 min
	People Pause // while people are waited for: from 1 min to 15 min
}

// Pause is a pause that is twice as long each time, up to its longest.
type Pause struct{ First, Longest time.Duration }

func (p Pause) or(first, longest time.Duration) Pause {
	if p == (Pause{}) {
		return Pause{first, longest}
	}
	return p
}

// after is the pause after a number of tries.
func (p Pause) after(tries int) time.Duration {
	pause := p.First
	for range tries - 1 {
		if pause *= 2; pause >= p.Longest {
			return p.Longest
		}
	}
	return pause
}

// wait says when to come back: soon while something is being built, later while
// people are waited for.
func (t *Target) wait(h handle, waiting []news, tries int) rotation.Outcome {
	pause, words := t.waits.People, []string{}
	for _, n := range waiting {
		if !n.people {
			pause = t.waits.Build
		}
		words = append(words, n.waiting)
	}
	return rotation.Outcome{Handle: h.String(), After: pause.after(tries), Waiting: strings.Join(words, "; ")}
}
