package engine_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// crashing stands between the engine and everything outside. At its chosen
// effect it dies, before or after the effect took place, and from then on every
// call of that invocation fails, as if its process were gone.
type crashing struct {
	w      *world
	at     int  // the effect to die at, counted from 1
	after  bool // the effect takes place first
	effect int
	dead   bool
	where  string
}

var errDead = errors.New("the process is gone")

func (c *crashing) do(where string, effect func() error) error {
	if c.dead {
		return errDead
	}
	c.effect++
	if c.effect != c.at {
		return effect()
	}
	c.where = where
	if c.after {
		_ = effect()
	}
	c.dead = true
	return errDead
}

type crashingStore struct {
	*crashing
	engine.Store
}

func (s crashingStore) Get(ctx context.Context, key engine.Key) (engine.Row, error) {
	if s.dead {
		return engine.Row{}, errDead
	}
	return s.Store.Get(ctx, key)
}

func (s crashingStore) Query(ctx context.Context, r engine.Range) iter.Seq2[engine.Row, error] {
	if s.dead {
		return func(yield func(engine.Row, error) bool) { yield(engine.Row{}, errDead) }
	}
	return s.Store.Query(ctx, r)
}

func (g crashingGraph) ReplaceKeys(ctx context.Context, id string, keys []engine.DirectoryCredential) error {
	return g.do("replaceKeys", func() error { return g.graph.ReplaceKeys(ctx, id, keys) })
}

func (s crashingStore) Write(ctx context.Context, changes ...engine.Change) error {
	return s.do(fmt.Sprintf("write %s %s (%d rows)", changes[0].Table, changes[0].Row, len(changes)), func() error { return s.Store.Write(ctx, changes...) })
}

type crashingBus struct {
	*crashing
	engine.Bus
}

func (b crashingBus) Send(ctx context.Context, m ...engine.Message) error {
	return b.do("send to "+m[0].To, func() error { return b.Bus.Send(ctx, m...) })
}

type crashingGraph struct {
	*crashing
	*graph
}

func (g crashingGraph) AddPassword(ctx context.Context, id, name string, end time.Time) (p engine.DirectoryCredential, err error) {
	err = g.do("addPassword", func() (err error) { p, err = g.graph.AddPassword(ctx, id, name, end); return err })
	if g.dead {
		return engine.DirectoryCredential{}, errDead
	}
	return p, err
}

func (g crashingGraph) RemovePassword(ctx context.Context, id, keyID string) error {
	return g.do("removePassword", func() error { return g.graph.RemovePassword(ctx, id, keyID) })
}

type crashingStage struct {
	*crashing
	*stage
}

func (s crashingStage) Put(ctx context.Context, name string, c rotation.Credential) error {
	return s.do("stage", func() error { return s.stage.Put(ctx, name, c) })
}

func (s crashingStage) Delete(ctx context.Context, kind rotation.Kind, name string) error {
	return s.do("unstage", func() error { return s.stage.Delete(ctx, kind, name) })
}

type crashingPlace struct {
	*crashing
	*place
}

func (p crashingPlace) Deploy(ctx context.Context, d rotation.Delivery) (o rotation.Outcome, err error) {
	err = p.do("deploy", func() (err error) { o, err = p.place.Deploy(ctx, d); return err })
	return o, err
}

// TestEveryCrashPoint kills the process at each effect of a rotation, from the
// request to the retirement of the old credential, once before the effect and
// once after it. Whatever the point, the rotation completes, and Entra ID holds
// exactly the new credential, which the target has and the stage keeps.
func TestEveryCrashPoint(t *testing.T) {
	for _, kind := range rotation.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			points := 0
			for n := 1; ; n++ {
				crashed := crash(t, kind, n, false)
				if !crashed {
					break
				}
				crash(t, kind, n, true)
				points++
			}
			assert.Greater(t, points, 20, "a rotation has more effects than that")
		})
	}
}

func crash(t *testing.T, kind rotation.Kind, at int, after bool) (crashed bool) {
	t.Helper()
	w := newWorld(t)
	w.kind = kind
	w.manage(rotation.DefaultPolicy(kind), "kv")
	w.run(time.Minute)
	require.Equal(t, rotation.Completed, w.rotation(1).State)

	c := &crashing{w: w, at: at, after: after}
	w.Store, w.Bus = crashingStore{c, w.store}, crashingBus{c, w.bus}
	w.Directory, w.Keys, w.Stage = crashingGraph{c, w.graph}, crashingGraph{c, w.graph}, crashingStage{c, w.stage}
	_, err := w.Ask(t.Context(), engine.Ask{AppID: appID, Kind: kind, Source: rotation.ByPerson})
	c.survive(err)
	for end := w.now.Add(72 * time.Hour); w.now.Before(end); w.now = w.next() {
		c.drain()
		if w.now.Equal(w.now.Truncate(time.Minute)) {
			_, err := w.Sweep(t.Context())
			c.survive(err)
		}
	}
	if c.where == "" {
		return false
	}
	if c.effect <= 3 && !after && w.rotation(1).State == rotation.Completed && w.state().Generation == 1 {
		return true // the request itself was lost before it was accepted
	}
	c.check(t)
	return true
}

// survive brings the process back after it died; any other error is one.
func (c *crashing) survive(err error) {
	c.w.t.Helper()
	if c.dead {
		c.dead = false
		return
	}
	require.NoError(c.w.t, err)
}

// drain receives what is there. A message whose invocation died comes again.
func (c *crashing) drain() {
	for n := 0; n < 100; n++ {
		if m, ok := c.w.bus.Receive(engine.QueueRequests, "", c.w.now); ok {
			err := c.w.Advance(c.w.t.Context(), c.w.invocation(), m.Data.(rotation.Advance))
			c.again(m, err)
		} else if m, ok := c.w.bus.Receive(engine.TopicRotated, "place", c.w.now); ok {
			err := c.w.Deploy(c.w.t.Context(), c.w.invocation(), crashingPlace{c, c.w.place}, m.Data.(rotation.Rotated))
			c.again(m, err)
		} else {
			return
		}
	}
}

// again redelivers a message after its lock has run out.
func (c *crashing) again(m engine.Message, err error) {
	died := c.dead
	c.survive(err)
	if died {
		m.At = c.w.now.Add(time.Minute)
		_ = c.w.bus.Send(c.w.t.Context(), m)
	}
}

func (c *crashing) check(t *testing.T) {
	t.Helper()
	point := fmt.Sprintf("crash %d at %q, after the effect: %v", c.at, c.where, c.after)
	state := c.w.state()
	require.Len(t, state.Ledger, 1, point)
	current := state.Current
	assert.Equal(t, []string{current}, c.w.graph.keyIDs(), point)
	assert.Equal(t, current, c.w.place.given[len(c.w.place.given)-1].Credential.KeyID, point)
	assert.Contains(t, c.w.stage.copies, state.Ledger[0].Staged, point)
	assert.Len(t, c.w.stage.copies, 1, point)
	assert.Equal(t, rotation.Completed, c.w.rotation(state.Generation).State, point)
}
