package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
)

// Received is a message as its receiver sees it.
type Received struct {
	ID, Type, Subject string
	Time              time.Time
	Data              string // JSON
}

// Everything is a topic whose one subscription has no filter.
const Everything = "everything"

// BusUnderTest is a bus and what is behind it: the queue engine.QueueRequests, the
// topic engine.TopicRotated with a subscription for each of the integrations "one"
// and "two", and the topic Everything with one for every message.
type BusUnderTest struct {
	engine.Bus
	// Receive takes and settles the next message of a queue, or of the topic's
	// subscription for an integration. It waits for one until the context ends.
	Receive func(ctx context.Context, entity, integration string) (Received, bool)
	// Now and Advance are the bus's clock.
	Now     func() time.Time
	Advance func(time.Duration)
}

// Bus proves that a bus keeps the promises of engine.Bus. The function returns one
// without messages.
func Bus(t *testing.T, fresh func(t *testing.T) BusUnderTest) {
	for name, prove := range map[string]func(*testing.T, BusUnderTest){
		"what is sent is received once":                sentIsReceived,
		"an integration's message is for it alone":     integrations,
		"messages to one queue keep their order":       orderKept,
		"one send may go to several entities":          severalEntities,
		"more than a batch holds arrives all the same": moreThanABatch,
		"a scheduled message comes in its time":        scheduled,
		"what was due already comes at once":           dueAlready,
		"many may send at once":                        manySenders,
		"sending nothing is success":                   sendNothing,
		"what JSON cannot hold is refused":             unmarshallable,
		"a cancelled send sends nothing":               cancelledSend,
	} {
		t.Run(name, func(t *testing.T) { prove(t, fresh(t)) })
	}
}

// request is a message to the queue.
func request(id string) engine.Message {
	return engine.Message{
		To: engine.QueueRequests, ID: id, Type: "dev.rekey.test", Subject: "applications/a",
		Time: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), Data: map[string]string{"id": id},
	}
}

func rotated(id, integration string) engine.Message {
	m := request(id)
	m.To, m.Integration = engine.TopicRotated, integration
	return m
}

func lifecycle(id string) engine.Message {
	m := request(id)
	m.To = Everything
	return m
}

// arrives receives what must come.
func arrives(t *testing.T, b BusUnderTest, entity, integration string) Received {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	m, ok := b.Receive(ctx, entity, integration)
	require.True(t, ok, "a message in %s %s", entity, integration)
	return m
}

// isEmpty waits a moment for what must not come.
func isEmpty(t *testing.T, b BusUnderTest, entity, integration string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	m, ok := b.Receive(ctx, entity, integration)
	assert.False(t, ok, "%s %s must be empty, and gave %q", entity, integration, m.ID)
}

func sentIsReceived(t *testing.T, b BusUnderTest) {
	require.NoError(t, b.Send(t.Context(), request("a")))
	got := arrives(t, b, engine.QueueRequests, "")
	assert.JSONEq(t, `{"id":"a"}`, got.Data)
	got.Data = ""
	want := request("a")
	assert.Equal(t, Received{ID: "a", Type: want.Type, Subject: want.Subject, Time: want.Time}, got)
	isEmpty(t, b, engine.QueueRequests, "")
}

func integrations(t *testing.T, b BusUnderTest) {
	require.NoError(t, b.Send(t.Context(), rotated("for-one", "one"), rotated("for-two", "two"), rotated("for-nobody", "three")))
	for _, integration := range []string{"one", "two"} {
		assert.Equal(t, "for-"+integration, arrives(t, b, engine.TopicRotated, integration).ID)
		isEmpty(t, b, engine.TopicRotated, integration)
	}
}

func orderKept(t *testing.T, b BusUnderTest) {
	var sent []engine.Message
	for n := range 10 {
		sent = append(sent, request(fmt.Sprint(n)))
	}
	require.NoError(t, b.Send(t.Context(), sent...))
	for _, m := range sent {
		assert.Equal(t, m.ID, arrives(t, b, engine.QueueRequests, "").ID)
	}
	isEmpty(t, b, engine.QueueRequests, "")
}

func severalEntities(t *testing.T, b BusUnderTest) {
	require.NoError(t, b.Send(t.Context(), request("1"), rotated("2", "one"), lifecycle("3"), request("4")))
	assert.Equal(t, "1", arrives(t, b, engine.QueueRequests, "").ID)
	assert.Equal(t, "4", arrives(t, b, engine.QueueRequests, "").ID)
	assert.Equal(t, "2", arrives(t, b, engine.TopicRotated, "one").ID)
	assert.Equal(t, "3", arrives(t, b, Everything, "").ID)
}

// A batch holds 256 KB: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
func moreThanABatch(t *testing.T, b BusUnderTest) {
	var sent []engine.Message
	for _, size := range append([]int{150 << 10, 150 << 10}, slices.Repeat([]int{10 << 10}, 50)...) {
		m := request(fmt.Sprint(len(sent)))
		m.Data = strings.Repeat("x", size)
		sent = append(sent, m)
	}
	require.NoError(t, b.Send(t.Context(), sent...))
	for _, m := range sent {
		assert.Equal(t, m.ID, arrives(t, b, engine.QueueRequests, "").ID)
	}
	isEmpty(t, b, engine.QueueRequests, "")
}

func scheduled(t *testing.T, b BusUnderTest) {
	in := func(id string, d time.Duration) engine.Message {
		m := request(id)
		m.At = b.Now().Add(d)
		return m
	}
	topic := rotated("topic", "one")
	topic.At = b.Now().Add(time.Hour)
	require.NoError(t, b.Send(t.Context(),
		in("late", 2*time.Hour), request("now"), in("soon", time.Hour), request("now, too"), in("soon, too", time.Hour), topic))
	assert.Equal(t, "now", arrives(t, b, engine.QueueRequests, "").ID)
	assert.Equal(t, "now, too", arrives(t, b, engine.QueueRequests, "").ID)
	isEmpty(t, b, engine.QueueRequests, "")
	isEmpty(t, b, engine.TopicRotated, "one")

	b.Advance(59 * time.Minute)
	isEmpty(t, b, engine.QueueRequests, "")
	b.Advance(time.Minute)
	both := []string{arrives(t, b, engine.QueueRequests, "").ID, arrives(t, b, engine.QueueRequests, "").ID}
	assert.ElementsMatch(t, []string{"soon", "soon, too"}, both)
	assert.Equal(t, "topic", arrives(t, b, engine.TopicRotated, "one").ID)
	isEmpty(t, b, engine.QueueRequests, "")

	b.Advance(time.Hour)
	assert.Equal(t, "late", arrives(t, b, engine.QueueRequests, "").ID)
	isEmpty(t, b, engine.QueueRequests, "")
}

func dueAlready(t *testing.T, b BusUnderTest) {
	m := request("a")
	m.At = b.Now().Add(-time.Minute)
	require.NoError(t, b.Send(t.Context(), m))
	assert.Equal(t, "a", arrives(t, b, engine.QueueRequests, "").ID)
}

func manySenders(t *testing.T, b BusUnderTest) {
	var want []string
	var sending sync.WaitGroup
	for n := range 20 {
		first, second := fmt.Sprintf("%d.1", n), fmt.Sprintf("%d.2", n)
		want = append(want, first, second)
		sending.Go(func() {
			assert.NoError(t, b.Send(t.Context(), request(first), request(second)))
		})
	}
	sending.Wait()
	var got []string
	for range want {
		got = append(got, arrives(t, b, engine.QueueRequests, "").ID)
	}
	slices.Sort(want)
	slices.Sort(got)
	assert.Equal(t, want, got)
	isEmpty(t, b, engine.QueueRequests, "")
}

func sendNothing(t *testing.T, b BusUnderTest) {
	assert.NoError(t, b.Send(t.Context()))
	isEmpty(t, b, engine.QueueRequests, "")
}

func unmarshallable(t *testing.T, b BusUnderTest) {
	m := request("bad")
	m.Data = func() {}
	assert.Error(t, b.Send(t.Context(), request("good"), m))
	isEmpty(t, b, engine.QueueRequests, "")
}

func cancelledSend(t *testing.T, b BusUnderTest) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, b.Send(ctx, request("a")), context.Canceled)
	isEmpty(t, b, engine.QueueRequests, "")
	require.NoError(t, b.Send(t.Context(), request("b")), "and the next one is sent")
	assert.Equal(t, "b", arrives(t, b, engine.QueueRequests, "").ID)
}
