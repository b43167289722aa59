package servicebus_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	sim "github.com/rekey-dev/rekey/internal/azuresim/servicebus"
	"github.com/rekey-dev/rekey/internal/servicebus"
)

const config = `{"UserConfig": {
  "Namespaces": [{
    "Name": "sbemulatorns",
    "Queues": [{"Name": "rotation-requests", "Properties": {}}],
    "Topics": [
      {"Name": "rotated", "Properties": {}, "Subscriptions": [
        {"Name": "one", "Properties": {}, "Rules": [{"Name": "$Default", "Properties": {"FilterType": "Correlation", "CorrelationFilter": {"Properties": {"integration": "one"}}}}]},
        {"Name": "two", "Properties": {}, "Rules": [{"Name": "$Default", "Properties": {"FilterType": "Correlation", "CorrelationFilter": {"Properties": {"integration": "two"}}}}]}
      ]},
      {"Name": "everything", "Properties": {}, "Subscriptions": [{"Name": "all", "Properties": {}}]}
    ]
  }],
  "Logging": {"Type": "File"}
}}`

// namespace is a served namespace, a bus on it, and a client that receives.
type namespace struct {
	*sim.Namespace
	clock *clock.Clock
	bus   *servicebus.Bus

	t         testing.TB
	receiving *azservicebus.Client
	mu        sync.Mutex
	receivers map[string]*azservicebus.Receiver
}

func newNamespace(t testing.TB) *namespace {
	t.Helper()
	c := clock.New()
	cfg, err := sim.ParseConfig([]byte(config))
	require.NoError(t, err)
	served, err := sim.New(cfg, sim.Options{Clock: c})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- served.Serve(listener) }()
	t.Cleanup(func() {
		assert.NoError(t, served.Close())
		assert.NoError(t, <-done)
	})
	n := &namespace{Namespace: served, clock: c, t: t, receivers: map[string]*azservicebus.Receiver{}}
	n.receiving = connect(t, listener.Addr())
	n.bus = servicebus.New(connect(t, listener.Addr()), servicebus.Options{CallTimeout: 10 * time.Second})
	return n
}

func connect(t testing.TB, address net.Addr) *azservicebus.Client {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(
		fmt.Sprintf("Endpoint=sb://%s;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;", address),
		&azservicebus.ClientOptions{RetryOptions: azservicebus.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: 10 * time.Millisecond}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

// receiver returns the one receiver of a queue, or of a topic's subscription.
func (n *namespace) receiver(entity, subscription string) *azservicebus.Receiver {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	where := entity + "/" + subscription
	if n.receivers[where] == nil {
		var err error
		if subscription == "" {
			n.receivers[where], err = n.receiving.NewReceiverForQueue(entity, nil)
		} else {
			n.receivers[where], err = n.receiving.NewReceiverForSubscription(entity, subscription, nil)
		}
		require.NoError(n.t, err)
	}
	return n.receivers[where]
}

// receive takes and settles the next message, or returns nil when the context ends.
func (n *namespace) receive(ctx context.Context, entity, subscription string) *azservicebus.ReceivedMessage {
	n.t.Helper()
	r := n.receiver(entity, subscription)
	messages, err := r.ReceiveMessages(ctx, 1, nil)
	if ctx.Err() != nil && len(messages) == 0 {
		return nil
	}
	require.NoError(n.t, err)
	require.Len(n.t, messages, 1)
	require.NoError(n.t, r.CompleteMessage(context.WithoutCancel(ctx), messages[0], nil))
	return messages[0]
}
