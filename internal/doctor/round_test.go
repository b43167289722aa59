package doctor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
)

// theirClock is ahead of ours.
type theirClock struct {
	w     *world
	ahead time.Duration
}

func (c *theirClock) Time(context.Context) (time.Time, error) { return c.w.now.Add(c.ahead), nil }

func numbered(n int) string { return fmt.Sprintf("%08x-1111-4111-8111-111111111111", n) }

// TestARoundIsBounded has every application looked at once in bounded rounds, and then
// from the first one on again.
func TestARoundIsBounded(t *testing.T) {
	const apps = 1000
	w := newWorld(t)
	for n := range apps {
		w.manage(numbered(n))
	}
	w.place.fails = func(id string) error {
		if id == numbered(700) {
			return errGone
		}
		return nil
	}
	for round, want := range []int{500, 500, 500} {
		looked, err := w.doctor().Round(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, looked, "round %d", round+1)
	}
	times := map[string]int{}
	for _, id := range w.place.checked {
		times[id]++
	}
	assert.Len(t, times, apps)
	assert.Equal(t, 2, times[numbered(0)])
	assert.Equal(t, 1, times[numbered(999)])
	require.Len(t, w.kept(), 1)
	assert.Equal(t, numbered(700), w.kept()[0].AppID)
}

// TestARoundEndsInTime stops where it was when its time is over.
func TestARoundEndsInTime(t *testing.T) {
	w := newWorld(t)
	for n := range 100 {
		w.manage(numbered(n))
	}
	w.place.fails = func(string) error {
		w.pass(5 * time.Second)
		return nil
	}
	looked, err := w.doctor().Round(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 40, looked)
	at, err := w.DoctorAt(t.Context())
	require.NoError(t, err)
	assert.Equal(t, numbered(39), at)
}

func TestWhatWasFoundAboutDeletedApplicationsIsForgotten(t *testing.T) {
	w := newWorld(t)
	for n := range 3 {
		w.manage(numbered(n))
	}
	w.place.fail(errGone)
	_, err := w.doctor().Round(t.Context())
	require.NoError(t, err)
	require.Len(t, w.kept(), 3)
	for _, n := range []int{1, 2} {
		require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Delete, Key: engine.Key{Table: engine.TableApplications, Partition: "tenant", Row: numbered(n)}}))
	}
	_, err = w.doctor().Round(t.Context())
	require.NoError(t, err)
	require.Len(t, w.kept(), 1)
	assert.Equal(t, numbered(0), w.kept()[0].AppID)
	assert.Contains(t, strings.Join(w.lines(), "\n"), "resolved targets: the application is no longer managed: ")
}

func TestAnApplicationThatNothingWakesIsFound(t *testing.T) {
	w := newWorld(t)
	w.manage(appID)
	assert.Empty(t, w.found(appID))
	for n := range 16 {
		for row, err := range w.store.Query(t.Context(), engine.Range{Table: engine.TableSchedule, Partition: fmt.Sprintf("%02d", n)}) {
			require.NoError(t, err)
			require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Delete, Key: row.Key}))
		}
	}
	assert.Equal(t, []string{"error standstill/: the schedule has no wake-up for the application: nothing will rotate it; save the application again, which gives it one"}, w.found(appID))
	_, _, err := w.Application(t.Context(), appID)
	require.NoError(t, err)
	w.manage(appID)
	assert.Empty(t, w.found(appID), "the remedy is one")
}

func TestASweepThatDoesNotRunIsFound(t *testing.T) {
	w := newWorld(t)
	w.manage(appID)
	w.now = w.now.Add(30 * time.Minute)
	results, err := w.doctor().Installation(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{`error standstill/: the sweep does not run: a wake-up of 2026-03-01T00:05:00Z was not served; see that the function app runs, that its function "sweep" is enabled and that REKEY_SWEEP_SCHEDULE fires every minute`}, words(results))
	_, err = w.Sweep(t.Context())
	require.NoError(t, err)
	results, err = w.doctor().Installation(t.Context())
	require.NoError(t, err)
	assert.Empty(t, words(results))
}
