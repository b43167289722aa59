package servicebus_test

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTopicCopiesToMatchingSubscriptions(t *testing.T) {
	b := newBus(t)
	b.send(t, "news",
		&azservicebus.Message{Body: []byte("r"), ApplicationProperties: map[string]any{"colour": "red"}},
		&azservicebus.Message{Body: []byte("b"), ApplicationProperties: map[string]any{"colour": "blue"}})
	counts := b.Counts()
	assert.Equal(t, 2, counts["news/Subscriptions/all"].Active)
	assert.Equal(t, 1, counts["news/Subscriptions/red"].Active)
	assert.Equal(t, 0, counts["news/Subscriptions/none"].Active)

	r, err := b.client.NewReceiverForSubscription("news", "red", nil)
	require.NoError(t, err)
	m := one(t, r)
	assert.Equal(t, "r", string(m.Body))
	require.NoError(t, r.CompleteMessage(deadline(t), m, nil))
}

func TestRulesLetIn(t *testing.T) {
	full := func() *azservicebus.Message {
		return &azservicebus.Message{
			ContentType: to.Ptr("text/plain"), CorrelationID: to.Ptr("c"), Subject: to.Ptr("l"), MessageID: to.Ptr("m"), ReplyTo: to.Ptr("r"),
			ReplyToSessionID: to.Ptr("rs"), SessionID: to.Ptr("s"), To: to.Ptr("t"), ApplicationProperties: map[string]any{"p": "v"},
		}
	}
	but := func(change func(*azservicebus.Message)) *azservicebus.Message {
		m := full()
		change(m)
		return m
	}
	tests := map[string]struct {
		subscription string
		message      *azservicebus.Message
		want         int
	}{
		"an equal string":                  {"red", &azservicebus.Message{ApplicationProperties: map[string]any{"colour": "red"}}, 1},
		"not a string in other case":       {"red", &azservicebus.Message{ApplicationProperties: map[string]any{"colour": "Red"}}, 0},
		"not a missing property":           {"red", &azservicebus.Message{}, 0},
		"either of two rules":              {"one-or-two", &azservicebus.Message{Subject: to.Ptr("two")}, 1},
		"not what no rule matches":         {"one-or-two", &azservicebus.Message{Subject: to.Ptr("three")}, 0},
		"everything at once":               {"full", full(), 1},
		"not another content type":         {"full", but(func(m *azservicebus.Message) { m.ContentType = to.Ptr("x") }), 0},
		"not another correlation id":       {"full", but(func(m *azservicebus.Message) { m.CorrelationID = to.Ptr("x") }), 0},
		"not another subject":              {"full", but(func(m *azservicebus.Message) { m.Subject = to.Ptr("x") }), 0},
		"not another message id":           {"full", but(func(m *azservicebus.Message) { m.MessageID = to.Ptr("x") }), 0},
		"not another reply-to":             {"full", but(func(m *azservicebus.Message) { m.ReplyTo = to.Ptr("x") }), 0},
		"not another reply-to session":     {"full", but(func(m *azservicebus.Message) { m.ReplyToSessionID = to.Ptr("x") }), 0},
		"not another session":              {"full", but(func(m *azservicebus.Message) { m.SessionID = to.Ptr("x") }), 0},
		"not another recipient":            {"full", but(func(m *azservicebus.Message) { m.To = to.Ptr("x") }), 0},
		"not without the recipient":        {"full", but(func(m *azservicebus.Message) { m.To = nil }), 0},
		"not another property":             {"full", but(func(m *azservicebus.Message) { m.ApplicationProperties["p"] = "x" }), 0},
		"not a number for a string":        {"full", but(func(m *azservicebus.Message) { m.ApplicationProperties["p"] = int64(1) }), 0},
		"nothing past a filter that is no": {"none", full(), 0},
	}
	b := newBus(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := "news/Subscriptions/" + test.subscription
			before := b.Counts()[path].Active
			b.send(t, "news", test.message)
			assert.Equal(t, test.want, b.Counts()[path].Active-before)
		})
	}
}

func TestSubscriptionsKeepTheirCopiesApart(t *testing.T) {
	b := newBus(t)
	b.send(t, "news", &azservicebus.Message{ApplicationProperties: map[string]any{"colour": "red"}})
	all, err := b.client.NewReceiverForSubscription("news", "all", nil)
	require.NoError(t, err)
	require.NoError(t, all.DeadLetterMessage(deadline(t), one(t, all), &azservicebus.DeadLetterOptions{
		Reason: to.Ptr("mine"), PropertiesToModify: map[string]any{"colour": "black"},
	}))
	red, err := b.client.NewReceiverForSubscription("news", "red", nil)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"colour": "red"}, one(t, red).ApplicationProperties)
	dead, err := b.client.NewReceiverForSubscription("news", "all", &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
	require.NoError(t, err)
	assert.Equal(t, "mine", *one(t, dead).DeadLetterReason)
}

func TestTopicLimitsTheLifeOfItsMessages(t *testing.T) {
	b := newBus(t)
	b.send(t, "news", &azservicebus.Message{TimeToLive: to.Ptr(5 * time.Hour)})
	assert.Equal(t, 1, b.Counts()["news/Subscriptions/all"].Active)
	b.clock.Advance(time.Hour + time.Second)
	assert.Equal(t, 0, b.Counts()["news/Subscriptions/all"].Active)
}
