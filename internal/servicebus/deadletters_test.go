package servicebus_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "github.com/rekey-dev/rekey/internal/azuresim/servicebus"
	"github.com/rekey-dev/rekey/internal/deadletter"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

var (
	requests = deadletter.Entity{Name: engine.QueueRequests}
	one      = deadletter.Entity{Name: engine.TopicRotated, Subscription: "one"}
	two      = deadletter.Entity{Name: engine.TopicRotated, Subscription: "two"}
)

// bury sends messages to an entity and dead-letters each.
func (n *namespace) bury(e deadletter.Entity, ids ...string) {
	n.t.Helper()
	r := n.receiver(e.Name, e.Subscription)
	for _, id := range ids {
		m := request(rotation.Advance{AppID: id, Kind: rotation.Secret})
		m.To, m.Integration, m.ID = e.Name, e.Subscription, id
		require.NoError(n.t, n.bus.Send(n.t.Context(), m))
		messages, err := r.ReceiveMessages(n.t.Context(), 1, nil)
		require.NoError(n.t, err)
		require.NoError(n.t, r.DeadLetterMessage(n.t.Context(), messages[0], &azservicebus.DeadLetterOptions{
			Reason: to.Ptr("unreadable"), ErrorDescription: to.Ptr("because of " + id),
		}))
	}
}

// letters are the ids of the dead letters that are left.
func (n *namespace) letters(e deadletter.Entity) (ids []string) {
	n.t.Helper()
	all, err := n.bus.Peek(n.t.Context(), e, 0, 100)
	require.NoError(n.t, err)
	for _, l := range all {
		ids = append(ids, l.MessageID)
	}
	return ids
}

func TestDeadLettersAreShown(t *testing.T) {
	n := newNamespace(t)
	n.bury(one, "a", "b")
	all, err := n.bus.Peek(t.Context(), one, 0, 100)
	require.NoError(t, err)
	require.Len(t, all, 2)
	first := all[0]
	assert.True(t, json.Valid(first.Body))
	assert.WithinDuration(t, n.clock.Now(), first.EnqueuedAt, time.Second)
	first.Body, first.EnqueuedAt = nil, time.Time{}
	assert.Equal(t, deadletter.Letter{Entity: one, SequenceNumber: 1, MessageID: "a", Reason: "unreadable", Description: "because of a", DeliveryCount: 1}, first)
	assert.Equal(t, "b", all[1].About().AppID)

	later, err := n.bus.Peek(t.Context(), one, all[0].SequenceNumber+1, 100)
	require.NoError(t, err)
	assert.Equal(t, all[1:], later)
	none, err := n.bus.Peek(t.Context(), requests, 0, 100)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestAReplayReachesWhereTheMessageWas(t *testing.T) {
	for name, e := range map[string]deadletter.Entity{"a queue": requests, "a subscription": two} {
		t.Run(name, func(t *testing.T) {
			n := newNamespace(t)
			n.bury(e, "a", "b", "c")
			letter, err := n.bus.Replay(t.Context(), e, 2)
			require.NoError(t, err)
			assert.Equal(t, "b", letter.MessageID)
			assert.Equal(t, []string{"a", "c"}, n.letters(e))
			got := n.next(e.Name, e.Subscription)
			assert.Equal(t, "b", got.MessageID)
			assert.Equal(t, letter.Body, got.Body)
			assert.Equal(t, "application/cloudevents+json; charset=utf-8", *got.ContentType)
			assert.Nil(t, got.DeadLetterReason)
			assert.NotContains(t, got.ApplicationProperties, "DeadLetterReason")
			assert.Zero(t, n.Counts()["rotated/Subscriptions/one"].Active, "nobody else gets it")
			_, err = n.bus.Replay(t.Context(), e, 2)
			require.ErrorIs(t, err, deadletter.ErrUnknown)
			assert.Equal(t, []string{"a", "c"}, n.letters(e), "those before it can be taken again")
		})
	}
}

// TestAReplayIsForItsSubscriptionAlone replays a message that was sent to all.
func TestAReplayIsForItsSubscriptionAlone(t *testing.T) {
	n := newNamespace(t)
	everything := deadletter.Entity{Name: "everything", Subscription: "all"}
	n.bury(everything, "a")
	_, err := n.bus.Replay(t.Context(), everything, 1)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"integration": "all"}, n.next("everything", "all").ApplicationProperties)
}

func TestADiscardedLetterIsGone(t *testing.T) {
	n := newNamespace(t)
	n.bury(requests, "a", "b")
	letter, err := n.bus.Discard(t.Context(), requests, 2)
	require.NoError(t, err)
	assert.Equal(t, "because of b", letter.Description)
	assert.Equal(t, []string{"a"}, n.letters(requests))
	assert.Zero(t, n.Counts()[engine.QueueRequests].Active)
	for _, number := range []int64{-1, 0, 2, 3, 1 << 62} {
		_, err = n.bus.Discard(t.Context(), requests, number)
		require.ErrorIs(t, err, deadletter.ErrUnknown, number)
	}
	require.EqualError(t, err, `dead letters of "rotation-requests": there is no such dead letter`)
}

func TestALetterThatSomebodyHasIsLeftAlone(t *testing.T) {
	n := newNamespace(t)
	n.bury(requests, "a")
	other, err := n.receiving.NewReceiverForQueue(engine.QueueRequests, &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
	require.NoError(t, err)
	messages, err := other.ReceiveMessages(t.Context(), 1, nil)
	require.NoError(t, err)
	_, err = n.bus.Replay(t.Context(), requests, 1)
	require.ErrorIs(t, err, deadletter.ErrTaken)
	assert.Zero(t, n.Counts()[engine.QueueRequests].Active, "nothing was sent")
	require.NoError(t, other.AbandonMessage(t.Context(), messages[0], nil))
	_, err = n.bus.Replay(t.Context(), requests, 1)
	require.NoError(t, err)
}

func TestALetterFarBehindIsRefused(t *testing.T) {
	n := newNamespace(t)
	var ids []string
	for i := range 101 {
		ids = append(ids, fmt.Sprintf("m%03d", i))
	}
	n.bury(requests, ids...)
	_, err := n.bus.Discard(t.Context(), requests, 101)
	require.ErrorIs(t, err, deadletter.ErrBehind)
	letter, err := n.bus.Discard(t.Context(), requests, 100)
	require.NoError(t, err)
	assert.Equal(t, "m099", letter.MessageID)
	assert.Len(t, n.letters(requests), 100)
}

// TestAReplayThatDiesLeavesTheLetter ends between the two steps of a replay: the message
// is there twice, and a repetition goes through.
func TestAReplayThatDiesLeavesTheLetter(t *testing.T) {
	n := newNamespace(t)
	n.bury(two, "a")
	require.ErrorContains(t, n.bus.ReplayAndDie(t.Context(), two, 1), "context canceled")
	assert.Equal(t, []string{"a"}, n.letters(two), "the letter stays")
	assert.Equal(t, 1, n.Counts()["rotated/Subscriptions/two"].Active, "and its copy is on its way")
	_, err := n.bus.Replay(t.Context(), two, 1)
	require.ErrorIs(t, err, deadletter.ErrTaken, "until the lock ends")
	n.clock.Advance(2 * time.Minute)
	_, err = n.bus.Replay(t.Context(), two, 1)
	require.NoError(t, err)
	assert.Empty(t, n.letters(two))
	for range 2 {
		assert.Equal(t, "a", n.next(engine.TopicRotated, "two").MessageID, "the same message twice")
	}
}

// TestAReplayThatFailsLosesNothing has no answer, or a wrong one, from its first call on.
func TestAReplayThatFailsLosesNothing(t *testing.T) {
	for name, faults := range map[string]sim.Faults{"cut": {Cut: 1}, "an answer lost": {LoseAnswer: 1}, "busy": {Busy: 1}} {
		t.Run(name, func(t *testing.T) {
			n := newNamespace(t)
			n.bury(requests, "a")
			n.SetFaults(faults)
			_, err := n.bus.Replay(t.Context(), requests, 1)
			require.Error(t, err)
			assert.Contains(t, []rotation.Class{rotation.Transient, rotation.Throttled}, rotation.ClassOf(err))
			n.SetFaults(sim.Faults{})
			n.clock.Advance(2 * time.Minute)
			_, err = n.bus.Replay(t.Context(), requests, 1)
			require.NoError(t, err, "a repetition goes through")
			assert.Empty(t, n.letters(requests))
			assert.Equal(t, "a", n.next(engine.QueueRequests, "").MessageID)
		})
	}
}
