package eventgrid

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// world is the function with a topic, a bus and a log that keep what they get.
type world struct {
	Config
	bus   *memory.Bus
	fail  error
	taken []rotation.Event
	lines []string
	now   time.Time
}

func newWorld() *world {
	w := &world{bus: &memory.Bus{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.Config = Config{Publisher: w, Bus: w.bus, Log: w, Now: func() time.Time { return w.now }}
	return w
}

func (w *world) Publish(_ context.Context, events ...rotation.Event) error {
	if w.fail == nil {
		w.taken = append(w.taken, events...)
	}
	return w.fail
}

func (w *world) LogChange(_ context.Context, entry rotation.LogEntry) {
	w.lines = append(w.lines, entry.Actor+" "+entry.What+" "+entry.AppID+": "+entry.Detail)
}

func body(t testing.TB, event rotation.Event) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"specversion": "1.0", "id": event.ID, "source": "rekey", "type": event.Type, "data": event})
	require.NoError(t, err)
	return text
}

func happened(age time.Duration) rotation.Event {
	return rotation.Event{ID: "app.secret.1.3.rotated", Type: rotation.EventRotated, Time: newWorld().now.Add(-age), AppID: "app"}
}

func TestEventsAreHandedOn(t *testing.T) {
	w := newWorld()
	require.NoError(t, w.handle(t.Context(), body(t, happened(0))))
	assert.Equal(t, []rotation.Event{happened(0)}, w.taken)
}

func TestWithoutATopicEventsAreLetGo(t *testing.T) {
	w := newWorld()
	w.Publisher = nil
	require.NoError(t, w.handle(t.Context(), body(t, happened(0))))
	_, waiting := w.bus.Next()
	assert.False(t, waiting)
}

func TestWhatFailsComesAgainForItselfAlone(t *testing.T) {
	throttled := &rotation.Fault{Class: rotation.Throttled, After: 2 * time.Hour, Err: errors.New("busy")}
	for name, c := range map[string]struct {
		age  time.Duration
		fail error
		want time.Duration
	}{
		"at first, soon":                    {0, errors.New("cut"), 15 * time.Second},
		"then after as long as it was":      {4 * time.Minute, errors.New("cut"), 4 * time.Minute},
		"and at most an hour":               {7 * time.Hour, errors.New("cut"), time.Hour},
		"or when the topic says":            {0, throttled, 2 * time.Hour},
		"also where a role is missing":      {0, &rotation.Fault{Class: rotation.Denied, Err: errors.New("no")}, 15 * time.Second},
		"with a clock that is a bit behind": {-time.Minute, errors.New("cut"), 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.fail = c.fail
			require.NoError(t, w.handle(t.Context(), body(t, happened(c.age))))
			assert.Empty(t, w.lines)
			m, ok := w.bus.Receive(engine.TopicLifecycle, "eventgrid", w.now.Add(c.want))
			require.True(t, ok)
			assert.Equal(t, w.now.Add(c.want), m.At)
			assert.Equal(t, happened(c.age), m.Data)
			assert.Equal(t, happened(c.age).ID, m.ID)
		})
	}
}

func TestWhatIsGivenUpHasALine(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration
		fail error
	}{
		"refused for good": {0, rotation.Permanently("too large")},
		"a day old":        {24*time.Hour + 1, errors.New("too large")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.fail = c.fail
			require.NoError(t, w.handle(t.Context(), body(t, happened(c.age))))
			assert.Equal(t, []string{`eventgrid unpublished app: the event "app.secret.1.3.rotated" did not reach Event Grid: too large`}, w.lines)
			_, waiting := w.bus.Next()
			assert.False(t, waiting)
		})
	}
}

func TestWhatIsNoEventGoesToTheDeadLetters(t *testing.T) {
	w := newWorld()
	assert.EqualError(t, w.handle(t.Context(), []byte(`{"specversion":"1.0","id":"1","source":"rekey","type":"dev.rekey.rotated","data":{}}`)),
		"data.id: must name what happened")
}
