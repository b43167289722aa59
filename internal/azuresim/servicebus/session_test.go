package servicebus_test

import (
	"context"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
)

func inSession(id, body string) *azservicebus.Message {
	return &azservicebus.Message{Body: []byte(body), SessionID: &id}
}

func (b *bus) nextSession(t *testing.T) *azservicebus.SessionReceiver {
	t.Helper()
	r, err := b.client.AcceptNextSessionForQueue(deadline(t), "sessions", nil)
	require.NoError(t, err)
	return r
}

func TestSessionsAreReceivedOneByOne(t *testing.T) {
	b := newBus(t)
	b.send(t, "sessions", inSession("A", "a1"), inSession("B", "b1"), inSession("A", "a2"))
	a := b.nextSession(t)
	assert.Equal(t, "A", a.SessionID(), "the session with the oldest message comes first")
	assert.WithinDuration(t, b.clock.Now().Add(time.Minute), a.LockedUntil(), 5*time.Second)
	_, err := b.client.AcceptSessionForQueue(deadline(t), "sessions", "A", nil)
	assert.ErrorContains(t, err, "com.microsoft:session-cannot-be-locked")
	assert.Equal(t, "B", b.nextSession(t).SessionID())

	first, second := one(t, a), one(t, a)
	assert.Equal(t, []string{"a1", "a2"}, []string{string(first.Body), string(second.Body)})
	require.NoError(t, a.CompleteMessage(deadline(t), first, nil))
	require.NoError(t, a.Close(deadline(t)))
	a, err = b.client.AcceptSessionForQueue(deadline(t), "sessions", "A", nil)
	require.NoError(t, err)
	again := one(t, a)
	assert.Equal(t, "a2", string(again.Body))
	assert.Equal(t, uint32(1), again.DeliveryCount, "closing a session counts no delivery as failed")
}

func TestNextSessionIsWaitedFor(t *testing.T) {
	b := newBus(t)
	type result struct {
		r   *azservicebus.SessionReceiver
		err error
	}
	got := make(chan result)
	go func() {
		r, err := b.client.AcceptNextSessionForQueue(deadline(t), "sessions", nil)
		got <- result{r, err}
	}()
	b.send(t, "sessions", inSession("late", ""))
	accepted := <-got
	require.NoError(t, accepted.err)
	assert.Equal(t, "late", accepted.r.SessionID())
}

func TestWaitForASessionTimesOut(t *testing.T) {
	b := newBus(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := b.client.AcceptNextSessionForQueue(ctx, "sessions", nil)
	assert.Equal(t, azservicebus.CodeTimeout, code(t, err))
	b.send(t, "sessions", inSession("A", ""))
	assert.Equal(t, "A", b.nextSession(t).SessionID(), "whoever gave up does not get it")
}

func TestSessionLockIsRenewedAndEnds(t *testing.T) {
	b := newBus(t)
	b.send(t, "sessions", inSession("A", "a"))
	r := b.nextSession(t)
	one(t, r)
	b.clock.Advance(50 * time.Second)
	require.NoError(t, r.RenewSessionLock(deadline(t), nil))
	assert.WithinDuration(t, b.clock.Now().Add(time.Minute), r.LockedUntil(), 5*time.Second)
	b.clock.Advance(50 * time.Second)
	assert.Equal(t, servicebus.EntityCounts{Locked: 1}, b.Counts()["sessions"])
	b.clock.Advance(11 * time.Second)
	assert.Equal(t, servicebus.EntityCounts{Active: 1}, b.Counts()["sessions"])

	next := b.nextSession(t)
	assert.Equal(t, "A", next.SessionID())
	assert.Equal(t, uint32(2), one(t, next).DeliveryCount, "a lost session lock is a failed delivery")
}

func TestSessionHasAState(t *testing.T) {
	b := newBus(t)
	r, err := b.client.AcceptSessionForQueue(deadline(t), "sessions", "A", nil)
	require.NoError(t, err, "a session need not have messages")
	state, err := r.GetSessionState(deadline(t), nil)
	require.NoError(t, err)
	assert.Nil(t, state)
	require.NoError(t, r.SetSessionState(deadline(t), []byte("half way"), nil))
	require.NoError(t, r.Close(deadline(t)))

	r, err = b.client.AcceptSessionForQueue(deadline(t), "sessions", "A", nil)
	require.NoError(t, err)
	state, err = r.GetSessionState(deadline(t), nil)
	require.NoError(t, err)
	assert.Equal(t, "half way", string(state))
	require.NoError(t, r.SetSessionState(deadline(t), nil, nil))
	state, err = r.GetSessionState(deadline(t), nil)
	require.NoError(t, err)
	assert.Nil(t, state)
}

func TestSessionShowsOnlyItsOwnMessages(t *testing.T) {
	b := newBus(t)
	b.send(t, "sessions", inSession("A", "a1"), inSession("B", "b1"), inSession("A", "a2"))
	r := b.nextSession(t)
	peeked, err := r.PeekMessages(deadline(t), 10, nil)
	require.NoError(t, err)
	require.Len(t, peeked, 2)
	assert.Equal(t, "a2", string(peeked[1].Body))

	m := one(t, r)
	require.NoError(t, r.DeferMessage(deadline(t), m, nil))
	later, err := r.ReceiveDeferredMessages(deadline(t), []int64{*m.SequenceNumber}, nil)
	require.NoError(t, err)
	require.NoError(t, r.CompleteMessage(deadline(t), later[0], nil))
	require.NoError(t, r.DeadLetterMessage(deadline(t), one(t, r), &azservicebus.DeadLetterOptions{Reason: to.Ptr("x")}))
	assert.Equal(t, "a2", string(one(t, b.deadLetters(t, "sessions")).Body), "dead letters have no sessions")
}

func TestMessageArrivesInAHeldSession(t *testing.T) {
	b := newBus(t)
	r, err := b.client.AcceptSessionForQueue(deadline(t), "sessions", "A", nil)
	require.NoError(t, err)
	b.send(t, "sessions", inSession("B", "b1"), inSession("A", "a1"))
	assert.Equal(t, "a1", string(one(t, r).Body))
}
