package servicebus_test

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
)

func TestMessageGoesThroughAQueue(t *testing.T) {
	b := newBus(t)
	id := "m1"
	b.send(t, "plain", &azservicebus.Message{Body: []byte("hello"), MessageID: &id, ApplicationProperties: map[string]any{"n": int64(1)}})
	assert.Equal(t, servicebus.EntityCounts{Active: 1}, b.Counts()["plain"])

	r := b.receiver(t, "plain", nil)
	m := one(t, r)
	assert.Equal(t, "hello", string(m.Body))
	assert.Equal(t, "m1", m.MessageID)
	assert.Equal(t, map[string]any{"n": int64(1)}, m.ApplicationProperties)
	assert.Equal(t, uint32(1), m.DeliveryCount)
	assert.Equal(t, int64(1), *m.SequenceNumber)
	assert.WithinDuration(t, b.clock.Now().Add(time.Minute), *m.LockedUntil, 5*time.Second)
	assert.Equal(t, servicebus.EntityCounts{Locked: 1}, b.Counts()["plain"])

	require.NoError(t, r.CompleteMessage(deadline(t), m, nil))
	assert.Equal(t, servicebus.EntityCounts{}, b.Counts()["plain"])
}

// code returns what the client made of an error.
func code(t *testing.T, err error) azservicebus.Code {
	t.Helper()
	var failed *azservicebus.Error
	require.ErrorAs(t, err, &failed)
	return failed.Code
}

func TestAbandonedMessageComesBackChanged(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text("first"), text("second"))
	r := b.receiver(t, "plain", nil)
	require.NoError(t, r.AbandonMessage(deadline(t), one(t, r), &azservicebus.AbandonMessageOptions{
		PropertiesToModify: map[string]any{"tried": "once"},
	}))
	m := one(t, r)
	assert.Equal(t, "first", string(m.Body), "an abandoned message is the next again")
	assert.Equal(t, uint32(2), m.DeliveryCount)
	assert.Equal(t, "once", m.ApplicationProperties["tried"])
}

func TestMessageIsDeadLetteredAfterItsLastDelivery(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text("poison"))
	r := b.receiver(t, "plain", nil)
	for range 3 {
		require.NoError(t, r.AbandonMessage(deadline(t), one(t, r), nil))
	}
	assert.Equal(t, 0, b.Counts()["plain"].Active)
	m := one(t, b.deadLetters(t, "plain"))
	assert.Equal(t, "poison", string(m.Body))
	assert.Equal(t, "MaxDeliveryCountExceeded", *m.DeadLetterReason)
	assert.Equal(t, "Message could not be consumed after maximum delivery attempts.", *m.DeadLetterErrorDescription)
}

func TestDeadLetterCarriesReasonAndProperties(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text("bad"))
	r := b.receiver(t, "plain", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // a wrong answer would make the client try again, later
	defer cancel()
	require.NoError(t, r.DeadLetterMessage(ctx, one(t, r), &azservicebus.DeadLetterOptions{
		Reason: to.Ptr("unreadable"), ErrorDescription: to.Ptr("not JSON"), PropertiesToModify: map[string]any{"by": "test"},
	}))
	dead := b.deadLetters(t, "plain")
	m := one(t, dead)
	assert.Equal(t, "unreadable", *m.DeadLetterReason)
	assert.Equal(t, "not JSON", *m.DeadLetterErrorDescription)
	assert.Equal(t, "test", m.ApplicationProperties["by"])
	assert.Equal(t, uint32(1), m.DeliveryCount, "dead-lettering is no failed delivery")
	require.NoError(t, dead.AbandonMessage(deadline(t), m, nil))
	m = one(t, dead)
	assert.Equal(t, uint32(1), m.DeliveryCount, "nothing is counted among dead letters")
	require.NoError(t, dead.CompleteMessage(deadline(t), m, nil))
	assert.Equal(t, servicebus.EntityCounts{}, b.Counts()["plain/$DeadLetterQueue"])
}

func TestDeferredMessageIsReceivedByItsNumber(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text("later"))
	r := b.receiver(t, "plain", nil)
	m := one(t, r)
	require.NoError(t, r.DeferMessage(deadline(t), m, nil))
	assert.Equal(t, servicebus.EntityCounts{Deferred: 1}, b.Counts()["plain"])

	receive := func() *azservicebus.ReceivedMessage {
		messages, err := r.ReceiveDeferredMessages(deadline(t), []int64{*m.SequenceNumber}, nil)
		require.NoError(t, err)
		require.Len(t, messages, 1)
		return messages[0]
	}
	d := receive()
	assert.Equal(t, "later", string(d.Body))
	assert.Equal(t, azservicebus.MessageStateDeferred, d.State)
	_, err := r.ReceiveDeferredMessages(deadline(t), []int64{*m.SequenceNumber}, nil)
	assert.Equal(t, azservicebus.CodeNotFound, code(t, err), "it is locked")

	require.NoError(t, r.AbandonMessage(deadline(t), d, nil))
	d = receive()
	assert.Equal(t, uint32(2), d.DeliveryCount, "abandoned, it stays deferred")
	require.NoError(t, r.CompleteMessage(deadline(t), d, nil))
	assert.Equal(t, servicebus.EntityCounts{}, b.Counts()["plain"])
}

func TestLockEndsWithTimeAndStartsAnewWhenRenewed(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text("slow"))
	r := b.receiver(t, "plain", nil)
	m := one(t, r)
	b.clock.Advance(50 * time.Second)
	require.NoError(t, r.RenewMessageLock(deadline(t), m, nil))
	assert.WithinDuration(t, b.clock.Now().Add(time.Minute), *m.LockedUntil, 5*time.Second)
	b.clock.Advance(50 * time.Second)
	assert.Equal(t, servicebus.EntityCounts{Locked: 1}, b.Counts()["plain"])

	b.clock.Advance(11 * time.Second)
	assert.Equal(t, azservicebus.CodeLockLost, code(t, r.CompleteMessage(deadline(t), m, nil)))
	assert.Equal(t, azservicebus.CodeLockLost, code(t, r.RenewMessageLock(deadline(t), m, nil)))
	m = one(t, r)
	assert.Equal(t, uint32(2), m.DeliveryCount)
	require.NoError(t, r.CompleteMessage(deadline(t), m, nil))
}

func TestWaitingReceiverGetsWhatALostLockFreed(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text("slow"))
	one(t, b.receiver(t, "plain", nil))
	got := make(chan uint32)
	other := b.receiver(t, "plain", nil)
	go func() {
		messages, err := other.ReceiveMessages(deadline(t), 1, nil)
		if err == nil && len(messages) == 1 {
			got <- messages[0].DeliveryCount
		}
		close(got)
	}()
	b.clock.Advance(time.Minute + time.Second)
	assert.Equal(t, uint32(2), <-got)
}

func TestLockOutlivesTheLink(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text("kept"))
	first := b.receiver(t, "plain", nil)
	m := one(t, first)
	require.NoError(t, first.Close(deadline(t)))
	assert.Equal(t, servicebus.EntityCounts{Locked: 1}, b.Counts()["plain"])
	second := b.receiver(t, "plain", nil)
	require.NoError(t, second.CompleteMessage(deadline(t), &azservicebus.ReceivedMessage{LockToken: m.LockToken}, nil))
	assert.Equal(t, servicebus.EntityCounts{}, b.Counts()["plain"])
}

func TestReceiveAndDeleteKeepsNothing(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text("gone"))
	m := one(t, b.receiver(t, "plain", &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete}))
	assert.Equal(t, "gone", string(m.Body))
	assert.Equal(t, servicebus.EntityCounts{}, b.Counts()["plain"])
}

func TestPeekShowsEveryStateAndChangesNothing(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text("deferred"), text("locked"), text("active"),
		&azservicebus.Message{Body: []byte("scheduled"), ScheduledEnqueueTime: to.Ptr(b.clock.Now().Add(time.Hour))})
	r := b.receiver(t, "plain", nil)
	require.NoError(t, r.DeferMessage(deadline(t), one(t, r), nil))
	one(t, r)
	before := b.Counts()["plain"]

	states := map[string]azservicebus.MessageState{}
	for range 2 { // two pages
		peeked, err := r.PeekMessages(deadline(t), 2, nil)
		require.NoError(t, err)
		for _, m := range peeked {
			states[string(m.Body)] = m.State
		}
	}
	assert.Equal(t, map[string]azservicebus.MessageState{
		"deferred": azservicebus.MessageStateDeferred, "locked": azservicebus.MessageStateActive,
		"active": azservicebus.MessageStateActive, "scheduled": azservicebus.MessageStateScheduled,
	}, states)
	assert.Equal(t, before, b.Counts()["plain"])
	assert.Equal(t, servicebus.EntityCounts{Active: 1, Scheduled: 1, Deferred: 1, Locked: 1}, before)
}

func TestMessagesExpire(t *testing.T) {
	tests := map[string]struct {
		queue  string
		ttl    time.Duration
		after  time.Duration
		reason string
	}{
		"by the queue's default, dead-lettered": {"expiring", 0, time.Hour, "TTLExpiredException"},
		"by the queue's default, dropped":       {"forgetting", 0, time.Hour, ""},
		"by their own time":                     {"forgetting", time.Minute, time.Minute, ""},
		"by the default if they ask for more":   {"forgetting", 10 * time.Hour, time.Hour, ""},
		"by their own time in a queue without":  {"plain", time.Minute, time.Minute, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBus(t)
			m := text("old")
			if test.ttl > 0 {
				m.TimeToLive = &test.ttl
			}
			b.send(t, test.queue, m)
			b.clock.Advance(test.after - 10*time.Second)
			assert.Equal(t, 1, b.Counts()[test.queue].Active)
			b.clock.Advance(11 * time.Second)
			assert.Equal(t, 0, b.Counts()[test.queue].Active)
			if test.reason == "" {
				assert.Equal(t, 0, b.Counts()[test.queue+"/$DeadLetterQueue"].Active)
				return
			}
			dead := one(t, b.deadLetters(t, test.queue))
			assert.Equal(t, test.reason, *dead.DeadLetterReason)
		})
	}
}

func TestLockedMessageExpiresOnlyWithItsLock(t *testing.T) {
	b := newBus(t)
	ttl := 20 * time.Second
	b.send(t, "plain", &azservicebus.Message{TimeToLive: &ttl}, &azservicebus.Message{TimeToLive: &ttl})
	r := b.receiver(t, "plain", nil)
	done, left := one(t, r), one(t, r)
	assert.Equal(t, ttl, *done.TimeToLive)
	b.clock.Advance(30 * time.Second)
	require.NoError(t, r.CompleteMessage(deadline(t), done, nil))
	require.NoError(t, r.AbandonMessage(deadline(t), left, nil))
	assert.Equal(t, servicebus.EntityCounts{}, b.Counts()["plain"])
}

func TestScheduledMessagesBecomeActiveOnTime(t *testing.T) {
	b := newBus(t)
	s, err := b.client.NewSender("plain", nil)
	require.NoError(t, err)
	numbers, err := s.ScheduleMessages(deadline(t), []*azservicebus.Message{text("kept"), text("cancelled")}, b.clock.Now().Add(time.Hour), nil)
	require.NoError(t, err)
	require.NoError(t, s.CancelScheduledMessages(deadline(t), numbers[1:], nil))
	assert.Equal(t, azservicebus.CodeNotFound, code(t, s.CancelScheduledMessages(deadline(t), numbers[1:], nil)))
	require.NoError(t, s.SendMessage(deadline(t), text("meanwhile"), nil))

	b.clock.Advance(59 * time.Minute)
	assert.Equal(t, servicebus.EntityCounts{Active: 1, Scheduled: 1}, b.Counts()["plain"])
	b.clock.Advance(2 * time.Minute)
	assert.Equal(t, servicebus.EntityCounts{Active: 2}, b.Counts()["plain"])
	r := b.receiver(t, "plain", nil)
	assert.Equal(t, "meanwhile", string(one(t, r).Body))
	m := one(t, r)
	assert.Equal(t, "kept", string(m.Body))
	assert.Greater(t, *m.SequenceNumber, numbers[1], "it is numbered anew when it becomes active")
	assert.WithinDuration(t, b.clock.Now(), *m.EnqueuedTime, 10*time.Second)
}

func TestScheduledMessageOfATopicIsCopiedOnTime(t *testing.T) {
	b := newBus(t)
	s, err := b.client.NewSender("news", nil)
	require.NoError(t, err)
	numbers, err := s.ScheduleMessages(deadline(t), []*azservicebus.Message{text("kept"), text("cancelled")}, b.clock.Now().Add(time.Minute), nil)
	require.NoError(t, err)
	require.NoError(t, s.CancelScheduledMessages(deadline(t), numbers[1:], nil))
	assert.Equal(t, servicebus.EntityCounts{Scheduled: 1}, b.Counts()["news"])
	assert.Equal(t, servicebus.EntityCounts{}, b.Counts()["news/Subscriptions/all"])
	b.clock.Advance(time.Minute + time.Second)
	require.Eventually(t, func() bool { return b.Counts()["news/Subscriptions/all"].Active == 1 }, 5*time.Second, time.Millisecond)
	assert.Equal(t, servicebus.EntityCounts{}, b.Counts()["news"])
}

func TestDuplicatesAreDroppedWithinTheWindow(t *testing.T) {
	b := newBus(t)
	same := func() *azservicebus.Message { return &azservicebus.Message{MessageID: to.Ptr("same")} }
	b.send(t, "once", same(), same(), &azservicebus.Message{MessageID: to.Ptr("another")})
	assert.Equal(t, 2, b.Counts()["once"].Active, "the second is accepted and dropped")
	b.clock.Advance(21 * time.Second)
	b.send(t, "once", same())
	assert.Equal(t, 3, b.Counts()["once"].Active)
}

func TestBatchKeepsOrder(t *testing.T) {
	b := newBus(t)
	s, err := b.client.NewSender("plain", nil)
	require.NoError(t, err)
	batch, err := s.NewMessageBatch(deadline(t), nil)
	require.NoError(t, err)
	for i := range 100 {
		require.NoError(t, batch.AddMessage(text(strconv.Itoa(i)), nil))
	}
	require.NoError(t, s.SendMessageBatch(deadline(t), batch, nil))
	r := b.receiver(t, "plain", nil)
	var got []string
	for len(got) < 100 {
		messages, err := r.ReceiveMessages(deadline(t), 30, nil)
		require.NoError(t, err)
		for _, m := range messages {
			got = append(got, string(m.Body))
			require.NoError(t, r.CompleteMessage(deadline(t), m, nil))
		}
	}
	for i, body := range got {
		require.Equal(t, strconv.Itoa(i), body)
	}
}

func TestMessageOf256KBIsTheLargest(t *testing.T) {
	b := newBus(t)
	body := bytes.Repeat([]byte("x"), 250*1024)
	b.send(t, "plain", &azservicebus.Message{Body: body})
	assert.Equal(t, body, one(t, b.receiver(t, "plain", nil)).Body)

	s, err := b.client.NewSender("plain", nil)
	require.NoError(t, err)
	err = s.SendMessage(deadline(t), &azservicebus.Message{Body: bytes.Repeat([]byte("x"), 257*1024)}, nil)
	assert.ErrorIs(t, err, azservicebus.ErrMessageTooLarge)
	batch, err := s.NewMessageBatch(deadline(t), nil)
	require.NoError(t, err)
	assert.ErrorIs(t, batch.AddMessage(&azservicebus.Message{Body: bytes.Repeat([]byte("x"), 257*1024)}, nil), azservicebus.ErrMessageTooLarge)
}

func TestCompetingReceiversTakeTurns(t *testing.T) {
	b := newBus(t)
	first, second := b.receiver(t, "plain", nil), b.receiver(t, "plain", nil)
	b.send(t, "plain", text("1"), text("2"))
	assert.Equal(t, "1", string(one(t, first).Body))
	assert.Equal(t, "2", string(one(t, second).Body))
}

func TestWhatDoesNotExistIsRefused(t *testing.T) {
	b := newBus(t)
	tests := map[string]struct {
		call func() error
		want string
	}{
		"sending to no entity": {func() error {
			s, err := b.client.NewSender("nowhere", nil)
			return errors.Join(err, s.SendMessage(deadline(t), text(""), nil))
		}, "The messaging entity 'nowhere' could not be found."},
		"receiving from no queue": {func() error {
			_, err := b.receiver(t, "nowhere", nil).ReceiveMessages(deadline(t), 1, nil)
			return err
		}, "The messaging entity 'nowhere' could not be found."},
		"receiving from a topic": {func() error {
			_, err := b.receiver(t, "news", nil).ReceiveMessages(deadline(t), 1, nil)
			return err
		}, "Cannot receive from the topic 'news'"},
		"sending to a subscription": {func() error {
			s, err := b.client.NewSender("news/Subscriptions/all", nil)
			return errors.Join(err, s.SendMessage(deadline(t), text(""), nil))
		}, "Messages cannot be sent to 'news/Subscriptions/all'."},
		"receiving without a session where one is required": {func() error {
			_, err := b.receiver(t, "sessions", nil).ReceiveMessages(deadline(t), 1, nil)
			return err
		}, "It is not possible for an entity that requires sessions to create a non-sessionful message receiver."},
		"sending without a session where one is required": {func() error {
			s, err := b.client.NewSender("sessions", nil)
			return errors.Join(err, s.SendMessage(deadline(t), text(""), nil))
		}, "The SessionId was not set on a message"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { assert.ErrorContains(t, test.call(), test.want) })
	}
}

func TestNamesIgnoreCase(t *testing.T) {
	b := newBus(t)
	b.send(t, "PLAIN", text("x"))
	assert.Equal(t, "x", string(one(t, b.receiver(t, "Plain", nil)).Body))
}
