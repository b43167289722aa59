package engine_test

import (
	"context"
	"errors"
	"slices"
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

// deaf is a bus that takes no lifecycle events.
type deaf struct {
	engine.Bus
	fail error
}

func (d *deaf) Send(ctx context.Context, messages ...engine.Message) error {
	about := func(m engine.Message) bool { return m.To == engine.TopicLifecycle }
	if d.fail != nil && slices.ContainsFunc(messages, about) {
		return d.fail
	}
	return d.Bus.Send(ctx, messages...)
}

// Events wait while nobody takes them, and come with the ids that they always had.
func TestLifecycleEventsAreNeitherLostNorDoubled(t *testing.T) {
	w := newWorld(t)
	topic := &deaf{w.bus, errors.New("the topic is out of reach")}
	w.Bus = topic
	w.manage(policy())
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(time.Minute)
	assert.Empty(t, w.told)
	topic.fail = nil
	w.run(5 * time.Minute)
	assert.NotEmpty(t, w.told, "they are not left to the next wake-up of a quiet application")
	assert.Equal(t, map[rotation.EventType]int{rotation.EventDue: 2, rotation.EventRotated: 2}, w.tellings())
}

func TestEveryEndIsTold(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(27 * time.Hour)
	assert.Equal(t, map[rotation.EventType]int{
		rotation.EventDue: 2, rotation.EventRotated: 2, rotation.EventDeployed: 2, rotation.EventRetired: 1,
	}, w.tellings())
}

// What a target came to while nobody took events is told by rotate, once.
func TestWhatTheBusDidNotTakeIsToldLater(t *testing.T) {
	w := newWorld(t)
	topic := &deaf{w.bus, errors.New("the topic is out of reach")}
	w.Bus = topic
	w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
		if d.Target.ID == "bad" {
			return rotation.Outcome{}, rotation.Permanently("place: refused")
		}
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.manage(policy(), "kv", "bad")
	w.run(time.Minute)
	assert.Empty(t, w.told)
	topic.fail = nil
	w.run(10 * time.Minute)
	assert.Equal(t, map[rotation.EventType]int{
		rotation.EventDue: 1, rotation.EventRotated: 1, rotation.EventDeployed: 1, rotation.EventFailed: 2,
	}, w.tellings(), "of the failures, one is the target's and one the rotation's")
	w.run(time.Hour)
	assert.Len(t, w.told, 5)
}

// A delivery that dies before its row is written tells the same again.
func TestADeliveryTellsTheSameAgain(t *testing.T) {
	w := newWorld(t)
	w.Store = &forgetful{Store: w.store}
	w.manage(policy(), "kv")
	w.run(time.Minute)
	ids := map[string]int{}
	for _, event := range w.told {
		if event.Type == rotation.EventDeployed {
			ids[event.ID]++
		}
	}
	assert.Equal(t, map[string]int{appID + ".secret.1.kv.1.confirmed": 2}, ids)
}

// forgetful is a store that loses the first confirmation.
type forgetful struct {
	engine.Store
	lost bool
}

func (f *forgetful) Write(ctx context.Context, changes ...engine.Change) error {
	confirms := func(c engine.Change) bool { return c.Properties["state"] == string(rotation.DeploymentConfirmed) }
	if !f.lost && slices.ContainsFunc(changes, confirms) {
		f.lost = true
		return engine.ErrConflict
	}
	return f.Store.Write(ctx, changes...)
}

// tellings counts events, of which none may have come twice.
func (w *world) tellings() map[rotation.EventType]int {
	ids, counts := map[string]bool{}, map[rotation.EventType]int{}
	for _, event := range w.told {
		assert.False(w.t, ids[event.ID], "%s comes once", event.ID)
		ids[event.ID] = true
		counts[event.Type]++
	}
	return counts
}
