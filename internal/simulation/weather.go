package simulation

import (
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// weather is what goes wrong in one world, and how often. No world has all of it:
// where everything fails, nothing gets far enough to meet a rare case.
type weather struct {
	w      *world
	clear  bool          // from now on nothing goes wrong
	one    map[Fault]int // how often: one in so many
	old    int           // reads of Graph that are behind
	spells []spell
	slow   bool // replication takes minutes now and then
	// In most worlds one effect fails often, in one way: what it takes to meet
	// combinations that are rare otherwise.
	focus      string
	focusFault Fault

	grantTakes time.Duration
}

// spell is a time in which calls whose name begins with a word fail.
type spell struct {
	call     string
	from, to time.Time
	err      error
}

// longestOutage is how long a spell lasts at most.
const longestOutage = time.Hour

func newWeather(w *world) *weather {
	x := &weather{w: w, one: map[Fault]int{}, slow: w.oneIn(4)}
	for _, f := range append(Faults(), Astray()...) {
		if w.oneIn(2) {
			x.one[f] = pick(w.chance, []int{15, 40, 120, 400})
		}
	}
	for _, f := range []Fault{KillBefore, KillAfter, KillDuring} {
		x.one[f] *= 3
	}
	if !w.oneIn(3) {
		x.focus, x.focusFault = pick(w.chance, effects()), pick(w.chance, Faults())
	}
	if w.oneIn(2) {
		x.old = pick(w.chance, []int{2, 5, 20})
	}
	if w.oneIn(3) {
		x.grantTakes = w.between(time.Minute, 20*time.Minute)
	}
	return x
}

// fault decides what becomes of one effect.
func (x *weather) fault(name string) Fault {
	if !x.clear && strings.HasPrefix(name, x.focus) && x.w.oneIn(4) {
		return x.focusFault
	}
	return x.choose(Faults())
}

func (x *weather) astray() Fault { return x.choose(Astray()) }

func (x *weather) choose(faults []Fault) Fault {
	if x.clear {
		return flawless
	}
	for _, f := range faults {
		if x.w.oneIn(x.one[f]) {
			return f
		}
	}
	return flawless
}

// replication is how long one replica takes to know a new credential.
func (x *weather) replication() time.Duration {
	switch {
	case x.clear, x.w.oneIn(2):
		return 0
	case x.slow && x.w.oneIn(20):
		return x.w.between(0, 15*time.Minute) // longer than an attempt is waited for
	}
	return x.w.between(0, 18*time.Second)
}

// outage returns why a call fails just now, or nil.
func (x *weather) outage(name string) error {
	now := time.Now()
	for _, s := range x.spells {
		if !x.clear && strings.HasPrefix(name, s.call) && !now.Before(s.from) && now.Before(s.to) {
			return s.err
		}
	}
	return nil
}

// forecast plans the spells of the time in which things go wrong.
func (x *weather) forecast(span time.Duration) {
	kinds := []spell{
		{call: "store", err: errorText("store: out of reach")},
		{call: "store write", err: errorText("store: the server is busy")},
		{call: "bus", err: errorText("bus: out of reach")},
		{call: "graph", err: errorText("graph: out of reach")},
		{call: "graph addPassword", err: rotation.Permanently("graph: passwords are forbidden by policy")},
		{call: "graph replaceKeys", err: rotation.Permanently("graph: the object has exceeded its size")},
		{call: "entra", err: errorText("entra: out of reach")},
		{call: "stage", err: errorText("stage: out of reach")},
		{call: "stage", err: denied("stage: forbidden by firewall")},
	}
	for _, word := range integrationWords() {
		kinds = append(kinds,
			spell{call: word, err: errorText(word + ": out of reach")},
			spell{call: word, err: denied(word + ": forbidden")},
			spell{call: word, err: rotation.Permanently("%s: it is not there", word)})
	}
	for range x.w.IntN(4) {
		s := pick(x.w.chance, kinds)
		s.from = time.Now().Add(x.w.between(0, span))
		s.to = s.from.Add(x.w.between(time.Minute, longestOutage))
		x.spells = append(x.spells, s)
	}
}
