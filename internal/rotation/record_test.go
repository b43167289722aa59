package rotation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestNothingLeavesAnEndState(t *testing.T) {
	for _, end := range []rotation.State{rotation.Completed, rotation.Failed, rotation.Cancelled, rotation.Superseded} {
		for _, next := range rotation.States() {
			r := rotation.Rotation{State: end}
			require.Error(t, r.Become(next), "%s -> %s", end, next)
			assert.Equal(t, end, r.State)
		}
	}
}

func TestOnlyWhatIsNotPublishedCanBeCalledOff(t *testing.T) {
	for _, state := range rotation.States() {
		for _, off := range []rotation.State{rotation.Cancelled, rotation.Superseded} {
			assert.Equal(t, state.Unpublished(), state.CanBecome(off), "%s -> %s", state, off)
		}
	}
	r := rotation.Rotation{ID: rotation.ID{AppID: "app", Kind: rotation.Secret, Generation: 3}, State: rotation.Published}
	assert.EqualError(t, r.Become(rotation.Cancelled), `rotation "app.secret.3": cannot go from published to cancelled`)
}

func TestEveryStateCanBeReached(t *testing.T) {
	reached := map[rotation.State]bool{rotation.Requested: true}
	for range rotation.States() {
		for from := range reached {
			for _, to := range rotation.States() {
				if from.CanBecome(to) {
					reached[to] = true
				}
			}
		}
	}
	assert.Len(t, reached, len(rotation.States()))
}

func TestOnlyTheNewestDeliveryKnowsWhatATargetHolds(t *testing.T) {
	h := rotation.Holding{Unknown: true, Delivery: 2, Generations: []int{1}}
	h.Add(2)
	assert.True(t, h.Holds(99), "it may hold anything")
	h.Confirm(2, 1)
	assert.Equal(t, []int{2}, h.Generations)
	assert.True(t, h.Holds(1), "an older delivery cannot say")
	h.Confirm(2, 2)
	assert.False(t, h.Holds(1))
	assert.True(t, h.Holds(2))
	h.Remove(2)
	assert.False(t, h.Holds(2))
}

func TestIDs(t *testing.T) {
	id := rotation.ID{AppID: "11111111-1111-4111-8111-111111111111", Kind: rotation.Secret, Generation: 12}
	parsed, err := rotation.ParseID(id.String())
	require.NoError(t, err)
	assert.Equal(t, id, parsed)
	for text, want := range map[string]string{
		"":             `rotation id "": must look like <appId>.<kind>.<generation>`,
		"a.secret":     `rotation id "a.secret": must look like <appId>.<kind>.<generation>`,
		"a.password.1": `rotation id "a.password.1": kind "password": must be "secret" or "certificate"`,
		"a.secret.0":   `rotation id "a.secret.0": the generation must be a whole number from 1`,
		"a.secret.01":  `rotation id "a.secret.01": the generation must be a whole number from 1`,
	} {
		_, err := rotation.ParseID(text)
		assert.EqualError(t, err, want)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("a.secret.1")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := rotation.ParseID(text)
		if err == nil && id.String() != text {
			t.Errorf("%q was read as %q", text, id)
		}
	})
}

func FuzzParseMarker(f *testing.F) {
	f.Add("rekey/test/7.2")
	f.Add("rekey/test/07.2")
	f.Add("rekey/other/7.2")
	f.Fuzz(func(t *testing.T, text string) {
		generation, attempt, ok := rotation.ParseMarker("test", text)
		if ok && (generation < 1 || attempt < 1 || rotation.Marker("test", generation, attempt) != text) {
			t.Errorf("read %q as %d.%d", text, generation, attempt)
		}
	})
}
