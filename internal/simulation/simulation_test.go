package simulation_test

import (
	"flag"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/simulation"
)

var (
	seeds = flag.Int("seeds", 300, "how many worlds to simulate")
	seed  = flag.Uint64("seed", 0, "simulate this world alone, and tell its history")
	lines = flag.Int("lines", 120, "how much of a history to tell")
)

// TestNothingIsLost lets many worlds pass. A broken promise is told with the history
// that led to it; go test -run TestNothingIsLost ./internal/simulation -args -seed N
// tells it again.
func TestNothingIsLost(t *testing.T) {
	if *seed > 0 {
		one(t, *seed)
		return
	}
	all, began := simulation.NewCoverage(), time.Now()
	var next atomic.Uint64
	t.Run("worlds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("worker", func(t *testing.T) {
				t.Parallel()
				for n := next.Add(1); n <= uint64(*seeds) && !t.Failed(); n = next.Add(1) {
					broken, met := simulation.Run(t, n)
					all.Add(met)
					if broken != "" {
						next.Store(uint64(*seeds))
						t.Errorf("seed %d: %s\n%s", n, broken, simulation.History(t, n, *lines))
					}
				}
			})
		}
	})
	t.Logf("%.0f schedules a second\n%s", float64(all.Worlds)/time.Since(began).Seconds(), all)
	if all.Worlds >= enough {
		assert.Empty(t, all.Missing(), "was never met")
	}
}

// enough worlds have met everything that can be met.
const enough = 2000

func one(t *testing.T, n uint64) {
	broken, met := simulation.Run(t, n)
	t.Logf("seed %d: broken: %q\n%s\n%s", n, broken, met, simulation.History(t, n, *lines))
	if broken != "" {
		t.Fail()
	}
}
