package rotation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/rotation"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// retirable is a snapshot in which the old credential, generation 1, may go: the
// new one, generation 2, was confirmed by its target longer ago than the overlap.
func retirable() (rotation.Snapshot, rotation.Entry) {
	old := rotation.Entry{Generation: 1, Attempt: 1, KeyID: "old", Published: true, End: now.Add(240 * time.Hour)}
	current := rotation.Entry{Generation: 2, Attempt: 1, KeyID: "new", Published: true, Start: now.Add(-27 * time.Hour), End: now.Add(480 * time.Hour)}
	id := rotation.ID{AppID: "app", Kind: rotation.Secret, Generation: 2}
	return rotation.Snapshot{
		Now:  now,
		Kind: rotation.Secret,
		App: rotation.Application{AppID: "app", Policies: map[rotation.Kind]rotation.Policy{
			rotation.Secret: rotation.DefaultPolicy(rotation.Secret),
		}},
		Head: rotation.Head{Secret: rotation.KindState{
			Generation: 2, Current: "new", Ledger: []rotation.Entry{old, current},
		}},
		Current: &rotation.Rotation{ID: id, State: rotation.Completed, Targets: []string{"kv"}},
		Targets: []rotation.TargetRow{{ID: "kv", Kind: rotation.Secret, Enabled: true}},
		Deployments: []rotation.Deployment{{
			Rotation: id, Target: "kv", State: rotation.DeploymentConfirmed, Delivery: 1,
			ConfirmedAt: now.Add(-26 * time.Hour),
		}},
		Holdings: []rotation.Holding{{Target: "kv", Kind: rotation.Secret, Generations: []int{2}, Delivery: 1}},
	}, old
}

func TestRetiringRule(t *testing.T) {
	const never = -1
	cases := map[string]struct {
		change func(*rotation.Snapshot, *rotation.Entry)
		clause string        // empty: it may go
		again  time.Duration // when to look again; never: at its own end
	}{
		"goes when every clause is content": {
			change: func(*rotation.Snapshot, *rotation.Entry) {},
		},
		"stays while it is the current credential": {
			change: func(s *rotation.Snapshot, _ *rotation.Entry) { s.Head.Secret.Current = "old" },
			clause: "it is the current credential",
		},
		"stays as the current credential even past its end": {
			change: func(s *rotation.Snapshot, e *rotation.Entry) {
				s.Head.Secret.Current, e.End = "old", now.Add(-time.Hour)
			},
			clause: "it is the current credential",
		},
		"stays while it is being created": {
			change: func(s *rotation.Snapshot, e *rotation.Entry) {
				e.Generation, e.Published = 3, false
				s.InFlight = &rotation.Rotation{ID: rotation.ID{Generation: 3}, Attempt: 1, State: rotation.Staged}
			},
			clause: "it is being created",
		},
		"goes when its attempt was given up": {
			change: func(s *rotation.Snapshot, e *rotation.Entry) {
				e.Generation, e.Published = 3, false
				s.InFlight = &rotation.Rotation{ID: rotation.ID{Generation: 3}, Attempt: 2, State: rotation.Staged}
			},
		},
		"goes at once when it was never published, confirmed or not": {
			change: func(s *rotation.Snapshot, e *rotation.Entry) {
				e.Published, s.Deployments, s.Holdings[0].Unknown = false, nil, true
			},
		},
		"stays while nobody knows which one it is": {
			change: func(_ *rotation.Snapshot, e *rotation.Entry) { e.KeyID, e.Published = "", false },
			clause: "its keyId is not known",
		},
		"stays until a target has confirmed the current one": {
			change: func(s *rotation.Snapshot, _ *rotation.Entry) {
				s.Deployments[0].State = rotation.DeploymentRunning
			},
			clause: "no target has confirmed the current credential", again: never,
		},
		"stays while a holding contains it": {
			change: func(s *rotation.Snapshot, _ *rotation.Entry) { s.Holdings[0].Add(1) },
			clause: "a target may still hold it", again: never,
		},
		"stays while a target may hold anything": {
			change: func(s *rotation.Snapshot, _ *rotation.Entry) { s.Holdings[0].Unknown = true },
			clause: "a target may still hold it", again: never,
		},
		"stays during the overlap": {
			change: func(s *rotation.Snapshot, _ *rotation.Entry) { s.Deployments[0].ConfirmedAt = now.Add(-24 * time.Hour) },
			clause: "the overlap has not passed", again: time.Hour,
		},
		"an adopted one has its overlap from adoption": {
			change: func(_ *rotation.Snapshot, e *rotation.Entry) { e.Generation, e.At = 0, now.Add(-time.Hour) },
			clause: "the overlap has not passed", again: 24 * time.Hour,
		},
		"an adopted one goes after its overlap": {
			change: func(_ *rotation.Snapshot, e *rotation.Entry) { e.Generation, e.At = 0, now.Add(-25*time.Hour) },
		},
		"goes past its own end, whoever holds it": {
			change: func(s *rotation.Snapshot, e *rotation.Entry) {
				e.End, s.Holdings[0].Unknown = now.Add(-6*time.Minute), true
			},
		},
		"stays within the clocks' margin of its end": {
			change: func(s *rotation.Snapshot, e *rotation.Entry) {
				e.End, s.Holdings[0].Unknown = now.Add(-4*time.Minute), true
			},
			clause: "a target may still hold it", again: time.Minute,
		},
		"an emergency takes the overlap away": {
			change: func(s *rotation.Snapshot, e *rotation.Entry) {
				s.Deployments[0].ConfirmedAt, e.RevokeAt = now, now.Add(time.Minute)
			},
		},
		"an emergency waits for targets until its cut": {
			change: func(s *rotation.Snapshot, e *rotation.Entry) {
				s.Holdings[0].Unknown, e.RevokeAt = true, now.Add(time.Minute)
			},
			clause: "a target may still hold it", again: time.Minute,
		},
		"an emergency revokes at its cut, confirmed or not": {
			change: func(s *rotation.Snapshot, e *rotation.Entry) {
				s.Deployments, s.Holdings[0].Unknown, e.RevokeAt = nil, true, now
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, e := retirable()
			c.change(&s, &e)
			objection, objects := rotation.Objects(s, e)
			assert.Equal(t, c.clause, objection.Clause)
			assert.Equal(t, c.clause != "", objects)
			switch {
			case c.again == never:
				assert.Equal(t, e.End.Add(5*time.Minute), objection.Until)
			case c.again > 0:
				assert.Equal(t, now.Add(c.again), objection.Until)
			}
		})
	}
}

func TestNextRetiresOnlyWhatTheRuleLetsGo(t *testing.T) {
	s, _ := retirable()
	step := rotation.Next(s)
	assert.Equal(t, rotation.Retire, step.Do)
	assert.Equal(t, "old", step.Entry.KeyID)

	s.Head.Lease = rotation.Lease{Holder: "other", Until: now.Add(time.Minute), Free: now.Add(2 * time.Minute)}
	step = rotation.Next(s)
	assert.Equal(t, rotation.Wait, step.Do, "somebody else holds the lease")
	assert.Equal(t, now.Add(2*time.Minute), step.At)

	s.Head.Lease, s.Head.Secret.MissingSince = rotation.Lease{}, now
	step = rotation.Next(s)
	assert.Equal(t, rotation.Wait, step.Do, "the current credential was not seen")
	assert.Equal(t, now.Add(10*time.Minute), step.At)
}
