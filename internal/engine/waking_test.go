package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// A message names the wake-up that caused it. A forged one deletes nobody else's.
func TestAForeignWakeUpIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	foreign := rotation.WakeUp{Partition: "03", Row: "2026-03-09T00:00:00.000Z|another|secret"}
	key := engine.Key{Table: engine.TableSchedule, Partition: foreign.Partition, Row: foreign.Row}
	require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Insert, Key: key}))
	id := w.rotation(1).ID
	require.NoError(t, w.Advance(t.Context(), w.invocation(), rotation.Advance{AppID: appID, Kind: w.kind, Row: &foreign}))
	require.NoError(t, w.Deploy(t.Context(), w.invocation(), w.place, rotation.Rotated{Rotation: id, Target: "kv", Row: &foreign}))
	_, err := w.store.Get(t.Context(), key)
	assert.NoError(t, err)
}

func TestEveryEnabledApplicationIsLookedAtWithinADay(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	for range 40 {
		w.run(7 * time.Hour)
		rows := w.rows(engine.TableSchedule, w.shard(), "")
		require.NotEmpty(t, rows)
		assert.LessOrEqual(t, rows[0].Row, w.now.Add(24*time.Hour+5*time.Minute).Format(time.RFC3339))
	}
}

// bounded is a directory that looks at the deadlines of its callers.
type bounded struct {
	*graph
	t     *testing.T
	slow  time.Duration // how long a creation takes
	limit time.Duration
}

func (b *bounded) check(ctx context.Context) {
	deadline, ok := ctx.Deadline()
	require.True(b.t, ok, "every call is bounded")
	assert.LessOrEqual(b.t, time.Until(deadline), b.limit)
}

func (b *bounded) AddPassword(ctx context.Context, id, name string, end time.Time) (engine.DirectoryCredential, error) {
	b.check(ctx)
	b.w.now = b.w.now.Add(b.slow)
	return b.graph.AddPassword(ctx, id, name, end)
}

func (b *bounded) RemovePassword(ctx context.Context, id, keyID string) error {
	b.check(ctx)
	return b.graph.RemovePassword(ctx, id, keyID)
}

func (b *bounded) Application(ctx context.Context, id string, kind rotation.Kind) (engine.DirectoryApplication, error) {
	b.check(ctx)
	return b.graph.Application(ctx, id, kind)
}

// boundedStage does the same for the staging vault.
type boundedStage struct {
	*stage
	*bounded
}

func (b boundedStage) Put(ctx context.Context, name string, c rotation.Credential) error {
	deadline, _ := ctx.Deadline()
	assert.LessOrEqual(b.t, time.Until(deadline), 4*time.Second, "what is left of the lease, not a call's whole time")
	return b.stage.Put(ctx, name, c)
}

// The lease is good for three calls of ten seconds. A creation that took 26 leaves
// four for what follows.
func TestNoCallOutlivesItsLease(t *testing.T) {
	w := newWorld(t)
	directory := &bounded{graph: w.graph, t: t, slow: 26 * time.Second, limit: w.CallTimeout}
	w.Directory, w.Stage = directory, boundedStage{w.stage, directory}
	w.manage(policy(), "kv")
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(27 * time.Hour)
	assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
}

// events is whoever takes lifecycle events.
type events struct {
	fail  error
	taken []rotation.Event
}

func (e *events) Publish(_ context.Context, all ...rotation.Event) error {
	if e.fail == nil {
		e.taken = append(e.taken, all...)
	}
	return e.fail
}

// Events wait while nobody takes them, and come with the ids that they always had.
func TestLifecycleEventsAreNeitherLostNorDoubled(t *testing.T) {
	w := newWorld(t)
	taker := &events{fail: errors.New("eventgrid: out of reach")}
	w.Publisher = taker
	w.manage(policy(), "kv")
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(time.Minute)
	assert.Empty(t, taker.taken)
	taker.fail = nil
	w.run(27 * time.Hour)
	ids, counts := map[string]bool{}, map[rotation.EventType]int{}
	for _, e := range taker.taken {
		assert.False(t, ids[e.ID], "%s comes once", e.ID)
		ids[e.ID] = true
		counts[e.Type]++
	}
	assert.Equal(t, 2, counts[rotation.EventDue])
	assert.Equal(t, 2, counts[rotation.EventRotated])
	assert.Equal(t, 1, counts[rotation.EventRetired])
}
