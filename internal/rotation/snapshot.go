package rotation

import (
	"hash/fnv"
	"slices"
	"time"
)

// Snapshot is everything that a decision about one kind of one application is
// made from.
type Snapshot struct {
	Now    time.Time
	App    Application
	Kind   Kind
	Head   Head
	Paused bool // everything is paused, not this application alone
	// Invocation is who decides: its own lease does not keep it out.
	Invocation string

	InFlight    *Rotation    // the unpublished rotation, or nil
	Current     *Rotation    // the published one, or nil where there is none of ours
	Deployments []Deployment // of Current
	Targets     []TargetRow  // of this kind
	Holdings    []Holding    // of this kind
}

func (s Snapshot) state() *KindState { return s.Head.Kind(s.Kind) }

// Policy returns the policy of the kind at hand, with what its windows ask for.
func (s Snapshot) Policy() Policy {
	p := s.App.Policy(s.Kind)
	p.WindowWait = s.App.Windows.LongestWait()
	for _, t := range s.Targets {
		p.WindowWait = max(p.WindowWait, t.Windows.LongestWait())
	}
	return p
}

// Opens returns when a target may be written next: now, unless it has a window
// that is closed. An emergency waits for none.
func (s Snapshot) Opens(t TargetRow) time.Time {
	if s.Current != nil && s.Current.Emergency {
		return s.Now
	}
	return s.windows(t).Opens(s.Now)
}

// windows are a target's own, or else those of its application.
func (s Snapshot) windows(t TargetRow) Windows {
	if len(t.Windows) > 0 {
		return t.Windows
	}
	return s.App.Windows
}

// Failing returns for how long a deployment's tries have failed, counting only
// the time in which it could have been tried.
func (s Snapshot) Failing(t TargetRow, d Deployment) time.Duration {
	if d.FailingSince.IsZero() {
		return 0
	}
	return s.openTime(t, d.FailingSince)
}

// openTime is for how long a target could have been written since then.
func (s Snapshot) openTime(t TargetRow, since time.Time) time.Duration {
	if s.Current != nil && s.Current.Emergency {
		return s.Now.Sub(since)
	}
	return s.windows(t).OpenBetween(since, s.Now)
}

// Known reports whether this version of the code knows every state at hand. What
// is in another was left there by a newer one, and is left alone.
func (s Snapshot) Known() bool {
	for _, r := range []*Rotation{s.InFlight, s.Current} {
		if r != nil && !r.State.Known() {
			return false
		}
	}
	return !slices.ContainsFunc(s.Deployments, func(d Deployment) bool { return !d.State.Known() })
}

func (s Snapshot) paused() bool { return s.Paused || s.App.Paused }

// Deployment returns the current rotation's delivery to a target.
func (s Snapshot) Deployment(target string) (Deployment, bool) {
	i := slices.IndexFunc(s.Deployments, func(d Deployment) bool { return d.Target == target })
	if i < 0 {
		return Deployment{}, false
	}
	return s.Deployments[i], true
}

// Holding returns what a target may hold.
func (s Snapshot) Holding(target string) Holding {
	i := slices.IndexFunc(s.Holdings, func(h Holding) bool { return h.Target == target })
	if i < 0 {
		return Holding{Target: target, Kind: s.Kind}
	}
	return s.Holdings[i]
}

// LastConfirmation returns when a target last confirmed the current credential.
// The zero time means that none has.
func (s Snapshot) LastConfirmation() (last time.Time) {
	for _, d := range s.Deployments {
		if d.State == DeploymentConfirmed && d.ConfirmedAt.After(last) {
			last = d.ConfirmedAt
		}
	}
	return last
}

// heartbeat returns the next time at which the application is looked at even if
// nothing is to be done. It is the same time however often it is computed, so
// that its wake-ups fall into one, and differs between applications, so that
// they do not all come at once.
func (s Snapshot) heartbeat() time.Time {
	every := s.Policy().Waits.Heartbeat
	if every <= 0 {
		every = DefaultWaits().Heartbeat
	}
	return s.beat(every)
}

// beat returns the next of the application's own times that lie so far apart.
func (s Snapshot) beat(every time.Duration) time.Time {
	return nextBeat(s.Now, every, s.App.AppID+string(s.Kind))
}

func nextBeat(now time.Time, every time.Duration, who string) time.Time {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(who))
	offset := time.Duration(hash.Sum64() % uint64(every))
	return now.Add(-offset).Truncate(every).Add(every + offset)
}
