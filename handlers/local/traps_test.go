package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
	"github.com/rekey-dev/rekey/internal/azuresim/tables"
	"github.com/rekey-dev/rekey/internal/engine"
)

// startRotated starts a stack with one application, and rotates it once.
func startRotated(t *testing.T) (s *Stack, app string) {
	t.Helper()
	s = startStack(t, func(o *Options) { o.Apps = 1 })
	app = s.manage(t, 0, fast(nil), rbacVault)
	eventually(t, "a first rotation", func() bool { return s.latest(t, app).State == "completed" })
	return s, app
}

func (s *Stack) bus(t *testing.T) *azservicebus.Client {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(s.Endpoints.ServiceBus, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(t.Context()) })
	return client
}

// post sends a message as somebody else would: an operator, or another version.
func post(t *testing.T, client *azservicebus.Client, entity, id, body string, properties map[string]any) {
	t.Helper()
	sender, err := client.NewSender(entity, nil)
	require.NoError(t, err)
	defer sender.Close(t.Context())
	require.NoError(t, sender.SendMessage(t.Context(), &azservicebus.Message{MessageID: &id, Body: []byte(body), ApplicationProperties: properties}, nil))
}

func (s *Stack) handlerLog(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.path("handler.log"))
	require.NoError(t, err)
	return string(text)
}

// keysOf are the keys of the passwords that an application has in Entra.
func (s *Stack) keysOf(app string) (keys []string) {
	now, _ := s.Azure.Directory.ApplicationByAppID(app, 0)
	for _, p := range now.Passwords {
		keys = append(keys, p.KeyID)
	}
	return keys
}

// What cannot be read is dead-lettered in the end, our log says why, and what comes
// behind it is served.
func TestAPoisonMessageBlocksNothing(t *testing.T) {
	t.Parallel()
	s, app := startRotated(t)
	client := s.bus(t)
	const envelope = `{"specversion":"1.0","id":"1","source":"rekey","type":"dev.rekey.advance","data":`
	post(t, client, engine.QueueRequests, "poison-1", `no JSON`, nil)
	post(t, client, engine.QueueRequests, "poison-2", envelope+`{"appId":"`+app+`","kind":"passkey"}}`, nil)
	post(t, client, engine.TopicRotated, "poison-3", envelope+`{"rotation":"nonsense","target":"vault"}}`, map[string]any{"integration": "keyvault"})
	s.done(t, s.ask(t, app, `{"kind":"secret"}`))

	for entity, want := range map[string]map[string]string{
		engine.QueueRequests: {
			"poison-1": `not a CloudEvent in JSON: invalid character`,
			"poison-2": `data.kind \"passkey\": must be \"secret\" or \"certificate\"`,
		},
		engine.TopicRotated + "/keyvault": {
			"poison-3": `data: rotation id \"nonsense\": must look like <appId>.<kind>.<generation>`,
		},
	} {
		dead := s.deadLetters(t, client, entity, len(want))
		assert.Len(t, dead, len(want))
		for id, reason := range want {
			assert.Contains(t, dead, id)
			assert.True(t, strings.Contains(s.handlerLog(t), `message \"`+id+`\": `) && strings.Contains(s.handlerLog(t), reason), "why %q was not served", id)
		}
	}
}

// deadLetters waits until so many messages of an entity are dead-lettered, and names them.
func (s *Stack) deadLetters(t *testing.T, client *azservicebus.Client, entity string, n int) (ids []string) {
	t.Helper()
	options := &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter}
	receiver, err := client.NewReceiverForQueue(entity, options)
	if topic, subscription, ok := strings.Cut(entity, "/"); ok {
		receiver, err = client.NewReceiverForSubscription(topic, subscription, options)
	}
	require.NoError(t, err)
	defer receiver.Close(t.Context())
	eventually(t, fmt.Sprintf("%d dead letters of %s", n, entity), func() bool {
		messages, err := receiver.PeekMessages(t.Context(), 10, &azservicebus.PeekMessagesOptions{FromSequenceNumber: new(int64)})
		require.NoError(t, err)
		ids = nil
		for _, m := range messages {
			ids = append(ids, m.MessageID)
		}
		return len(ids) >= n
	})
	return ids
}

// Service Bus is gone, for the handler and for the host. What is asked for is
// accepted all the same, and done when it is back.
func TestServiceBusIsOutOfReachForAWhile(t *testing.T) {
	t.Parallel()
	s, app := startRotated(t)
	s.Azure.Bus.SetFaults(servicebus.Faults{Cut: 1})
	id := s.ask(t, app, `{"kind":"secret"}`)
	assert.Equal(t, "requested", s.rotation(t, id).State)
	s.Azure.Bus.SetFaults(servicebus.Faults{})
	r := s.done(t, id)
	assert.ElementsMatch(t, []string{s.Tenant.Apps[0].Passwords[0].KeyID, r.KeyID}, s.keysOf(app))
}

// Table Storage refuses every third call.
func TestThrottledTablesLoseNothing(t *testing.T) {
	t.Parallel()
	s, app := startRotated(t)
	s.Azure.Tables.SetFaults(tables.Faults{Busy: 0.3, RetryAfter: 20 * time.Millisecond})
	for n := range 2 {
		s.askUntilAccepted(t, app, fmt.Sprintf("throttled-%d", n))
		var r shownRotation
		eventually(t, "a rotation completed", func() bool { r = s.latest(t, app); return r.State == "completed" })
		s.done(t, r.ID)
	}
	s.Azure.Tables.SetFaults(tables.Faults{})
	r := s.done(t, s.latest(t, app).ID)
	assert.ElementsMatch(t, []string{s.Tenant.Apps[0].Passwords[0].KeyID, r.KeyID}, s.keysOf(app))
}

// The storage account's tables are gone, while credentials of three rotations are in
// use. Whoever configures the application again gets everything back in order.
func TestTheTablesAreLostAltogether(t *testing.T) {
	t.Parallel()
	s := startStack(t, func(o *Options) { o.Apps = 1 })
	slow := fast(map[string]any{"overlapHours": 1})
	app := s.manage(t, 0, slow, rbacVault)
	for n := range 3 {
		eventually(t, "a rotation completed", func() bool { return s.latest(t, app).State == "completed" })
		if n < 2 {
			s.ask(t, app, `{"kind":"secret"}`)
		}
	}
	before := s.keysOf(app)
	require.Len(t, before, 4)

	s.loseTables(t)
	s.manage(t, 0, slow, rbacVault)
	eventually(t, "a rotation with a number of its own", func() bool { return s.latest(t, app).ID == app+".secret.104" })
	eventually(t, "its completion", func() bool { return s.latest(t, app).State == "completed" })
	assert.Equal(t, "superseded", s.rotation(t, app+".secret.1").State)
	assert.Len(t, s.keysOf(app), 5, "everything stays during the overlap")
	assert.Contains(t, s.handlerLog(t), "3 credentials of earlier rotations were found in Entra ID that the tables did not know")

	s.put(t, "/api/applications/"+app, fast(nil))
	r := s.done(t, app+".secret.104")
	eventually(t, "the removal of what came before", func() bool { return len(s.keysOf(app)) == 2 })
	assert.ElementsMatch(t, []string{s.Tenant.Apps[0].Passwords[0].KeyID, r.KeyID}, s.keysOf(app))
	staged := 0
	for name, secret := range s.Azure.Vaults.State().Vaults[stagingVault].Secrets {
		if secret.Deleted == nil && name != "rekey-write-check" {
			staged++
		}
	}
	assert.Equal(t, 1, staged)
}

// loseTables deletes all tables and creates them empty.
func (s *Stack) loseTables(t *testing.T) {
	t.Helper()
	client, err := aztables.NewServiceClientFromConnectionString(s.Endpoints.Tables, nil)
	require.NoError(t, err)
	for _, table := range engine.Tables() {
		_, err := client.DeleteTable(t.Context(), table, nil)
		require.NoError(t, err)
	}
	require.NoError(t, s.createTables(t.Context()))
}

// A tenant's policy forbids what was asked for, or the application's object is full.
// The rotation fails with words that help, and what is in use stays as it is.
func TestWhatATenantForbidsIsSaid(t *testing.T) {
	t.Parallel()
	s, app := startRotated(t)
	before := s.keysOf(app)
	for reason, policy := range map[string]graph.Policy{
		"the tenant's app management policy forbids client secrets: exempt the application from it": {ID: "p", NoPasswords: true},
		"choose a shorter lifetime, or exempt the application from the tenant's app management":     {ID: "p", MaxPasswordLifetime: time.Hour},
	} {
		s.Azure.Graph.SetPolicy(policy)
		id := s.ask(t, app, `{"kind":"secret"}`)
		eventually(t, "its failure", func() bool { return s.rotation(t, id).State == "failed" })
		assert.Contains(t, s.rotation(t, id).Reason, reason)
		assert.ElementsMatch(t, before, s.keysOf(app))
	}
	s.Azure.Graph.SetPolicy(graph.Policy{})
	s.done(t, s.ask(t, app, `{"kind":"secret"}`))
}
