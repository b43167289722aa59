package servicebus_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
)

const config = `{"UserConfig": {
  "Namespaces": [{
    "Name": "sbemulatorns",
    "Queues": [
      {"Name": "plain", "Properties": {"LockDuration": "PT1M", "MaxDeliveryCount": 3}},
      {"Name": "other", "Properties": {}},
      {"Name": "expiring", "Properties": {"DefaultMessageTimeToLive": "PT1H", "DeadLetteringOnMessageExpiration": true}},
      {"Name": "forgetting", "Properties": {"DefaultMessageTimeToLive": "PT1H"}},
      {"Name": "once", "Properties": {"RequiresDuplicateDetection": true, "DuplicateDetectionHistoryTimeWindow": "PT20S"}},
      {"Name": "sessions", "Properties": {"RequiresSession": true, "LockDuration": "PT1M", "MaxDeliveryCount": 3}}
    ],
    "Topics": [{"Name": "news", "Properties": {"DefaultMessageTimeToLive": "PT1H"}, "Subscriptions": [
      {"Name": "all", "Properties": {}},
      {"Name": "red", "Properties": {}, "Rules": [{"Name": "$Default", "Properties": {"FilterType": "Correlation", "CorrelationFilter": {"Properties": {"colour": "red"}}}}]},
      {"Name": "one-or-two", "Properties": {}, "Rules": [
        {"Name": "one", "Properties": {"FilterType": "Correlation", "CorrelationFilter": {"Label": "one"}}},
        {"Name": "two", "Properties": {"FilterType": "Correlation", "CorrelationFilter": {"Label": "two"}}}]},
      {"Name": "full", "Properties": {}, "Rules": [{"Name": "everything", "Properties": {"FilterType": "Correlation", "CorrelationFilter": {
        "ContentType": "text/plain", "CorrelationId": "c", "Label": "l", "MessageId": "m", "ReplyTo": "r",
        "ReplyToSessionId": "rs", "SessionId": "s", "To": "t", "Properties": {"p": "v"}}}}]},
      {"Name": "none", "Properties": {}, "Rules": [{"Name": "never", "Properties": {"FilterType": "Sql", "SqlFilter": {"SqlExpression": "1=0"}}}]}
    ]}]
  }],
  "Logging": {"Type": "File"}
}}`

// bus is a served namespace with a client of it.
type bus struct {
	*servicebus.Namespace
	clock      *clock.Clock
	address    string
	connection string
	client     *azservicebus.Client
}

func newBus(t testing.TB) *bus {
	t.Helper()
	cfg, err := servicebus.ParseConfig([]byte(config))
	require.NoError(t, err)
	c := clock.New()
	n, err := servicebus.New(cfg, servicebus.Options{Clock: c})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- n.Serve(l) }()
	t.Cleanup(func() {
		assert.NoError(t, n.Close())
		assert.NoError(t, <-done)
	})
	b := &bus{Namespace: n, clock: c, address: l.Addr().String(), connection: fmt.Sprintf(
		"Endpoint=sb://%s;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;", l.Addr())}
	b.client = b.connect(t)
	return b
}

func (b *bus) connect(t testing.TB) *azservicebus.Client {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(b.connection, &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: 10 * time.Millisecond},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (b *bus) send(t testing.TB, entity string, messages ...*azservicebus.Message) {
	t.Helper()
	s, err := b.client.NewSender(entity, nil)
	require.NoError(t, err)
	for _, m := range messages {
		require.NoError(t, s.SendMessage(deadline(t), m, nil))
	}
	require.NoError(t, s.Close(deadline(t)))
}

func (b *bus) receiver(t testing.TB, queue string, opts *azservicebus.ReceiverOptions) *azservicebus.Receiver {
	t.Helper()
	r, err := b.client.NewReceiverForQueue(queue, opts)
	require.NoError(t, err)
	return r
}

func (b *bus) deadLetters(t testing.TB, queue string) *azservicebus.Receiver {
	t.Helper()
	return b.receiver(t, queue, &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
}

// receiving is what Receiver and SessionReceiver have in common.
type receiving interface {
	ReceiveMessages(context.Context, int, *azservicebus.ReceiveMessagesOptions) ([]*azservicebus.ReceivedMessage, error)
}

func one(t testing.TB, r receiving) *azservicebus.ReceivedMessage {
	t.Helper()
	messages, err := r.ReceiveMessages(deadline(t), 1, nil)
	require.NoError(t, err)
	require.Len(t, messages, 1)
	return messages[0]
}

func text(body string) *azservicebus.Message { return &azservicebus.Message{Body: []byte(body)} }
