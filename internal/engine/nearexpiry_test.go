package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestANearExpiryEventStartsOnlyWhatIsDue(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	event := func(generation int) engine.NearExpiryOutcome {
		t.Helper()
		outcome, err := w.NearExpiry(t.Context(), rotation.ID{AppID: appID, Kind: rotation.Secret, Generation: generation})
		require.NoError(t, err)
		return outcome
	}
	assert.Equal(t, engine.NearExpiryWaits, event(1))
	assert.False(t, w.receiveOne(), "nobody is woken for nothing")

	w.now = w.now.Add(21 * 24 * time.Hour) // and no sweep runs
	assert.Equal(t, engine.NearExpiryChecks, event(1))
	w.drain()
	assert.Equal(t, rotation.Completed, w.rotation(2).State)

	assert.Equal(t, engine.NearExpiryOld, event(1))
	require.NoError(t, w.DeleteApplication(t.Context(), appID, "", "test"))
	assert.Equal(t, engine.NearExpiryUnknown, event(2))
}

func TestANearExpiryEventOfALongLivedCredentialAsksForARotationOnce(t *testing.T) {
	w := newWorld(t)
	p := policy()
	p.Lifetime, p.OnNearExpiry = 90*24*time.Hour, rotation.NearExpiryRotate
	w.manage(p, "kv")
	w.run(time.Minute)
	for range 2 {
		outcome, err := w.NearExpiry(t.Context(), w.rotation(1).ID)
		require.NoError(t, err)
		assert.Equal(t, engine.NearExpiryRotation, outcome)
	}
	w.run(time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(2).State)
	assert.Equal(t, 2, w.graph.made)
}
