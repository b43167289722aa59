package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// closed is a staging vault that says beforehand what it will not take.
type closed struct {
	*stage
	why error
}

func (c *closed) Writable(context.Context, rotation.Kind) error { return c.why }

// The staging vault's firewall keeps rekey out, or it throttles, or it is gone.
func TestNothingIsMadeThatCouldNotBeKept(t *testing.T) {
	for name, c := range map[string]struct {
		why   *rotation.Fault
		state rotation.State
	}{
		"a firewall":                           {&rotation.Fault{Class: rotation.Denied, Err: errors.New("vault: 403 ForbiddenByFirewall"), Remedy: "let rekey in"}, rotation.Failed},
		"a throttle":                           {&rotation.Fault{Class: rotation.Throttled, After: time.Hour, Err: errors.New("vault: 429")}, rotation.Requested},
		"a vault that was deleted":             {&rotation.Fault{Class: rotation.Transient, Err: errors.New("vault: no such host")}, rotation.Requested},
		"a name that is gone, which is no app": {&rotation.Fault{Class: rotation.NotFound, Err: errors.New("vault: 404")}, rotation.Requested},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			vault := &closed{w.stage, c.why}
			w.Stage = vault
			w.manage(policy(), "kv")
			w.run(10 * time.Minute)
			assert.Equal(t, c.state, w.rotation(1).State)
			assert.Zero(t, w.graph.made)
			if c.state == rotation.Failed {
				assert.Equal(t, "create: the staging vault cannot keep the new credential: vault: 403 ForbiddenByFirewall; let rekey in", w.rotation(1).Reason)
			}
			vault.why = nil
			w.run(2 * time.Hour)
			assert.Equal(t, rotation.Completed, w.rotation(w.state().Generation).State)
			assert.Len(t, w.graph.keyIDs(), 1)
		})
	}
}

// Somebody purges what is staged: before it is proven, it is made anew; afterwards
// it is the only copy, and whoever needs it is told what to do.
func TestAStagedCopyThatIsGone(t *testing.T) {
	t.Run("before it is proven", func(t *testing.T) {
		w := newWorld(t)
		w.graph.verdict = func(rotation.Credential) rotation.Verdict { return rotation.Verdict{Kind: rotation.NotYet} }
		w.manage(policy(), "kv")
		w.run(10 * time.Second)
		clear(w.stage.copies)
		w.graph.verdict = nil
		w.run(time.Minute)
		assert.Equal(t, rotation.Completed, w.rotation(1).State)
		assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
	})
	t.Run("when another target needs it", func(t *testing.T) {
		w := newWorld(t)
		w.manage(policy(), "kv")
		w.run(time.Minute)
		clear(w.stage.copies)
		w.target("late", `{}`, true)
		w.run(time.Minute)
		d, _ := w.view().Deployment("late")
		assert.Equal(t, rotation.DeploymentFailed, d.State)
		assert.Equal(t, `the credential has no staged copy: stage: no copy "rekey-`+appID+`-secret-1-1"; ask for a new rotation`, d.Reason)
		w.ask(engine.Ask{})
		w.run(27 * time.Hour)
		assert.Equal(t, rotation.Completed, w.rotation(2).State)
		assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
	})
	t.Run("when it is to be removed", func(t *testing.T) {
		w := newWorld(t)
		w.manage(policy(), "kv")
		w.run(time.Minute)
		w.ask(engine.Ask{})
		w.run(time.Minute)
		clear(w.stage.copies)
		w.run(27 * time.Hour)
		assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
	})
}

// The staging vault fails between the creation and the only copy: the password is of
// no use, and is removed.
func TestAPasswordThatWasNotKeptIsRemoved(t *testing.T) {
	w := newWorld(t)
	w.stage.fail = &rotation.Fault{Class: rotation.Throttled, After: time.Minute, Err: errors.New("vault: 429")}
	w.manage(policy(), "kv")
	w.run(30 * time.Second)
	require.Equal(t, 1, w.graph.made)
	w.stage.fail = nil
	w.run(time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
	assert.Equal(t, []string{"key-2"}, w.place.keyIDs())
}
