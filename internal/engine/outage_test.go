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

// counting is a store that counts what it is asked.
type counting struct {
	engine.Store
	queries, writes int
}

func (c *counting) Query(ctx context.Context, within engine.Range) iter.Seq2[engine.Row, error] {
	c.queries++
	return c.Store.Query(ctx, within)
}

func (c *counting) Write(ctx context.Context, changes ...engine.Change) error {
	c.writes++
	return c.Store.Write(ctx, changes...)
}

// tally is a bus that only counts how often each application is woken.
type tally map[string]int

func (t tally) Send(_ context.Context, messages ...engine.Message) error {
	for _, m := range messages {
		t[m.Data.(rotation.Advance).AppID]++
	}
	return nil
}

// out is a bus that is out of reach from one of its sends until a time.
type out struct {
	engine.Bus
	w     *world
	after int // sends that still get through
	until time.Time
	began time.Time
}

func (o *out) Send(ctx context.Context, messages ...engine.Message) error {
	if o.w.now.Before(o.until) {
		if o.after--; o.after < 0 {
			if o.began.IsZero() {
				o.began, o.until = o.w.now, o.w.now.Add(time.Hour)
			}
			return errors.New("servicebus: out of reach")
		}
	}
	return o.Bus.Send(ctx, messages...)
}

func (w *world) scheduled() (rows int) {
	for n := range 16 {
		rows += len(w.rows(engine.TableSchedule, fmt.Sprintf("%02d", n), ""))
	}
	return rows
}

// An outage ends, and 10,000 wake-ups are due: each is sent once, and what that
// costs follows from their number alone. Whoever does not serve them, because the
// messages were lost as well, finds as many the next time.
func TestTenThousandDueAtOnce(t *testing.T) {
	const many = 10_000
	w := newWorld(t)
	w.Bus = &out{Bus: w.bus, w: w, until: w.now.Add(time.Minute)}
	apps := map[string]int{}
	for n := range many {
		app := rotation.Application{AppID: fmt.Sprintf("11111111-1111-4111-8111-%012d", n), Policies: map[rotation.Kind]rotation.Policy{rotation.Secret: policy()}}
		apps[app.AppID] = 0
		_, _, err := w.SaveApplication(t.Context(), app, "", "test")
		require.NoError(t, err, "what is configured is kept, whatever the bus does")
	}
	w.Bus = tally(apps)
	for round := 1; round <= 2; round++ {
		w.now = w.now.Add(2 * time.Hour)
		store := &counting{Store: w.store}
		w.Store = store
		sent, err := w.Sweep(t.Context())
		require.NoError(t, err)
		assert.Equal(t, many, sent)
		for id, count := range apps {
			require.Equal(t, round, count, id)
		}
		assert.Equal(t, many, w.scheduled(), "the schedule does not grow")
		assert.LessOrEqual(t, store.writes, many/50+16, "fifty are moved by one write")
		assert.LessOrEqual(t, store.queries, many/50+2*16)
		again, err := w.Sweep(t.Context())
		require.NoError(t, err)
		assert.Zero(t, again, "the next sweep finds nothing due")
	}
}

// Service Bus is out of reach for an hour, from any of a rotation's messages on.
// What is asked for meanwhile is accepted, nothing is lost, and afterwards
// everything gets to its end within a few sweeps.
func TestAnHourWithoutServiceBus(t *testing.T) {
	points := 0
	for n := 0; ; n++ {
		w := newWorld(t)
		w.manage(policy(), "a", "b")
		w.run(time.Minute)
		bus := &out{Bus: w.bus, w: w, after: n, until: w.now.AddDate(1, 0, 0)}
		w.Bus = bus
		w.ask(engine.Ask{})
		w.tolerate(5*time.Minute, bus)
		if bus.began.IsZero() {
			break
		}
		points++
		w.ask(engine.Ask{IdempotencyKey: "during the outage"})
		w.tolerate(bus.until.Sub(w.now), bus)
		w.run(2*5*time.Minute + time.Minute)
		current := w.state().Generation
		assert.Equal(t, rotation.Completed, w.rotation(current).State, "out of reach from message %d on", n)
		w.run(27 * time.Hour)
		assert.Equal(t, []string{w.rotation(current).KeyID}, w.graph.keyIDs(), "out of reach from message %d on", n)
		assert.LessOrEqual(t, w.scheduled(), 2)
	}
	assert.GreaterOrEqual(t, points, 4, "a rotation sends more messages than that")
}

// tolerate lets time pass as run does. While the bus is out of reach no message is
// received, and what fails because of it is redelivered when it is back.
func (w *world) tolerate(span time.Duration, bus *out) {
	w.t.Helper()
	for end := w.now.Add(span); w.now.Before(end); w.now = w.next() {
		if _, err := w.Sweep(w.t.Context()); err != nil {
			require.False(w.t, bus.began.IsZero(), err)
		}
		for bus.began.IsZero() {
			m, ok := w.bus.Receive(engine.QueueRequests, "", w.now)
			var err error
			if ok {
				err = w.Advance(w.t.Context(), w.invocation(), m.Data.(rotation.Advance))
			} else if m, ok = w.bus.Receive(engine.TopicRotated, "place", w.now); ok {
				err = w.Deploy(w.t.Context(), w.invocation(), w.place, m.Data.(rotation.Rotated))
			}
			if !ok {
				break
			}
			if err != nil {
				require.False(w.t, bus.began.IsZero(), err)
				m.At = bus.until
				require.NoError(w.t, w.bus.Send(w.t.Context(), m))
			}
		}
	}
}
