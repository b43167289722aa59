package simulation

import (
	"slices"
	"time"
)

// agenda holds what happens when.
type agenda struct{ entries []entry }

type entry struct {
	at  time.Time
	run func()
}

func (a *agenda) add(at time.Time, run func()) { a.entries = append(a.entries, entry{at, run}) }

// take takes one of the entries that are due, whichever chance wants: what is due
// at one moment has no order.
func (a *agenda) take(now time.Time, c chance) (run func(), ok bool) {
	var due []int
	for i, e := range a.entries {
		if !e.at.After(now) {
			due = append(due, i)
		}
	}
	if len(due) == 0 {
		return nil, false
	}
	i := pick(c, due)
	run = a.entries[i].run
	a.entries = slices.Delete(a.entries, i, i+1)
	return run, true
}

// next returns when something is due.
func (a *agenda) next() (at time.Time, ok bool) {
	for i, e := range a.entries {
		if i == 0 || e.at.Before(at) {
			at = e.at
		}
	}
	return at, len(a.entries) > 0
}
