package rotation

import (
	"context"
	"slices"
	"time"
)

// Plan is what a rotation would do if every call were answered well and nobody
// changed anything meanwhile.
type Plan struct {
	Rotation Rotation // as it would be at its end
	Steps    []PlannedStep
	Kept     []Kept
	Due      Due       // of the new credential
	End      time.Time // of the new credential
}

// PlannedStep is one step of a plan.
type PlannedStep struct {
	Do     Action
	At     time.Time // at the earliest
	Target string    // Deliver
	Entry  Entry     // Create and Retire: the credential
	Why    string    // Fail
}

// Kept is a credential that the plan leaves, and what keeps it.
type Kept struct {
	Entry     Entry
	Objection Objection
}

// A Call is one call to an outside service that changes something there, or that
// proves a credential.
type Call struct {
	Service string `json:"service"` // in words
	Method  string `json:"method"`
	Path    string `json:"path"` // names in braces are not known beforehand
}

// A Planner can say which of these calls a delivery would make, those of Prepare
// included unless it is prepared already. The delivery has no credential yet. It
// changes nothing, and its errors are Faults.
type Planner interface {
	Plan(ctx context.Context, d Delivery, prepared bool) ([]Call, error)
}

// NewKeyID stands for the key id of the credential that a plan would make.
const NewKeyID = "{keyId}"

// longestPlan ends a plan that comes to no end by itself: its steps and the times at
// which there would be nothing to do, of which there is one a day for ten years.
const longestPlan = 5000

// PlanOf plans a rotation that is in flight in the snapshot. It asks Next, as the
// engine does, lets what Next says succeed, and asks again: until the next rotation
// would be due, or nothing would be left to do.
func PlanOf(s Snapshot) Plan {
	f := foresight{Snapshot: s.clone()}
	for range longestPlan {
		step := Next(f.Snapshot)
		if step.Do == Request || step.Do == Wait && f.settled() || !f.succeed(step) {
			break
		}
	}
	return f.plan()
}

// clone returns a snapshot of which everything that a plan changes is its own.
func (s Snapshot) clone() Snapshot {
	state := s.Head.Kind(s.Kind)
	state.Ledger = slices.Clone(state.Ledger)
	s.Head.Lease, state.Gone, state.MissingSince = Lease{}, Absence{}, time.Time{}
	s.Deployments, s.Holdings = slices.Clone(s.Deployments), slices.Clone(s.Holdings)
	if s.InFlight != nil {
		r := *s.InFlight
		s.InFlight = &r
	}
	if s.Current != nil {
		r := *s.Current
		s.Current = &r
	}
	return s
}

// foresight is a snapshot of what has not happened yet.
type foresight struct {
	Snapshot
	steps []PlannedStep
}

// state is the foresight's own, to be changed.
func (f *foresight) state() *KindState { return f.Head.Kind(f.Kind) }

// settled reports whether the rotation has ended and only its credential is left.
func (f *foresight) settled() bool {
	return f.InFlight == nil && len(f.state().Ledger) <= 1
}

func (f *foresight) note(p PlannedStep) {
	p.At = f.Now
	f.steps = append(f.steps, p)
}

// succeed does what a step would have done in the end. It reports false where the
// plan ends with it.
func (f *foresight) succeed(step Step) bool {
	switch step.Do {
	case Create, Recover:
		f.create()
	case Verify:
		f.note(PlannedStep{Do: Verify})
		w := f.Policy().Waits
		f.Now = f.Now.Add(time.Duration(w.VerifySuccesses-1) * w.VerifyEvery)
		f.InFlight.State = Verified
	case Publish:
		f.publish()
	case Deliver:
		f.deliver(step.Send)
	case Close:
		f.Current.State = Completed
		f.note(PlannedStep{Do: Close})
	case Look:
		f.state().Drop(func(e Entry) bool { return !e.Resolved() })
	case Retire:
		f.note(PlannedStep{Do: Retire, Entry: step.Entry})
		f.state().Forget(step.Entry.KeyID)
	case Wait:
		later := step.At.After(f.Now)
		f.Now = latest(f.Now, step.At)
		return later
	default:
		f.note(PlannedStep{Do: step.Do, Why: step.Why})
		return false
	}
	return true
}

// create makes the credential. An attempt without an answer is taken for one that
// made nothing.
func (f *foresight) create() {
	r, p := f.InFlight, f.Policy()
	f.state().Drop(func(e Entry) bool { return !e.Resolved() })
	r.Attempt++
	r.AttemptOpen, r.State, r.KeyID = false, Staged, NewKeyID
	entry := Entry{
		Generation: r.ID.Generation, Attempt: r.Attempt, KeyID: NewKeyID,
		Start: f.Now, End: p.EndOf(f.Now), At: f.Now,
	}
	f.state().Ledger = append(f.state().Ledger, entry)
	f.note(PlannedStep{Do: Create, Entry: entry})
}

func (f *foresight) publish() {
	r := f.InFlight
	r.State, r.PublishedAt = Published, f.Now
	state, cut := f.state(), f.Now.Add(f.Policy().Waits.EmergencyCut)
	if r.RevokeNow {
		cut = f.Now
	}
	for i := range state.Ledger {
		switch e := &state.Ledger[i]; {
		case e.KeyID == r.KeyID:
			e.Published = true
		case r.Emergency && e.RevokeAt.IsZero():
			e.RevokeAt = cut
		}
	}
	state.Current, state.InFlight, state.RetryAt = r.KeyID, 0, time.Time{}
	for _, t := range f.Targets {
		if t.Enabled {
			r.Targets = append(r.Targets, t.ID)
		}
	}
	f.Current, f.InFlight, f.Deployments = r, nil, nil
	f.note(PlannedStep{Do: Publish})
}

// deliver lets every target confirm as soon as it may be written.
func (f *foresight) deliver(dispatches []Dispatch) {
	now := f.Now
	done := now
	for _, x := range dispatches {
		d := x.Deployment
		if x.Send {
			f.Now = now
			f.Now = f.opens(d.Target)
			d.State, d.ConfirmedAt = DeploymentConfirmed, f.Now
			f.note(PlannedStep{Do: Deliver, Target: d.Target})
			f.confirm(d)
			done = latest(done, f.Now)
		}
		f.Deployments = slices.DeleteFunc(f.Deployments, func(o Deployment) bool { return o.Target == d.Target })
		f.Deployments = append(f.Deployments, d)
	}
	f.Now = done
}

func (f *foresight) opens(target string) time.Time {
	i := slices.IndexFunc(f.Targets, func(t TargetRow) bool { return t.ID == target })
	return f.Opens(f.Targets[i])
}

func (f *foresight) confirm(d Deployment) {
	h := f.Holding(d.Target)
	h.Confirm(f.Current.ID.Generation, h.Delivery)
	f.Holdings = slices.DeleteFunc(f.Holdings, func(o Holding) bool { return o.Target == d.Target })
	f.Holdings = append(f.Holdings, h)
}

func (f *foresight) plan() Plan {
	slices.SortStableFunc(f.steps, func(a, b PlannedStep) int { return a.At.Compare(b.At) })
	p := Plan{Steps: f.steps}
	for _, r := range []*Rotation{f.Current, f.InFlight} {
		if r != nil {
			p.Rotation = *r
		}
	}
	for _, e := range f.state().Ledger {
		if e.KeyID == p.Rotation.KeyID {
			p.Due, p.End = f.Policy().due(e.Start, e.End), e.End
			continue
		}
		objection, _ := Objects(f.Snapshot, e)
		p.Kept = append(p.Kept, Kept{e, objection})
	}
	return p
}
