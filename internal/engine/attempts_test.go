package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestOneSuccessIsNotEnough(t *testing.T) {
	w := newWorld(t)
	asked := 0
	w.graph.verdict = func(rotation.Credential) rotation.Verdict {
		if asked++; asked == 3 { // the third replica does not know it
			return rotation.Verdict{Kind: rotation.NotYet, Reason: "AADSTS7000215"}
		}
		return rotation.Verdict{Kind: rotation.Accepted}
	}
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) {
		assert.Equal(t, 6, asked, "three in a row, from the beginning")
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.manage(policy(), "kv")
	w.run(time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
}

func TestWhatCannotBeVerified(t *testing.T) {
	unverifiable := rotation.Verdict{Kind: rotation.Unverifiable, Reason: "AADSTS700016: no service principal"}
	for name, c := range map[string]struct {
		verdict rotation.Verdict
		action  rotation.UnverifiableAction
		state   rotation.State
		reason  string
	}{
		"stops as the default":      {unverifiable, rotation.UnverifiableStop, rotation.Failed, "cannot be verified: AADSTS700016: no service principal"},
		"goes on where that is set": {unverifiable, rotation.UnverifiableContinue, rotation.Completed, ""},
		"stops where it is refused": {rotation.Verdict{Kind: rotation.Refused, Reason: "AADSTS7000222: expired"}, rotation.UnverifiableContinue, rotation.Failed, "refused by Entra ID: AADSTS7000222: expired"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.graph.verdict = func(rotation.Credential) rotation.Verdict { return c.verdict }
			p := policy()
			p.OnUnverifiable = c.action
			w.manage(p, "kv")
			w.run(30 * time.Minute)
			assert.Equal(t, c.state, w.rotation(1).State)
			assert.Equal(t, c.reason, w.rotation(1).Reason)
			assert.Equal(t, c.state == rotation.Completed, len(w.place.given) > 0)
			assert.Equal(t, c.state == rotation.Completed, len(w.graph.passwords) > 0, "what failed is removed")
		})
	}
}

func TestFiveAttemptsAreMadeAtMost(t *testing.T) {
	w := newWorld(t)
	w.graph.verdict = func(rotation.Credential) rotation.Verdict { return rotation.Verdict{Kind: rotation.NotYet} }
	w.manage(policy(), "kv")
	w.run(55 * time.Minute)
	assert.Equal(t, rotation.Failed, w.rotation(1).State)
	assert.Equal(t, "no attempt gave a credential that works", w.rotation(1).Reason)
	assert.Equal(t, 5, w.rotation(1).Attempt)
	assert.Equal(t, 5, w.graph.made)
	assert.Empty(t, w.graph.keyIDs())
	assert.Empty(t, w.stage.copies)
}

// A password can appear long after its answer was lost. It is looked for, and removed.
func TestAPasswordThatAppearsLateIsFound(t *testing.T) {
	for name, late := range map[string]time.Duration{
		"before the first look": 5 * time.Minute, "before the second": 30 * time.Minute, "before the last": 20 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			lost := false
			w.graph.failAdd = func() (bool, error) {
				if lost {
					return true, nil
				}
				lost = true
				return false, errors.New("graph: the connection was cut")
			}
			w.manage(policy(), "kv")
			w.run(late)
			w.graph.passwords["late"] = engine.DirectoryCredential{KeyID: "late", DisplayName: "rekey/test/1.1", Start: w.now, End: w.now.AddDate(1, 0, 0)}
			w.run(25 * time.Hour)
			assert.NotContains(t, w.graph.keyIDs(), "late")
			assert.Equal(t, []string{"key-1"}, w.graph.keyIDs())
			assert.Len(t, w.state().Ledger, 1)
		})
	}
}

// Errors that heal by themselves are tried again for about a day, with longer and
// longer waits, and then the rotation says that it is stuck.
func TestARotationThatMakesNoProgressIsStuck(t *testing.T) {
	w := newWorld(t)
	tries := 0
	w.graph.failAdd = func() (bool, error) {
		tries++
		return false, &rotation.Fault{Class: rotation.Conflict, Err: errors.New("busy")}
	}
	w.manage(policy(), "kv")
	w.run(10 * time.Hour)
	assert.Equal(t, rotation.Requested, w.rotation(1).State)
	for range 20 {
		if w.run(time.Hour); w.rotation(1).State == rotation.Failed {
			break
		}
	}
	assert.Equal(t, rotation.Failed, w.rotation(1).State)
	assert.Equal(t, "stuck", w.rotation(1).Reason)
	assert.LessOrEqual(t, tries, 105)
}

// A throttle says when to come back, and nobody comes earlier.
func TestAThrottleIsWaitedOut(t *testing.T) {
	throttle := &rotation.Fault{Class: rotation.Throttled, After: 7 * time.Minute, Err: errors.New("429")}
	w := newWorld(t)
	began, tries := w.now, 0
	w.graph.failAdd = func() (bool, error) {
		if tries++; tries == 1 {
			return false, throttle
		}
		assert.GreaterOrEqual(t, w.now.Sub(began), throttle.After)
		return true, nil
	}
	deliveries := 0
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) {
		if deliveries++; deliveries == 1 {
			began = w.now
			return rotation.Outcome{}, throttle
		}
		assert.GreaterOrEqual(t, w.now.Sub(began), throttle.After)
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.manage(policy(), "kv")
	w.run(20 * time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Equal(t, []int{2, 2}, []int{tries, deliveries})
}
