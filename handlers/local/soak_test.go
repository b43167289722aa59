package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSoak is a short form of `make soak`.
func TestSoak(t *testing.T) {
	t.Parallel() // it waits most of the time
	o := DefaultOptions()
	o.Apps, o.Dist, o.Dir, o.HostPort, o.Ports = 80, dist, t.TempDir(), 0, anyPorts
	o.Soak, o.Seed, o.WakeAll = time.Minute, uint64(time.Now().UnixNano()), true
	s, err := startSoak(t.Context(), o, t.Output())
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(s.path("handler.log"))
			t.Logf("the handler's log ends with\n%s", tail(log, 6000))
		}
		require.NoError(t, s.Close())
	})
	require.NoError(t, s.run(t.Context()))
	s.report()
	assert.Empty(t, s.sorted())
	assert.Greater(t, s.kills, 20)
	assert.Greater(t, len(s.accepted), 50)
	for who, met := range s.faultsMet() {
		assert.NotEmpty(t, met, who)
	}
}
