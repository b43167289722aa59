package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/hooks"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/tablestore"
)

const (
	signingKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	flowHost   = "default72f988bf86f141af91ab2d7cd011db.47.environment.api.powerplatform.com"
)

// notify has events told by every channel. Receivers answer what they are told first.
func (s *Stack) notify(t *testing.T, events []string, receivers map[string][]int) {
	t.Helper()
	rules := map[string]map[string]any{
		"mail":  {"channel": "mail", "mailbox": mailbox, "to": []string{"ops@contoso.example"}},
		"slack": {"channel": "slack", "url": s.Azure.Hooks.AddSlack()},
		"teams": {"channel": "teams", "url": s.Azure.Hooks.AddFlow()},
	}
	for name, statuses := range receivers {
		rules[name] = map[string]any{"channel": "webhook", "url": s.Azure.Hooks.AddReceiver(name, statuses...), "signingKey": signingKey}
	}
	for id, rule := range rules {
		rule["name"], rule["events"] = id, events
		s.put(t, "/api/notifications/"+id, rule)
	}
}

// notifyEverybody has the next rotation told by every channel.
func (e *everything) notifyEverybody(t *testing.T) {
	t.Helper()
	e.notify(t, []string{"rotated"}, map[string][]int{"shop": nil})
	e.rotate(t)
	eventually(t, "a message by every channel", func() bool {
		return len(e.Azure.Graph.Mails()) > 0 && len(e.Azure.Hooks.Received(hooks.SlackHost)) > 0 &&
			len(e.Azure.Hooks.Received(flowHost)) > 0 && len(e.Azure.Hooks.Received("shop.receiver.example")) > 0
	})
}

// A rotation is told by every channel, once each, although the event comes twice; what
// fails is told later, and who wants no more is given up with a line in the log.
func TestARotationIsTold(t *testing.T) {
	t.Parallel()
	s, evidence := startTapped(t, func(o *Options) { o.Apps, o.PerFunction = 1, true })
	s.notify(t, []string{"rotated"}, map[string][]int{"shop": nil, "weary": {500}, "gone": {410}})
	app := s.manage(t, 0, fast(nil), rbacVault)
	received := func(name string) []hooks.Received { return s.Azure.Hooks.Received(name + ".receiver.example") }
	eventually(t, "a first rotation", func() bool { return s.latest(t, app).State == "completed" })
	eventually(t, "a signed message", func() bool { return len(received("shop")) > 0 })

	var told struct{ Data json.RawMessage }
	require.NoError(t, json.Unmarshal(received("shop")[0].Body, &told))
	again, err := json.Marshal(map[string]any{"specversion": "1.0", "id": "1", "source": "rekey", "type": "dev.rekey.rotated", "data": told.Data})
	require.NoError(t, err)
	client := s.bus(t)
	for range 3 {
		post(t, client, engine.TopicLifecycle, "again", string(again), map[string]any{"integration": engine.Everybody})
	}

	eventually(t, "the receiver that failed at first", func() bool { return len(received("weary")) > 0 })
	eventually(t, "everything that was sent served", func() bool {
		left := s.Azure.Bus.Counts()[engine.TopicLifecycle+"/Subscriptions/notify"]
		return left.Active == 0 && left.Locked == 0
	})
	require.Len(t, s.Azure.Graph.Mails(), 1)
	mail := s.Azure.Graph.Mails()[0]
	assert.Equal(t, "[rekey] A credential was rotated: "+s.Tenant.Apps[0].DisplayName, mail.Subject)
	assert.Equal(t, []string{"ops@contoso.example"}, mail.To)
	for _, host := range []string{hooks.SlackHost, flowHost, "shop.receiver.example", "weary.receiver.example"} {
		assert.Len(t, s.Azure.Hooks.Received(host), 1, host)
	}
	assert.Empty(t, received("gone"))
	assertSigned(t, received("weary")[0])
	assert.Contains(t, s.tenantLog(t), `notification "gone" did not tell of the event`)
	s.checkNothingLeaked(t, evidence)
	for what, text := range map[string]string{"the handler's log": s.handlerLog(t), "the tenant's log": s.tenantLog(t)} {
		assert.NotContains(t, text, strings.TrimPrefix(signingKey, "whsec_"), what)
		assert.NotContains(t, text, "/hooks/", what)
		assert.NotContains(t, text, "sig=", what)
	}
}

// assertSigned checks a signature as a receiver does who knows Standard Webhooks alone.
func assertSigned(t *testing.T, r hooks.Received) {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signingKey, "whsec_"))
	require.NoError(t, err)
	mac := hmac.New(sha256.New, key)
	mac.Write(bytes.Join([][]byte{[]byte(r.Header.Get("webhook-id")), []byte(r.Header.Get("webhook-timestamp")), r.Body}, []byte(".")))
	assert.Equal(t, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), r.Header.Get("webhook-signature"))
}

// tenantLog is the log of what belongs to no single application.
func (s *Stack) tenantLog(t *testing.T) (text string) {
	t.Helper()
	store, err := tablestore.FromConnectionString(s.Azure.Endpoints().Tables, tablestore.Options{CallTimeout: 10 * time.Second})
	require.NoError(t, err)
	for _, day := range []time.Time{time.Now(), time.Now().AddDate(0, 0, -1)} {
		for row, err := range store.Query(t.Context(), engine.Range{Table: engine.TableLog, Partition: day.UTC().Format(time.DateOnly)}) {
			require.NoError(t, err)
			text += row.Properties["what"].(string) + ": " + row.Properties["detail"].(string) + "\n"
		}
	}
	return text
}

// A rule is tried out by a message that says what it is; a wrong one says what is wrong.
func TestANotificationIsTried(t *testing.T) {
	t.Parallel()
	s := startStack(t, func(o *Options) { o.Apps = 1 })
	s.notify(t, []string{"failed"}, map[string][]int{"gone": {410}})
	require.NoError(t, s.call(t.Context(), http.MethodPost, "/api/notifications/teams/test", nil))
	assert.Contains(t, string(s.Azure.Hooks.Received(flowHost)[0].Body), "This is a test.")
	assert.ErrorContains(t, s.call(t.Context(), http.MethodPost, "/api/notifications/gone/test", nil), "410 Gone")
}
