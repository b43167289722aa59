package rotation

import (
	"slices"
	"time"
)

// decideDeliver compares what the targets should have been sent with the rows.
// A target that was added, changed, enabled again or resumed has a delivery
// number above its row's.
func decideDeliver(s Snapshot) Step {
	if s.Current == nil {
		return Step{}
	}
	var sends []Dispatch
	rest := Step{}
	for _, target := range s.Targets {
		dispatch, at := s.dispatch(target)
		if dispatch.Changed || dispatch.Send {
			sends = append(sends, dispatch)
		}
		if !at.IsZero() && (rest.Do == "" || at.Before(rest.At)) {
			rest = wait(at, "deployments are on their way")
		}
	}
	sends = append(sends, s.orphans()...)
	if len(sends) > 0 {
		return Step{Do: Deliver, Send: sends}
	}
	return rest
}

// dispatch decides about one target, and says when to look at it again.
func (s Snapshot) dispatch(target TargetRow) (Dispatch, time.Time) {
	holding := s.Holding(target.ID)
	d, known := s.Deployment(target.ID)
	switch {
	case !known && !target.Enabled && slices.Contains(s.Current.Targets, target.ID):
		return Dispatch{New: true, Changed: true, Deployment: s.skipped(target, holding)}, time.Time{}
	case !known && !target.Enabled:
		return Dispatch{}, time.Time{}
	case !known:
		return Dispatch{New: true, Changed: true, Send: true, Deployment: s.pending(target, holding)}, time.Time{}
	case target.Enabled && d.Delivery < holding.Delivery:
		next := s.pending(target, holding)
		next.Begun = d.Begun
		return Dispatch{Changed: true, Send: true, Deployment: next}, time.Time{}
	case d.State.Ended():
		return Dispatch{}, time.Time{}
	}
	return s.dispatchOpen(target, d)
}

// dispatchOpen decides about a deployment that was sent and has not ended.
func (s Snapshot) dispatchOpen(target TargetRow, d Deployment) (Dispatch, time.Time) {
	w := s.Policy().Waits
	held := d.NextAt // until when it is known that nothing happens
	if opens := s.Opens(target); opens.After(s.Now) && d.Handle == "" {
		held = latest(held, opens)
	}
	resend := latest(d.UpdatedAt, held).Add(w.Resend)
	switch {
	case !target.Enabled && d.State == DeploymentPending:
		return Dispatch{Changed: true, Deployment: s.ended(d, DeploymentSkipped, "disabled")}, time.Time{}
	case s.openTime(target, latest(d.BegunAt, d.NextAt)) >= w.GiveUp:
		return Dispatch{Changed: true, Deployment: s.ended(d, DeploymentFailed, "no answer from "+d.Integration)}, time.Time{}
	case !s.Now.Before(resend):
		d.UpdatedAt = s.Now
		return Dispatch{Changed: true, Send: true, Deployment: d}, time.Time{}
	}
	return Dispatch{}, resend
}

// orphans skips what is still open at targets that were deleted.
func (s Snapshot) orphans() (sends []Dispatch) {
	for _, d := range s.Deployments {
		exists := slices.ContainsFunc(s.Targets, func(t TargetRow) bool { return t.ID == d.Target })
		if !exists && !d.State.Ended() {
			sends = append(sends, Dispatch{Changed: true, Deployment: s.ended(d, DeploymentSkipped, "deleted")})
		}
	}
	return sends
}

func (s Snapshot) pending(target TargetRow, holding Holding) Deployment {
	return Deployment{
		Rotation: s.Current.ID, Target: target.ID, Integration: target.Integration,
		State: DeploymentPending, Delivery: holding.Delivery, BegunAt: s.Now, UpdatedAt: s.Now,
		Correlation: s.Current.Correlation,
	}
}

func (s Snapshot) skipped(target TargetRow, holding Holding) Deployment {
	return s.ended(s.pending(target, holding), DeploymentSkipped, "disabled")
}

func (s Snapshot) ended(d Deployment, state DeploymentState, reason string) Deployment {
	d.State, d.Reason, d.UpdatedAt, d.Handle, d.NextAt = state, reason, s.Now, "", time.Time{}
	return d
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
