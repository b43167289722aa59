package rotation

import (
	"slices"
	"time"
)

// Action is what the engine is to do next.
type Action string

// The actions.
const (
	Wait    Action = "wait"    // nothing before Step.At
	Request Action = "request" // begin a new rotation
	Create  Action = "create"  // begin the next attempt to create the credential
	Recover Action = "recover" // find out what an attempt without an answer did
	Verify  Action = "verify"  // try to get a token
	Publish Action = "publish" // make the credential the current one
	Deliver Action = "deliver" // bring deployments up to date and send them
	Close   Action = "close"   // every deployment ended
	Look    Action = "look"    // read Graph for what is unknown or missing
	Retire  Action = "retire"  // remove an old credential
	Fail    Action = "fail"    // end the rotation in flight
)

// Step is one decision.
type Step struct {
	Do     Action
	At     time.Time  // Wait: until when
	Why    string     // Wait and Fail: the reason
	Source Source     // Request: what asks for it
	Entry  Entry      // Retire: what to remove
	Send   []Dispatch // Deliver: the deployments
}

// Dispatch is one deployment that Deliver saves, sends or both.
type Dispatch struct {
	Deployment Deployment
	New        bool // there is no row yet
	Changed    bool // the row changes
	Send       bool
}

func wait(until time.Time, why string) Step { return Step{Do: Wait, At: until, Why: why} }

// decisions are asked in this order. The first that wants something done gets
// it; otherwise the earliest wait holds.
var decisions = []func(Snapshot) Step{
	decideInFlight,
	decideDeliver,
	decideClose,
	decideLook,
	decideRetire,
	decideDue,
}

// Next decides what is to be done now. What it returns is done, saved, and Next
// is asked again, until it says Wait.
func Next(s Snapshot) Step {
	if !s.Known() {
		return wait(s.beat(s.Policy().Waits.Resend), "a newer version is at work")
	}
	rest := wait(s.heartbeat(), "nothing to do")
	for _, decide := range decisions {
		step := fence(s, decide(s))
		switch {
		case step.Do == "":
		case step.Do != Wait:
			return step
		case step.At.Before(rest.At):
			rest = step
		}
	}
	return rest
}

// fence turns a step that needs Graph into a wait while somebody else holds the
// application's lease, or while there is no application.
func fence(s Snapshot, step Step) Step {
	needsLease := []Action{Create, Recover, Look, Retire}
	lease, gone := s.Head.Lease, s.state().Gone
	if (step.Do == Look || step.Do == Retire) && s.Now.Before(gone.Until) {
		return wait(gone.Until, "the application is gone")
	}
	if slices.Contains(needsLease, step.Do) && lease.HeldAt(s.Now) && lease.Holder != s.Invocation {
		return wait(lease.Free, "another invocation holds the lease")
	}
	return step
}

// mostIdle is how many wake-ups without progress, known waits aside, end a rotation.
const mostIdle = 100

func decideInFlight(s Snapshot) Step {
	r := s.InFlight
	switch {
	case r == nil:
		return Step{}
	case r.Idle >= mostIdle:
		return Step{Do: Fail, Why: "stuck"}
	case s.Now.Before(r.NotBefore):
		return wait(r.NotBefore, "held back after an error")
	}
	switch r.State {
	case Requested:
		return decideAttempt(s, *r)
	case Staged:
		return Step{Do: Verify}
	case Verified:
		return Step{Do: Publish}
	}
	return Step{}
}

func decideAttempt(s Snapshot, r Rotation) Step {
	if r.AttemptOpen {
		return Step{Do: Recover}
	}
	if r.Attempt >= s.Policy().Waits.CreateAttempts {
		return Step{Do: Fail, Why: "no attempt gave a credential that works"}
	}
	return Step{Do: Create}
}

func decideDue(s Snapshot) Step {
	k, p := s.state(), s.Policy()
	if s.InFlight != nil || !p.Enabled || s.paused() || k.SchedulePaused {
		return Step{}
	}
	if due := k.Due(p); s.Now.Before(due.At) {
		return wait(due.At, string(due.Reason))
	}
	return Step{Do: Request, Source: BySchedule}
}

func decideClose(s Snapshot) Step {
	if s.Current == nil || s.Current.State != Published && s.Current.State != Incomplete {
		return Step{}
	}
	failed := false
	for _, target := range s.Current.Targets {
		d, ok := s.Deployment(target)
		if !ok || !d.State.Ended() {
			return Step{}
		}
		failed = failed || d.State == DeploymentFailed
	}
	if failed && s.Current.State == Incomplete {
		return Step{}
	}
	return Step{Do: Close}
}

// FailedTargets names the targets that keep the current rotation incomplete.
func (s Snapshot) FailedTargets() (failed []string) {
	for _, d := range s.Deployments {
		if d.State == DeploymentFailed && slices.Contains(s.Current.Targets, d.Target) {
			failed = append(failed, d.Target)
		}
	}
	return failed
}

// decideLook asks for a fresh read of Graph while something is unknown: what an
// attempt without an answer made, or whether the current credential is gone.
func decideLook(s Snapshot) Step {
	k, w := s.state(), s.Policy().Waits
	step := Step{}
	consider := func(at time.Time, why string) {
		if step.Do == "" || at.Before(step.At) {
			step = wait(at, why)
		}
	}
	if !k.MissingSince.IsZero() {
		consider(k.MissingSince.Add(w.MissingAgain), "the current credential was not seen in Entra")
	}
	for _, e := range k.Ledger {
		if !e.Resolved() && !s.inFlight(e) {
			consider(e.At.Add(w.LookAgain.Look(e.Looks)), "an attempt's outcome is unknown")
		}
	}
	if step.Do == Wait && !s.Now.Before(step.At) {
		return Step{Do: Look}
	}
	return step
}

// inFlight reports whether the entry belongs to the attempt that is being made.
func (s Snapshot) inFlight(e Entry) bool {
	r := s.InFlight
	if r == nil || e.Adopted() || e.Generation != r.ID.Generation || e.Attempt != r.Attempt {
		return false
	}
	return r.AttemptOpen || r.State != Requested
}
