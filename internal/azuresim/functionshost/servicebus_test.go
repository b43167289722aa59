package functionshost_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/functionshost"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
)

const busConfig = `{"UserConfig":{"Namespaces":[{"Name":"sbemulatorns",
	"Queues":[{"Name":"requests","Properties":{"LockDuration":"PT1M","MaxDeliveryCount":3}}],
	"Topics":[{"Name":"rotated","Properties":{},"Subscriptions":[{"Name":"vercel","Properties":{},"Rules":[]}]}]}],
	"Logging":{"Type":"File"}}}`

// bus is a served namespace, a client of it and the app that listens to it.
type bus struct {
	*running
	connection string
	client     *azservicebus.Client
}

func startBus(t testing.TB, c *clock.Clock) (connection string, client *azservicebus.Client) {
	t.Helper()
	config, err := servicebus.ParseConfig([]byte(busConfig))
	require.NoError(t, err)
	namespace, err := servicebus.New(config, servicebus.Options{Clock: c})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go namespace.Serve(listener)
	t.Cleanup(func() { namespace.Close() })
	connection = fmt.Sprintf("Endpoint=sb://%s;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;", listener.Addr())
	client, err = azservicebus.NewClientFromConnectionString(connection, nil)
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(context.Background()) })
	return connection, client
}

// startOnBus runs an app whose function "rotate" has this binding.
func startOnBus(t testing.TB, binding string, edit func(*functionshost.Options)) *bus {
	t.Helper()
	c := clock.New()
	b := &bus{}
	b.connection, b.client = startBus(t, c)
	files := standard()
	files["rotate/function.json"] = `{"bindings":[` + binding + `]}`
	b.running = start(t, files, func(o *functionshost.Options) {
		o.Clock = c
		o.Settings["ServiceBus"] = b.connection
		o.Settings["Queue"] = "requests"
		if edit != nil {
			edit(o)
		}
	})
	return b
}

const queueBinding = `{"type":"serviceBusTrigger","direction":"in","name":"msg","queueName":"%Queue%","connection":"ServiceBus"}`

func (b *bus) sendMessage(t testing.TB, entity string, message *azservicebus.Message) {
	t.Helper()
	sender, err := b.client.NewSender(entity, nil)
	require.NoError(t, err)
	defer sender.Close(t.Context())
	require.NoError(t, sender.SendMessage(t.Context(), message, nil))
}

// rest is what the queue, or its dead-letter queue, holds.
func (b *bus) rest(t *testing.T, sub azservicebus.SubQueue) []*azservicebus.ReceivedMessage {
	t.Helper()
	receiver, err := b.client.NewReceiverForQueue("requests", &azservicebus.ReceiverOptions{SubQueue: sub})
	require.NoError(t, err)
	defer receiver.Close(t.Context())
	messages, err := receiver.PeekMessages(t.Context(), 100, nil)
	require.NoError(t, err)
	return messages
}

func (b *bus) eventuallyEmpty(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return len(b.rest(t, 0)) == 0 }, 10*time.Second, 5*time.Millisecond)
}

func TestServiceBusText(t *testing.T) {
	b := startOnBus(t, queueBinding, nil)
	b.sendMessage(t, "requests", &azservicebus.Message{
		Body:                  []byte(`{"message":"hello","messageId":"forged","n":5,"ok":true,"list":[1],"inner":{"a":1}}`),
		MessageID:             to.Ptr("m-1"),
		ContentType:           to.Ptr("application/json"),
		Subject:               to.Ptr("s"),
		ApplicationProperties: map[string]any{"integration": "vercel", "n": int64(7)},
	})
	seen := b.next(t)
	assert.Equal(t, "POST", seen.Method)
	assert.Equal(t, "/rotate", seen.URI)
	assert.True(t, strings.HasPrefix(seen.Host, "127.0.0.1:"))
	assert.Regexp(t, `^[0-9a-f-]{36}$`, seen.Header.Get("X-Azure-Functions-InvocationId"))
	assert.Regexp(t, `^Azure-Functions-Host/4[.0-9]*$`, seen.Header.Get("User-Agent"))
	call := seen.envelope(t)
	assert.Equal(t, `"\"{\\\"message\\\":\\\"hello\\\",\\\"messageId\\\":\\\"forged\\\",\\\"n\\\":5,\\\"ok\\\":true,\\\"list\\\":[1],\\\"inner\\\":{\\\"a\\\":1}}\""`, string(call.Data["msg"]))
	for name, want := range map[string]string{
		"MessageId":             `"\"forged\""`,
		"DeliveryCount":         `"1"`,
		"SequenceNumber":        `"1"`,
		"ContentType":           `"\"application/json\""`,
		"Subject":               `"\"s\""`,
		"Label":                 `"\"s\""`,
		"ApplicationProperties": `{"integration":"vercel","n":7}`,
		"UserProperties":        `{"integration":"vercel","n":7}`,
		"MessageReceiver":       `{}`,
		"message":               `"\"hello\""`,
		"n":                     `"\"5\""`,
		"ok":                    `"\"True\""`,
		"inner":                 `{"a":1}`,
		"messageId":             ``,
		"list":                  ``,
		"CorrelationId":         ``,
	} {
		assert.Equal(t, want, string(call.Metadata[name]), name)
	}
	assert.Regexp(t, `^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"$`, string(call.Metadata["EnqueuedTimeUtc"]))
	assert.Regexp(t, `^"\\"[0-9a-f-]{36}\\""$`, string(call.Metadata["LockToken"]))
	assert.Regexp(t, `^{"FullyQualifiedNamespace":"127.0.0.1`, string(call.Metadata["Client"]))
	b.eventuallyEmpty(t)
}

func TestServiceBusBinaryOfATopic(t *testing.T) {
	b := startOnBus(t, `{"type":"serviceBusTrigger","direction":"in","name":"msg","topicName":"rotated","subscriptionName":"vercel","dataType":"binary"}`, nil)
	b.sendMessage(t, "rotated", &azservicebus.Message{Body: []byte(`{"messageId":"forged"}`), MessageID: to.Ptr("m-1")})
	call := b.next(t).envelope(t)
	assert.Equal(t, `"eyJtZXNzYWdlSWQiOiJmb3JnZWQifQ=="`, string(call.Data["msg"]))
	assert.Equal(t, `"\"m-1\""`, string(call.Metadata["MessageId"]))
}

func TestAFailingMessageIsDeadLettered(t *testing.T) {
	b := startOnBus(t, queueBinding, nil)
	b.sendMessage(t, "requests", &azservicebus.Message{Body: []byte(`do:fail`)})
	for attempt := 1; attempt <= 3; attempt++ {
		assert.Equal(t, fmt.Sprintf(`"%d"`, attempt), string(b.next(t).envelope(t).Metadata["DeliveryCount"]))
	}
	require.Eventually(t, func() bool { return len(b.rest(t, azservicebus.SubQueueDeadLetter)) == 1 }, 10*time.Second, 5*time.Millisecond)
	assert.Empty(t, b.rest(t, 0))
	assert.Empty(t, b.seen)
}

func TestAKilledHandlerGetsTheMessageAgain(t *testing.T) {
	b := startOnBus(t, queueBinding, nil)
	b.sendMessage(t, "requests", &azservicebus.Message{Body: []byte(`do:hang`)})
	first := b.next(t)
	b.Kill()
	second := b.next(t)
	assert.Equal(t, `"2"`, string(second.envelope(t).Metadata["DeliveryCount"]))
	assert.NotEqual(t, first.PID, second.PID)
}

func TestConcurrentCallsStayWithinTheLimit(t *testing.T) {
	b := startOnBus(t, queueBinding, nil)
	for range 6 {
		b.sendMessage(t, "requests", &azservicebus.Message{Body: []byte(`do:hang`)})
	}
	for range 4 {
		b.next(t)
	}
	resp, _ := b.send(t, "GET", "/", "")
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
	assert.Equal(t, "/", b.next(t).URI, "a fifth message did not come before this")
	assert.Empty(t, b.seen)
}

// logged counts the host's log lines by message.
type logged struct {
	mu    sync.Mutex
	lines map[string]int
}

func newLogged() *logged { return &logged{lines: map[string]int{}} }

func (l *logged) Enabled(context.Context, slog.Level) bool { return true }
func (l *logged) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logged) WithGroup(string) slog.Handler            { return l }
func (l *logged) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[r.Message]++
	return nil
}

func (l *logged) await(t *testing.T, message string, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return l.count(message) >= n }, 10*time.Second, time.Millisecond)
}

func (l *logged) count(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines[message]
}

func TestLocksAreRenewedForAWhile(t *testing.T) {
	log := newLogged()
	b := startOnBus(t, queueBinding, func(o *functionshost.Options) { o.Logger = slog.New(log) })
	b.sendMessage(t, "requests", &azservicebus.Message{Body: []byte(`do:hang`)})
	b.next(t)
	for renewals := 1; renewals <= 9; renewals++ {
		b.clock.Advance(31 * time.Second) // the lock lasts a minute, the renewal five
		log.await(t, "lock renewed", renewals)
	}
	assert.Empty(t, b.seen, "the message was not delivered again")
	b.clock.Advance(31 * time.Second)
	log.await(t, "lock renewed", 10)
	for range 2 { // half a lock each: whoever still renews, does it in between
		b.clock.Advance(31 * time.Second)
		b.rest(t, 0)
	}
	assert.Equal(t, `"2"`, string(b.next(t).envelope(t).Metadata["DeliveryCount"]))
	assert.Equal(t, 10, log.count("lock renewed"))
}

func TestWhatIsInFlightWhenTheHostStopsComesAgainAfterItsLock(t *testing.T) {
	b := startOnBus(t, queueBinding, nil)
	b.sendMessage(t, "requests", &azservicebus.Message{Body: []byte(`do:hang`)})
	b.next(t)
	b.Stop()
	b.clock.Advance(61 * time.Second)
	receiver, err := b.client.NewReceiverForQueue("requests", nil)
	require.NoError(t, err)
	messages, err := receiver.ReceiveMessages(t.Context(), 1, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 2, messages[0].DeliveryCount)
}

func TestTheHostRunsWithoutItsQueue(t *testing.T) {
	log := newLogged()
	b := startOnBus(t, queueBinding, func(o *functionshost.Options) {
		o.Settings["Queue"], o.Logger = "nothing", slog.New(log)
	})
	log.await(t, "service bus trigger lost its entity", 1)
	resp, _ := b.send(t, "GET", "/", "")
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
}

// BenchmarkMessages measures what the host adds to a message: it is to pass hundreds
// a second.
func BenchmarkMessages(b *testing.B) {
	bus := startOnBus(b, queueBinding, nil)
	sender, err := bus.client.NewSender("requests", nil)
	require.NoError(b, err)
	b.ResetTimer()
	go func() {
		for range b.N {
			sender.SendMessage(b.Context(), &azservicebus.Message{Body: []byte(`{"id":"1"}`)}, nil)
		}
	}()
	for range b.N {
		<-bus.seen
	}
}
