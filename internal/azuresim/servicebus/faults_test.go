package servicebus_test

import (
	"context"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
)

func TestClientComesBackAfterACut(t *testing.T) {
	b := newBus(t)
	s, err := b.client.NewSender("plain", nil)
	require.NoError(t, err)
	require.NoError(t, s.SendMessage(deadline(t), text("before"), nil))
	r := b.receiver(t, "plain", nil)
	m := one(t, r)
	b.CutConnections()
	require.NoError(t, s.SendMessage(deadline(t), text("after"), nil))
	var got []*azservicebus.ReceivedMessage
	for len(got) == 0 { // the client gives nothing back when it finds its link broken
		got, err = r.ReceiveMessages(deadline(t), 1, nil)
		require.NoError(t, err)
	}
	assert.Equal(t, "after", string(got[0].Body))
	require.NoError(t, r.CompleteMessage(deadline(t), &azservicebus.ReceivedMessage{LockToken: m.LockToken}, nil), "locks outlive connections")
	assert.Equal(t, servicebus.EntityCounts{Locked: 1}, b.Counts()["plain"])
}

func TestFaultsHappenAsAsked(t *testing.T) {
	for name, test := range map[string]struct {
		faults servicebus.Faults
		kept   bool // the message arrived although the client saw an error
	}{
		"a busy server takes nothing":          {servicebus.Faults{Busy: 1}, false},
		"a cut comes before the effect":        {servicebus.Faults{Cut: 1}, false},
		"a lost answer comes after the effect": {servicebus.Faults{LoseAnswer: 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBus(t)
			client, err := azservicebus.NewClientFromConnectionString(b.connection, &azservicebus.ClientOptions{
				RetryOptions: azservicebus.RetryOptions{MaxRetries: -1},
			})
			require.NoError(t, err)
			s, err := client.NewSender("plain", nil)
			require.NoError(t, err)
			require.NoError(t, s.SendMessage(deadline(t), text(""), nil), "all is well before")
			b.SetFaults(test.faults)
			require.Error(t, s.SendMessage(deadline(t), text(""), nil))
			b.SetFaults(servicebus.Faults{})
			assert.Len(t, b.FaultsMet(), 1)
			want := 1
			if test.kept {
				want = 2
			}
			assert.Equal(t, want, b.Counts()["plain"].Active)
			b.send(t, "plain", text("all is well again"))
			require.NoError(t, client.Close(deadline(t)))
		})
	}
}

func TestLostAnswerSettlesAllTheSame(t *testing.T) {
	b := newBus(t)
	b.send(t, "plain", text(""))
	r := b.receiver(t, "plain", nil)
	m := one(t, r)
	b.SetFaults(servicebus.Faults{LoseAnswer: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	assert.Error(t, r.CompleteMessage(ctx, m, nil))
	assert.Equal(t, servicebus.EntityCounts{}, b.Counts()["plain"])
}
