package servicebus_test

import (
	"context"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"
)

const batchSize = 100

// BenchmarkSendReceiveComplete counts messages that go the whole way through the
// official client: sent in batches, received in peek-lock mode, completed one by
// one, several at a time. Most of the time is the client's.
func BenchmarkSendReceiveComplete(b *testing.B) {
	bus := newBus(b)
	s, err := bus.client.NewSender("other", nil)
	require.NoError(b, err)
	r := bus.receiver(b, "other", nil)
	b.ResetTimer()
	for left := b.N; left > 0; left -= batchSize {
		n := min(left, batchSize)
		sendBatch(b, s, n)
		for n > 0 {
			messages, err := r.ReceiveMessages(context.Background(), n, nil)
			require.NoError(b, err)
			complete(b, r, messages)
			n -= len(messages)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// BenchmarkDrainLongQueue receives and completes out of a queue of 10,000
// messages: its length must not matter.
func BenchmarkDrainLongQueue(b *testing.B) {
	const long = 10_000
	bus := newBus(b)
	s, err := bus.client.NewSender("other", nil)
	require.NoError(b, err)
	for range long / batchSize {
		sendBatch(b, s, batchSize)
	}
	r := bus.receiver(b, "other", nil)
	b.ResetTimer()
	for left := b.N; left > 0; {
		messages, err := r.ReceiveMessages(context.Background(), min(left, batchSize), nil)
		require.NoError(b, err)
		complete(b, r, messages)
		sendBatch(b, s, len(messages))
		left -= len(messages)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func sendBatch(b *testing.B, s *azservicebus.Sender, n int) {
	b.Helper()
	batch, err := s.NewMessageBatch(context.Background(), nil)
	require.NoError(b, err)
	for range n {
		require.NoError(b, batch.AddMessage(text("a small message of an ordinary kind"), nil))
	}
	require.NoError(b, s.SendMessageBatch(context.Background(), batch, nil))
}

func complete(b *testing.B, r *azservicebus.Receiver, messages []*azservicebus.ReceivedMessage) {
	b.Helper()
	var wg sync.WaitGroup
	for _, m := range messages {
		wg.Go(func() {
			if err := r.CompleteMessage(context.Background(), m, nil); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}
