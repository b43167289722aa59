package servicebus_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
)

// certificate returns one for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// administered is an empty namespace behind TLS with both clients.
type administered struct {
	*servicebus.Namespace
	address string
	http    *http.Client
	admin   *admin.Client
	client  *azservicebus.Client
}

func newAdministered(t *testing.T) *administered {
	t.Helper()
	cert, pool := certificate(t)
	n, err := servicebus.New(servicebus.Config{}, servicebus.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- n.Serve(l) }()
	t.Cleanup(func() {
		assert.NoError(t, n.Close())
		assert.NoError(t, <-done)
	})
	connection := fmt.Sprintf("Endpoint=sb://%s;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE", l.Addr())
	a := &administered{Namespace: n, address: l.Addr().String(), http: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}}
	t.Cleanup(a.http.CloseIdleConnections)
	a.admin, err = admin.NewClientFromConnectionString(connection, &admin.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: a.http}})
	require.NoError(t, err)
	a.client, err = azservicebus.NewClientFromConnectionString(connection, &azservicebus.ClientOptions{TLSConfig: &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.client.Close(context.Background()) })
	return a
}

func status(t *testing.T, err error) int {
	t.Helper()
	var failed *azcore.ResponseError
	require.ErrorAs(t, err, &failed)
	return failed.StatusCode
}

func TestQueueIsAdministered(t *testing.T) {
	a := newAdministered(t)
	ctx := deadline(t)
	created, err := a.admin.CreateQueue(ctx, "orders", &admin.CreateQueueOptions{Properties: &admin.QueueProperties{
		LockDuration: to.Ptr("PT30S"), MaxDeliveryCount: to.Ptr[int32](4), UserMetadata: to.Ptr("a <note>"),
	}})
	require.NoError(t, err)
	assert.Equal(t, "PT30S", *created.LockDuration)
	_, err = a.admin.CreateQueue(ctx, "Orders", nil)
	assert.Equal(t, http.StatusConflict, status(t, err))
	_, err = a.admin.CreateTopic(ctx, "orders", nil)
	assert.Equal(t, http.StatusConflict, status(t, err), "queues and topics share their names")

	s, err := a.client.NewSender("orders", nil)
	require.NoError(t, err)
	require.NoError(t, s.SendMessage(ctx, text("kept"), nil))
	updated, err := a.admin.UpdateQueue(ctx, "orders", admin.QueueProperties{LockDuration: to.Ptr("PT2M")}, nil)
	require.NoError(t, err)
	assert.Equal(t, "PT2M", *updated.LockDuration)
	assert.Equal(t, 1, a.Counts()["orders"].Active, "an update keeps the messages")
	_, err = a.admin.UpdateQueue(ctx, "orders", admin.QueueProperties{RequiresSession: to.Ptr(true)}, nil)
	assert.Equal(t, http.StatusBadRequest, status(t, err))
	_, err = a.admin.UpdateQueue(ctx, "nowhere", admin.QueueProperties{}, nil)
	assert.Equal(t, http.StatusNotFound, status(t, err))

	got, err := a.admin.GetQueue(ctx, "orders", nil)
	require.NoError(t, err)
	assert.Equal(t, "orders", got.QueueName)
	assert.Equal(t, "P10675199DT2H48M5.4775807S", *got.DefaultMessageTimeToLive)
	assert.Equal(t, int32(10), *got.MaxDeliveryCount)
	assert.Equal(t, admin.EntityStatusActive, *got.Status)
	none, err := a.admin.GetQueue(ctx, "nowhere", nil)
	require.NoError(t, err)
	assert.Nil(t, none)

	_, err = a.admin.DeleteQueue(ctx, "orders", nil)
	require.NoError(t, err)
	_, err = a.admin.DeleteQueue(ctx, "orders", nil)
	assert.Equal(t, http.StatusNotFound, status(t, err))
	assert.ErrorContains(t, s.SendMessage(ctx, text("lost"), nil), "could not be found")
}

func TestRuntimePropertiesCountMessages(t *testing.T) {
	a := newAdministered(t)
	ctx := deadline(t)
	_, err := a.admin.CreateQueue(ctx, "q", nil)
	require.NoError(t, err)
	s, err := a.client.NewSender("q", nil)
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, s.SendMessage(ctx, text(""), nil))
	}
	_, err = s.ScheduleMessages(ctx, []*azservicebus.Message{text("")}, time.Now().Add(time.Hour), nil)
	require.NoError(t, err)
	r, err := a.client.NewReceiverForQueue("q", nil)
	require.NoError(t, err)
	require.NoError(t, r.DeadLetterMessage(ctx, one(t, r), nil))
	one(t, r)

	p, err := a.admin.GetQueueRuntimeProperties(ctx, "q", nil)
	require.NoError(t, err)
	assert.Equal(t, int32(2), p.ActiveMessageCount, "a locked message is active too")
	assert.Equal(t, int32(1), p.DeadLetterMessageCount)
	assert.Equal(t, int32(1), p.ScheduledMessageCount)
	assert.Equal(t, int64(4), p.TotalMessageCount)
	assert.WithinDuration(t, time.Now(), p.CreatedAt, time.Minute)
}

func TestSubscriptionStartsWithAMatchAllRule(t *testing.T) {
	a := newAdministered(t)
	ctx := deadline(t)
	_, err := a.admin.CreateTopic(ctx, "news", nil)
	require.NoError(t, err)
	_, err = a.admin.CreateSubscription(ctx, "news", "s", nil)
	require.NoError(t, err)
	_, err = a.admin.CreateSubscription(ctx, "news", "s", nil)
	assert.Equal(t, http.StatusConflict, status(t, err))
	_, err = a.admin.CreateSubscription(ctx, "nowhere", "s", nil)
	assert.Equal(t, http.StatusNotFound, status(t, err))
	rule, err := a.admin.GetRule(ctx, "news", "s", "$Default", nil)
	require.NoError(t, err)
	assert.Equal(t, &admin.TrueFilter{}, rule.Filter)

	filter := &admin.CorrelationFilter{
		Subject: to.Ptr("l"), ContentType: to.Ptr("ct"), CorrelationID: to.Ptr("c"), MessageID: to.Ptr("m"), ReplyTo: to.Ptr("r"),
		ReplyToSessionID: to.Ptr("rs"), SessionID: to.Ptr("s"), To: to.Ptr("t"),
		ApplicationProperties: map[string]any{"text": "v", "number": int64(7), "float": 1.5, "flag": true, "at": time.Unix(1e9, 0).UTC()},
	}
	_, err = a.admin.CreateRule(ctx, "news", "s", &admin.CreateRuleOptions{Name: to.Ptr("mine"), Filter: filter})
	require.NoError(t, err)
	_, err = a.admin.CreateRule(ctx, "news", "s", &admin.CreateRuleOptions{Name: to.Ptr("mine"), Filter: filter})
	assert.Equal(t, http.StatusConflict, status(t, err))
	rule, err = a.admin.GetRule(ctx, "news", "s", "mine", nil)
	require.NoError(t, err)
	assert.Equal(t, filter, rule.Filter, "what was put is what comes back")

	_, err = a.admin.DeleteRule(ctx, "news", "s", "$Default", nil)
	require.NoError(t, err)
	_, err = a.admin.UpdateRule(ctx, "news", "s", admin.RuleProperties{Name: "mine", Filter: &admin.CorrelationFilter{ApplicationProperties: map[string]any{"number": int64(7)}}})
	require.NoError(t, err)
	sender, err := a.client.NewSender("news", nil)
	require.NoError(t, err)
	for _, value := range []any{int32(7), int64(7), "7", 7.0, int64(8)} {
		require.NoError(t, sender.SendMessage(ctx, &azservicebus.Message{ApplicationProperties: map[string]any{"number": value}}, nil))
	}
	assert.Equal(t, 2, a.Counts()["news/Subscriptions/s"].Active, "integers match by value, nothing else does")

	p, err := a.admin.GetSubscriptionRuntimeProperties(ctx, "news", "s", nil)
	require.NoError(t, err)
	assert.Equal(t, int32(2), p.ActiveMessageCount)
	topic, err := a.admin.GetTopicRuntimeProperties(ctx, "news", nil)
	require.NoError(t, err)
	assert.Equal(t, int32(1), topic.SubscriptionCount)
	_, err = a.admin.DeleteTopic(ctx, "news", nil)
	require.NoError(t, err)
	assert.Empty(t, a.Counts())
}

func TestSubscriptionStartsWithTheRuleAskedFor(t *testing.T) {
	a := newAdministered(t)
	ctx := deadline(t)
	_, err := a.admin.CreateTopic(ctx, "news", nil)
	require.NoError(t, err)
	_, err = a.admin.CreateSubscription(ctx, "news", "s", &admin.CreateSubscriptionOptions{Properties: &admin.SubscriptionProperties{
		DefaultRule: &admin.RuleProperties{Name: "none", Filter: &admin.FalseFilter{}},
	}})
	require.NoError(t, err)
	pager := a.admin.NewListRulesPager("news", "s", nil)
	page, err := pager.NextPage(ctx)
	require.NoError(t, err)
	require.Len(t, page.Rules, 1)
	assert.Equal(t, admin.RuleProperties{Name: "none", Filter: &admin.FalseFilter{}}, page.Rules[0])
}

func TestListsComeInPages(t *testing.T) {
	a := newAdministered(t)
	ctx := deadline(t)
	for i := range 5 {
		_, err := a.admin.CreateQueue(ctx, fmt.Sprintf("q%d", i), nil)
		require.NoError(t, err)
	}
	var names []string
	for pager := a.admin.NewListQueuesPager(&admin.ListQueuesOptions{MaxPageSize: 2}); pager.More(); {
		page, err := pager.NextPage(ctx)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(page.Queues), 2)
		for _, q := range page.Queues {
			names = append(names, q.QueueName)
		}
	}
	assert.Equal(t, []string{"q0", "q1", "q2", "q3", "q4"}, names)
}

func TestWhatIsNotSimulatedIsRefused(t *testing.T) {
	a := newAdministered(t)
	ctx := deadline(t)
	_, err := a.admin.CreateTopic(ctx, "news", nil)
	require.NoError(t, err)
	_, err = a.admin.CreateSubscription(ctx, "news", "s", nil)
	require.NoError(t, err)
	rule := func(r admin.CreateRuleOptions) func() error {
		r.Name = to.Ptr("r")
		return func() error { _, err := a.admin.CreateRule(ctx, "news", "s", &r); return err }
	}
	queue := func(p admin.QueueProperties) func() error {
		return func() error {
			_, err := a.admin.CreateQueue(ctx, "q", &admin.CreateQueueOptions{Properties: &p})
			return err
		}
	}
	tests := map[string]struct {
		call func() error
		want string
	}{
		"a SQL filter":                   {rule(admin.CreateRuleOptions{Filter: &admin.SQLFilter{Expression: "colour = 'red'"}}), "the simulated Service Bus evaluates correlation filters only"},
		"a rule action":                  {rule(admin.CreateRuleOptions{Action: &admin.SQLAction{Expression: "SET a = 1"}}), "the simulated Service Bus has no rule actions"},
		"a filter without condition":     {rule(admin.CreateRuleOptions{Filter: &admin.CorrelationFilter{}}), "the correlation filter sets no condition"},
		"forwarding":                     {queue(admin.QueueProperties{ForwardTo: to.Ptr("other")}), "the simulated Service Bus does not forward"},
		"a lock of more than 5 minutes":  {queue(admin.QueueProperties{LockDuration: to.Ptr("PT6M")}), "LockDuration PT6M is not within PT5S and PT5M"},
		"a duration that is none":        {queue(admin.QueueProperties{LockDuration: to.Ptr("6 min")}), "LockDuration: duration"},
		"more deliveries than there may": {queue(admin.QueueProperties{MaxDeliveryCount: to.Ptr[int32](2001)}), "MaxDeliveryCount 2001 is not within 1 and 2000"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := test.call()
			assert.Equal(t, http.StatusBadRequest, status(t, err))
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestDisabledQueueRefuses(t *testing.T) {
	a := newAdministered(t)
	ctx := deadline(t)
	_, err := a.admin.CreateQueue(ctx, "q", &admin.CreateQueueOptions{Properties: &admin.QueueProperties{Status: to.Ptr(admin.EntityStatusReceiveDisabled)}})
	require.NoError(t, err)
	s, err := a.client.NewSender("q", nil)
	require.NoError(t, err)
	require.NoError(t, s.SendMessage(ctx, text(""), nil))
	r, err := a.client.NewReceiverForQueue("q", nil)
	require.NoError(t, err)
	_, err = r.ReceiveMessages(ctx, 1, nil)
	assert.ErrorContains(t, err, "com.microsoft:entity-disabled")
}

func TestAdministrationNeedsAToken(t *testing.T) {
	a := newAdministered(t)
	for _, scheme := range []string{"http", "https"} {
		resp, err := a.http.Get(scheme + "://" + a.address + "/$Resources/Queues")
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		assert.True(t, strings.HasPrefix(string(body), "<Error><Code>401</Code><Detail>MissingToken"), string(body))
	}
}

func TestNamespaceDescribesItself(t *testing.T) {
	a := newAdministered(t)
	p, err := a.admin.GetNamespaceProperties(deadline(t), nil)
	require.NoError(t, err)
	assert.Equal(t, "Standard", p.SKU)
	assert.Equal(t, "sbemulatorns", p.Name)
}
