package simulation

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// How long a world lasts: things go wrong for a day and a half, and then a day and
// an hour must be enough for everything to come right.
const (
	troubled = 36 * time.Hour
	quiet    = 25 * time.Hour
)

// Run lets the world of a seed pass. It returns the promise that was broken, or "",
// and what was met.
func Run(t *testing.T, seed uint64) (broken string, met *Coverage) { return RunReal(t, seed, nil) }

// RunReal is Run in a world whose integrations are the real ones.
func RunReal(t *testing.T, seed uint64, real Real) (broken string, met *Coverage) {
	w := live(t, seed, false, real)
	return w.promises.broken, w.coverage
}

// History lets the world of a seed pass once more, and returns what happened in its
// last part, line by line.
func History(t *testing.T, seed uint64, lines int) string { return HistoryReal(t, seed, lines, nil) }

// HistoryReal is History of a world whose integrations are the real ones.
func HistoryReal(t *testing.T, seed uint64, lines int, real Real) string {
	w := live(t, seed, true, real)
	h := w.history
	return strings.Join(h[max(0, len(h)-lines):], "\n")
}

func live(t *testing.T, seed uint64, telling bool, real Real) (w *world) {
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(t, seed, telling, real)
		defer w.close()
		w.settle()
		w.weather.forecast(troubled)
		w.plan(troubled)
		w.run(troubled)
		w.calm()
		w.run(quiet)
		if w.promises.broken == "" {
			w.promises.end()
		}
		w.coverage.Worlds, w.coverage.DeadLetters = 1, w.deadLettered
		w.coverage.Completed = w.coverage.Rotations[step("published", "completed")]
	})
	return w
}

// close ends what still runs, so that nothing of it outlives the world.
func (w *world) close() {
	for _, p := range w.processes {
		for _, inv := range p.running {
			inv.stop()
		}
	}
}
