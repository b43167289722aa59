package servicebus_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "github.com/rekey-dev/rekey/internal/azuresim/servicebus"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/servicebus"
)

func request(data any) engine.Message {
	return engine.Message{
		To: engine.QueueRequests, ID: "id-1", Type: "dev.rekey.advance", Subject: "applications/a",
		Time: time.Date(2026, 3, 1, 13, 0, 0, 500, time.FixedZone("", 3600)), Data: data,
	}
}

func (n *namespace) next(entity, subscription string) *azservicebus.ReceivedMessage {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	m := n.receive(ctx, entity, subscription)
	require.NotNil(n.t, m)
	return m
}

func TestAMessageIsACloudEvent(t *testing.T) {
	n := newNamespace(t)
	m := request(rotation.Advance{AppID: "a", Kind: rotation.Secret})
	m.To, m.Integration = engine.TopicRotated, "one"
	m.At = n.clock.Now().Add(time.Minute)
	require.NoError(t, n.bus.Send(t.Context(), m))
	n.clock.Advance(time.Minute)
	got := n.next(engine.TopicRotated, "one")
	assert.Equal(t, "id-1", got.MessageID)
	assert.Equal(t, "applications/a", *got.Subject)
	assert.Equal(t, "application/cloudevents+json; charset=utf-8", *got.ContentType)
	assert.Equal(t, map[string]any{"integration": "one"}, got.ApplicationProperties)
	assert.WithinDuration(t, m.At, *got.ScheduledEnqueueTime, time.Millisecond)
	assert.JSONEq(t, `{
		"specversion": "1.0", "id": "id-1", "source": "rekey", "type": "dev.rekey.advance", "subject": "applications/a",
		"time": "2026-03-01T12:00:00.0000005Z", "datacontenttype": "application/json", "data": {"appId": "a", "kind": "secret"}
	}`, string(got.Body))
}

func TestAMessageWithoutAnIntegrationHasNoProperty(t *testing.T) {
	n := newNamespace(t)
	require.NoError(t, n.bus.Send(t.Context(), request("x")))
	got := n.next(engine.QueueRequests, "")
	assert.Empty(t, got.ApplicationProperties)
	assert.Nil(t, got.ScheduledEnqueueTime)
}

func TestErrorsAreClassified(t *testing.T) {
	const tooMuch = 300 << 10
	big := request(strings.Repeat("x", tooMuch))
	lost := request("x")
	lost.To = "nowhere"
	for name, c := range map[string]struct {
		faults   sim.Faults
		messages []engine.Message
		class    rotation.Class
		after    time.Duration
		text     string
		renewed  bool // the sender is not used again
	}{
		"an entity that is not there":    {sim.Faults{}, []engine.Message{lost}, rotation.NotFound, 0, `servicebus: send to "nowhere": `, false},
		"a message that is too large":    {sim.Faults{}, []engine.Message{big}, rotation.Permanent, 0, `servicebus: send to "rotation-requests": the message is too large`, false},
		"one too large for its batch":    {sim.Faults{}, []engine.Message{request("x"), big}, rotation.Permanent, 0, `servicebus: send to "rotation-requests": the message is too large`, false},
		"a busy service":                 {sim.Faults{Busy: 1}, []engine.Message{request("x")}, rotation.Throttled, 10 * time.Second, `servicebus: send to "rotation-requests": `, false},
		"a connection that is cut":       {sim.Faults{Cut: 1}, []engine.Message{request("x")}, rotation.Transient, 0, `servicebus: send to "rotation-requests": `, true},
		"an answer that is lost":         {sim.Faults{LoseAnswer: 1}, []engine.Message{request("x"), request("y")}, rotation.Transient, 0, `servicebus: send to "rotation-requests": `, true},
		"data that JSON has no form for": {sim.Faults{}, []engine.Message{request(func() {})}, rotation.Permanent, 0, `servicebus: message "dev.rekey.advance" to "rotation-requests": json: unsupported type: func()`, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNamespace(t)
			require.NoError(t, n.bus.Send(t.Context(), request("before")))
			n.SetFaults(c.faults)
			err := n.bus.Send(t.Context(), c.messages...)
			require.ErrorContains(t, err, c.text)
			assert.Equal(t, c.class, rotation.ClassOf(err), err)
			assert.Equal(t, c.after, rotation.AfterOf(err))
			assert.Equal(t, c.renewed, !n.bus.HasSender(engine.QueueRequests))
			n.SetFaults(sim.Faults{})
			require.NoError(t, n.bus.Send(t.Context(), request("afterwards")), "all is well again")
		})
	}
}

func TestASenderThatSomebodyClosedIsReplaced(t *testing.T) {
	n := newNamespace(t)
	for _, messages := range [][]engine.Message{{request("x")}, {request("x"), request("y")}} {
		require.NoError(t, n.bus.CloseSender(t.Context(), engine.QueueRequests))
		require.NoError(t, n.bus.Send(t.Context(), messages...))
		for range messages {
			n.next(engine.QueueRequests, "")
		}
	}
}

func TestACutConnectionIsMended(t *testing.T) {
	n := newNamespace(t)
	require.NoError(t, n.bus.Send(t.Context(), request("before")))
	n.CutConnections()
	require.NoError(t, n.bus.Send(t.Context(), request("after")))
	assert.Equal(t, 2, n.Counts()[engine.QueueRequests].Active)
}

// Every message arrives although the connection breaks again and again.
func TestATroubledConnectionLosesNothing(t *testing.T) {
	n := newNamespace(t)
	n.SetFaults(sim.Faults{Cut: 0.1, LoseAnswer: 0.1})
	for range 50 {
		for n.bus.Send(t.Context(), request("x"), request("y")) != nil {
		}
	}
	n.SetFaults(sim.Faults{})
	assert.GreaterOrEqual(t, n.Counts()[engine.QueueRequests].Active, 100)
}

func TestASendIsBounded(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	bus := servicebus.New(connect(t, silent.Addr()), servicebus.Options{CallTimeout: 20 * time.Millisecond})
	begun := time.Now()
	err = bus.Send(t.Context(), request("x"))
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	assert.Less(t, time.Since(begun), 5*time.Second)
}
