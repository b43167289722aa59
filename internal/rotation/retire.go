package rotation

import (
	"slices"
	"time"
)

// The retiring rule. A credential that we made or were handed may be removed
// when no clause objects. One clause cannot be judged from rows: the engine
// reads Graph afresh, under the lease, and removes nothing while the current
// credential is not there.

// clause is one condition of the retiring rule. It may know when it will cease
// to object; the zero time means that only an event can tell.
type clause struct {
	name    string
	objects func(Snapshot, Entry) (objects bool, until time.Time)
}

// always are the clauses that hold for every entry.
var always = []clause{
	{"it is the current credential", isCurrent},
	{"it is being created", isInFlight},
	{"its keyId is not known", isUnresolved},
}

// unlessCutShort are the clauses on confirmation, holdings and overlap. They
// fall away for what was never published, what has passed its own end, and what
// an emergency revokes.
var unlessCutShort = []clause{
	{"no target has confirmed the current credential", isUnconfirmed},
	{"a target may still hold it", isHeld},
	{"the overlap has not passed", isInOverlap},
}

// Objection says why an entry may not be removed yet.
type Objection struct {
	Clause string
	Until  time.Time // when to look again, or zero
}

// Objects judges one entry by the retiring rule. The second result is false
// when nothing objects.
func Objects(s Snapshot, e Entry) (Objection, bool) {
	if objection, objects := judge(s, e, always); objects {
		return objection, true
	}
	until, cut := cutShort(s, e)
	if cut {
		return Objection{}, false
	}
	objection, objects := judge(s, e, unlessCutShort)
	return soonest(objection, until), objects
}

func judge(s Snapshot, e Entry, clauses []clause) (Objection, bool) {
	for _, c := range clauses {
		if objects, until := c.objects(s, e); objects {
			return Objection{c.name, until}, true
		}
	}
	return Objection{}, false
}

// cutShort reports whether the entry may go without confirmation, holdings and
// overlap, or else when it will.
func cutShort(s Snapshot, e Entry) (time.Time, bool) {
	if !e.Published && !e.Adopted() {
		return time.Time{}, true
	}
	// Whoever holds a credential past its end cannot use it. The margin is for
	// clocks that differ.
	until := e.End.Add(ClockMargin)
	if !e.RevokeAt.IsZero() && e.RevokeAt.Before(until) {
		until = e.RevokeAt
	}
	return until, !s.Now.Before(until)
}

// ClockMargin is how much the clocks of those who use a credential may differ.
const ClockMargin = 5 * time.Minute

func soonest(o Objection, until time.Time) Objection {
	if o.Until.IsZero() || until.Before(o.Until) {
		o.Until = until
	}
	return o
}

func isCurrent(s Snapshot, e Entry) (bool, time.Time) {
	return e.Resolved() && e.KeyID == s.state().Current, time.Time{}
}

func isInFlight(s Snapshot, e Entry) (bool, time.Time) { return s.inFlight(e), time.Time{} }

func isUnresolved(_ Snapshot, e Entry) (bool, time.Time) { return !e.Resolved(), time.Time{} }

func isUnconfirmed(s Snapshot, _ Entry) (bool, time.Time) {
	return s.LastConfirmation().IsZero(), time.Time{}
}

func isHeld(s Snapshot, e Entry) (bool, time.Time) {
	for _, h := range s.Holdings {
		if h.Holds(e.Generation) || slices.ContainsFunc(e.Earlier, h.Holds) {
			return true, time.Time{}
		}
	}
	return false, time.Time{}
}

func isInOverlap(s Snapshot, e Entry) (bool, time.Time) {
	if !e.RevokeAt.IsZero() {
		return false, time.Time{}
	}
	from := s.LastConfirmation()
	if e.Adopted() {
		from = latest(from, e.At)
	}
	until := from.Add(s.Policy().Overlap)
	return s.Now.Before(until), until
}

func decideRetire(s Snapshot) Step {
	rest := Step{}
	for _, e := range s.state().Ledger {
		objection, objects := Objects(s, e)
		if !objects {
			return s.retireUnlessMissing(e)
		}
		if at := objection.Until; !at.IsZero() && (rest.Do == "" || at.Before(rest.At)) {
			rest = wait(at, objection.Clause)
		}
	}
	return rest
}

// retireUnlessMissing removes nothing that replaces a current credential which
// was last seen missing; decideLook settles that first.
func (s Snapshot) retireUnlessMissing(e Entry) Step {
	if !s.state().MissingSince.IsZero() && (e.Published || e.Adopted()) {
		return Step{}
	}
	return Step{Do: Retire, Entry: e}
}
