package functions_test

import (
	"flag"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/simulation"
)

var (
	seeds = flag.Int("seeds", 40, "how many worlds to simulate")
	seed  = flag.Uint64("seed", 0, "simulate this world alone, and tell its history")
	lines = flag.Int("lines", 120, "how much of a history to tell")
)

// TestNothingIsLostAtRealPlaces lets worlds pass in which the real clients and
// integrations speak to the simulated Azure, without a wire between them: each of
// their HTTP calls is an effect that can go wrong, and the promises are judged by
// what the services hold. go test -run TestNothingIsLostAtRealPlaces ./functions
// -args -seed N tells the history of one again.
func TestNothingIsLostAtRealPlaces(t *testing.T) {
	if *seed > 0 {
		broken, met := simulation.RunReal(t, *seed, outside)
		t.Logf("seed %d: broken: %q\n%s\n%s", *seed, broken, met, simulation.HistoryReal(t, *seed, *lines, outside))
		if broken != "" {
			t.Fail()
		}
		return
	}
	all, began := simulation.NewCoverage(), time.Now()
	var next atomic.Uint64
	t.Run("worlds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("worker", func(t *testing.T) {
				t.Parallel()
				for n := next.Add(1); n <= uint64(*seeds) && !t.Failed(); n = next.Add(1) {
					broken, met := simulation.RunReal(t, n, outside)
					all.Add(met)
					if broken != "" {
						next.Store(uint64(*seeds))
						t.Errorf("seed %d: %s\n%s", n, broken, simulation.HistoryReal(t, n, *lines, outside))
					}
				}
			})
		}
	})
	t.Logf("%.1f schedules a second\n%s", float64(all.Worlds)/time.Since(began).Seconds(), all)
}

func TestAWorldOfRealPlacesRepeatsItself(t *testing.T) {
	const seed, everything = 3, 100_000
	once := simulation.HistoryReal(t, seed, everything, outside)
	assert.Equal(t, once, simulation.HistoryReal(t, seed, everything, outside))
	assert.Greater(t, strings.Count(once, "\n"), 1000)
}
