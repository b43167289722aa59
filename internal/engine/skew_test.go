package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Entra's clock differs from ours. What it answers sets start and end, and so when
// the next one is due; and what has ended by our clock is given a margin.
func TestEntrasClockDecides(t *testing.T) {
	for name, skew := range map[string]time.Duration{"Entra is ahead": 4 * time.Minute, "Entra is behind": -4 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.graph.skew = skew
			w.manage(policy(), "kv")
			w.run(time.Minute)
			entry := w.state().Ledger[0]
			assert.Equal(t, w.graph.passwords["key-1"].Start, entry.Start)
			assert.Equal(t, w.graph.passwords["key-1"].End, entry.End)
			assert.WithinDuration(t, entry.Start.Add(policy().Lifetime-policy().Threshold), w.view().Due.At, 5*time.Minute)
			w.run(21 * 24 * time.Hour)
			assert.Equal(t, rotation.Completed, w.rotation(2).State)
			assert.Equal(t, 2, w.graph.made, "and no more are due because of it")
		})
	}
}

// Whoever checks a certificate may be some minutes behind.
func TestACertificateIsValidForThoseWhoAreBehind(t *testing.T) {
	w := certificates(t)
	w.manage(certificatePolicy(), "kv")
	w.run(time.Minute)
	pair, err := certificate.Parse(w.place.given[0].Credential.Value)
	require.NoError(t, err)
	begun := w.rotation(1).RequestedAt.Truncate(time.Second)
	assert.Equal(t, begun.Add(-rotation.ClockMargin), pair.Certificate.NotBefore)
}

// Two instances take turns at everything, and one of them is five minutes ahead.
func TestInstancesWhoseClocksDiffer(t *testing.T) {
	for _, kind := range rotation.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			w.kind = kind
			w.Now = func() time.Time { return w.now.Add(time.Duration(w.calls%2) * 5 * time.Minute) }
			w.manage(rotation.DefaultPolicy(kind), "a", "b")
			w.run(10 * time.Minute)
			require.Equal(t, rotation.Completed, w.rotation(1).State)
			w.ask(engine.Ask{})
			w.run(10 * time.Minute)
			require.Equal(t, rotation.Completed, w.rotation(2).State)
			assert.Contains(t, w.graph.keyIDs(), w.rotation(1).KeyID)
			w.run(26 * time.Hour)
			assert.Equal(t, []string{w.rotation(2).KeyID}, w.graph.keyIDs())
			assert.Len(t, w.place.given, 4)
			assert.LessOrEqual(t, w.scheduled(), 2, fmt.Sprint(w.rows(engine.TableSchedule, w.shard(), "")))
		})
	}
}
