package doctor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const gone = `error targets/one: the next delivery to the target "one" would fail: place: place "p": there is no such place; make it`

func TestWhatTurnsBadIsToldOnce(t *testing.T) {
	w := newWorld(t)
	w.manage(appID)
	assert.Empty(t, w.found(appID))
	w.place.fail(errGone)
	since := w.now
	for range 3 {
		assert.Equal(t, []string{gone}, w.found(appID))
		w.now = w.now.Add(time.Minute)
	}
	assert.Equal(t, []string{"finding." + appID + ".targets.one.error.2026-03-01T00:00:00Z"}, w.bell.told)
	assert.Equal(t, []string{`finding targets: the next delivery to the target "one" would fail: place: place "p": there is no such place; make it`}, w.lines())
	require.Len(t, w.kept(), 1)
	assert.Equal(t, since, w.kept()[0].Since)

	w.place.fail(nil)
	for range 2 {
		assert.Empty(t, w.found(appID))
	}
	assert.Empty(t, w.kept())
	assert.Len(t, w.bell.told, 1)
	assert.Equal(t, `resolved targets: it is no longer so: the next delivery to the target "one" would fail: place: place "p": there is no such place`, w.lines()[1])
	assert.Len(t, w.lines(), 2)
}

func TestWhatWasNotToldIsToldAgainAsTheSame(t *testing.T) {
	w := newWorld(t)
	w.manage(appID)
	w.place.fail(errGone)
	w.bell.fails = errors.New("bus: out of reach")
	_, err := w.doctor().Application(t.Context(), appID)
	require.ErrorContains(t, err, "bus: out of reach")
	w.bell.fails = nil
	w.now = w.now.Add(time.Hour)
	assert.Equal(t, []string{gone}, w.found(appID))
	assert.Equal(t, []string{gone}, w.found(appID))
	require.Len(t, w.bell.told, 2)
	assert.Equal(t, w.bell.told[0], w.bell.told[1])
	assert.Len(t, w.lines(), 1)
}

func TestWhatCannotBeLookedAtKeepsItsFinding(t *testing.T) {
	w := newWorld(t)
	w.manage(appID)
	w.place.fail(errGone)
	w.found(appID)
	w.place.fail(&rotation.Fault{Class: rotation.Throttled, Err: errors.New("place: busy")})
	assert.Equal(t, []string{"unknown targets/one: the check could not be run: place: busy; run it again; if that does not help, look at what rekey's log says"}, w.found(appID))
	require.Len(t, w.kept(), 1)
	assert.Contains(t, w.kept()[0].Finding, "no such place")
	assert.Len(t, w.bell.told, 1, "what may pass is not told")

	w.place.fail(errors.New("store: it says more than a person should read"))
	assert.Equal(t, []string{"unknown targets/one: the check could not be run; the cause is in rekey's log; run it again; if that does not help, look at what rekey's log says"}, w.found(appID))
}

func TestWhatBecomesGraverIsToldAgain(t *testing.T) {
	w := newWorld(t)
	w.config.DeadLetters = nil
	clock := &theirClock{w: w, ahead: -2 * time.Minute}
	w.config.Clock = clock
	for _, ahead := range []time.Duration{-2 * time.Minute, -2 * time.Minute, -6 * time.Minute, -2 * time.Minute} {
		clock.ahead = ahead
		_, err := w.doctor().Installation(t.Context())
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"finding..clock..warning.2026-03-01T00:00:00Z", "finding..clock..error.2026-03-01T00:00:00Z"}, w.bell.told)
}

func TestLookingKeepsAndTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.manage(appID)
	w.place.fail(errGone)
	results, err := w.doctor().Look(t.Context(), appID)
	require.NoError(t, err)
	assert.Equal(t, []string{gone}, words(results))
	assert.Empty(t, w.kept())
	assert.Empty(t, w.bell.told)
	assert.Empty(t, w.lines())
}
