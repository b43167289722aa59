package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// A target that is disabled holds what it held; one that is deleted is released.
func TestDisablingReleasesNothingAndDeletingDoes(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv", "off")
	w.run(time.Minute)
	w.target("off", `{}`, false)
	w.ask(engine.Ask{})
	w.run(72 * time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(2).State)
	assert.Equal(t, []string{"key-1", "key-2"}, w.graph.keyIDs(), "the disabled target holds the first")

	require.NoError(t, w.DeleteTarget(t.Context(), appID, "off", "", "somebody"))
	w.run(time.Hour)
	assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
}

// What an older rotation began at a target is asked about until it has ended: its
// write cannot land after the newer one's.
func TestANewerGenerationWaitsForTheEndOfTheOlder(t *testing.T) {
	w := newWorld(t)
	running := true
	w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
		if d.Credential.Rotation.Generation == 1 && running {
			return rotation.Outcome{Handle: "job-1", After: time.Minute}, nil
		}
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.manage(policy(), "kv")
	w.run(30 * time.Second)
	w.ask(engine.Ask{})
	w.run(time.Hour)
	assert.Equal(t, rotation.Published, w.rotation(2).State)
	for _, d := range w.place.given[1:] {
		assert.Equal(t, "job-1", d.Handle, "the older one is asked about, and nothing is begun")
		assert.True(t, d.Credential.Value.IsZero(), "without the credential")
	}
	running = false
	w.run(10 * time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(2).State)
	last := w.place.given[len(w.place.given)-1]
	assert.Equal(t, 2, last.Credential.Rotation.Generation)
	deployments, err := w.DeploymentsOf(t.Context(), w.rotation(1).ID)
	require.NoError(t, err)
	assert.Equal(t, rotation.DeploymentSkipped, deployments[0].State)
}

// A newer rotation is published while a delivery is on its way: it is not begun.
func TestAnOvertakenDeliveryIsSkipped(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	for len(w.view().Deployments) == 0 {
		m, ok := w.bus.Receive(engine.QueueRequests, "", w.now)
		require.True(t, ok)
		require.NoError(t, w.Advance(t.Context(), w.invocation(), m.Data.(rotation.Advance)))
	}
	held, ok := w.bus.Receive(engine.TopicRotated, "place", w.now)
	require.True(t, ok)
	w.ask(engine.Ask{})
	w.run(time.Minute)
	require.NoError(t, w.Deploy(t.Context(), w.invocation(), w.place, held.Data.(rotation.Rotated)))
	assert.Equal(t, []string{"key-2"}, w.place.keyIDs())
	assert.Equal(t, []int{2}, w.view().Holding("kv").Generations)
}

func TestWithoutATargetNothingIsRemovedBeforeItsEnd(t *testing.T) {
	w := newWorld(t)
	w.manage(policy())
	w.run(time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Contains(t, w.said("published")[0], "no target is enabled, so nobody receives it and older credentials live to their end")
	w.ask(engine.Ask{})
	first := w.graph.passwords["key-1"]
	w.run(first.End.Sub(w.now))
	assert.Contains(t, w.graph.keyIDs(), "key-1")
	w.run(10 * time.Minute)
	assert.NotContains(t, w.graph.keyIDs(), "key-1", "it has ended")
}

// More targets than one batch can insert are all delivered, and once.
func TestManyTargets(t *testing.T) {
	w := newWorld(t)
	w.manage(policy())
	for n := range 90 {
		w.target(fmt.Sprintf("t%02d", n), `{}`, true)
	}
	w.run(10 * time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Len(t, w.place.given, 90)
}

// The integration never answers: its messages get lost, or its function is disabled.
func TestAnIntegrationThatNeverAnswers(t *testing.T) {
	w := newWorld(t)
	w.manage(policy())
	_, err := w.SaveTarget(t.Context(), appID, rotation.TargetRow{
		ID: "mute", Integration: "mute", Kind: rotation.Secret, Enabled: true, Settings: []byte(`{}`),
	}, "", "test")
	require.NoError(t, err)
	w.run(23 * time.Hour)
	assert.Equal(t, rotation.Published, w.rotation(1).State)
	w.run(2 * time.Hour)
	assert.Equal(t, rotation.Incomplete, w.rotation(1).State)
	d, _ := w.view().Deployment("mute")
	assert.Equal(t, "no answer from mute", d.Reason)
}
