package rotation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// A lease that nobody released is taken over one call after it ran out, and whoever
// is kept out knows when that is.
func TestALeaseKeepsOthersOut(t *testing.T) {
	lease := rotation.Lease{Holder: "one", Until: now.Add(30 * time.Second), Free: now.Add(40 * time.Second)}
	for name, c := range map[string]struct {
		invocation string
		at         time.Time
		want       rotation.Action
	}{
		"its holder":                         {"one", now, rotation.Retire},
		"another one":                        {"two", now, rotation.Wait},
		"another one when it has run out":    {"two", lease.Until, rotation.Wait},
		"another one when a call has passed": {"two", lease.Free, rotation.Retire},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := retirable()
			s.Head.Lease, s.Invocation, s.Now = lease, c.invocation, c.at
			step := rotation.Next(s)
			assert.Equal(t, c.want, step.Do, step.Why)
			if c.want == rotation.Wait {
				assert.Equal(t, lease.Free, step.At)
			}
		})
	}
}

func TestWhatThisVersionDoesNotKnowIsWaitedOut(t *testing.T) {
	for name, change := range map[string]func(*rotation.Snapshot){
		"the rotation in flight": func(s *rotation.Snapshot) { s.InFlight = &rotation.Rotation{State: "parked"} },
		"the current rotation":   func(s *rotation.Snapshot) { s.Current.State = "parked" },
		"a deployment":           func(s *rotation.Snapshot) { s.Deployments[0].State = "parked" },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := retirable()
			change(&s)
			step := rotation.Next(s)
			assert.Equal(t, rotation.Wait, step.Do)
			assert.Equal(t, "a newer version is at work", step.Why)
			assert.LessOrEqual(t, step.At.Sub(now), s.Policy().Waits.Resend)
			s.Now = now.Add(time.Second)
			assert.Equal(t, step.At, rotation.Next(s).At, "wake-ups fall into one")
		})
	}
}
