package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/notify"
	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

type static struct{}

func (static) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "a-token-that-must-not-be-told", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// FuzzAnswers gives any answer to every channel: it is a success, or a Fault that holds
// neither the address nor the key, and no channel calls anybody else.
func FuzzAnswers(f *testing.F) {
	cloudtest.Seed(f,
		cloudtest.Answer{Status: 200, Body: []byte("ok")},
		cloudtest.Answer{Status: 410, Body: []byte("https://hooks.slack.com/services/T/B/opens-the-channel")},
		cloudtest.Answer{Status: 404, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"error":{"code":"ErrorInvalidUser","message":"x"}}`)},
		cloudtest.Answer{Status: 302, Header: http.Header{"Location": {"https://elsewhere.example/"}}},
	)
	f.Fuzz(func(t *testing.T, n, status int, retryAfter, contentType string, body []byte, endless bool) {
		odd := cloudtest.Odd(status, retryAfter, contentType, body, endless, "")
		said := cloudtest.Says(odd)
		receivers := []struct {
			sender notify.Sender
			to     notify.Receiver
		}{
			{notify.NewMail(static{}, said), notify.Receiver{Rule: rotation.Notification{Mailbox: mailbox, To: []string{mailbox}}}},
			{notify.NewSlack(said), notify.Receiver{Address: secret.New("https://hooks.slack.com/services/T/B/opens-the-channel")}},
			{notify.NewTeams(said), notify.Receiver{Address: secret.New("https://x.y.logic.azure.com/workflows/z?sig=opens-the-channel")}},
			{notify.NewWebhook(said, time.Now), notify.Receiver{Address: secret.New("https://shop.example/opens-the-channel"), Key: secret.New(signingKey)}},
		}
		one := receivers[int(uint(n)%uint(len(receivers)))]
		err := one.sender.Send(t.Context(), one.to, notify.Write(rotated("e"), ""))
		assert.NotContains(t, said.Hosts(), cloudtest.Elsewhere)
		assert.False(t, err == nil && odd.Status/100 != 2)
		if err != nil {
			targettest.AssertFault(t, err)
			assert.NotContains(t, err.Error(), "opens-the-channel")
			assert.NotContains(t, err.Error(), signingKey)
			assert.NotContains(t, err.Error(), "must-not-be-told")
			assert.Less(t, len(err.Error()), 1500)
		}
	})
}

// taker keeps what is sent, and has what JSON makes of a message checked.
type taker struct{ sent []notify.Message }

func (k *taker) Send(_ context.Context, _ notify.Receiver, m notify.Message) error {
	k.sent = append(k.sent, m)
	return nil
}

// FuzzMessages hands any body to the function: it is dropped or told, or an error says
// what is wrong; and what others chose stays on one line.
func FuzzMessages(f *testing.F) {
	text, err := json.Marshal(rotated("e"))
	require.NoError(f, err)
	for _, seed := range []struct{ kind, data string }{
		{"dev.rekey.rotated", string(text)}, {"dev.rekey.notify", `{"rule":"slack","event":` + string(text) + `}`},
		{"dev.rekey.notify", `{"rule":"unknown","event":{"id":"x"}}`}, {"dev.rekey.notify", `{}`},
		{"dev.rekey.finding", `{"id":"f","type":"dev.rekey.finding","reason":"a\r\nBcc: <x>\u202e","check":"\u0000"}`},
		{"dev.rekey.failed", `{"id":"f","type":"dev.rekey.failed","rotation":"x","time":"9999-12-31T23:59:59Z"}`}, {"x", `[]`},
	} {
		f.Add(seed.kind, seed.data)
	}
	f.Fuzz(func(t *testing.T, kind, data string) {
		envelope, err := json.Marshal(map[string]any{"specversion": "1.0", "id": "1", "source": "s", "type": kind, "data": json.RawMessage(data)})
		if err != nil {
			return
		}
		kept := &taker{}
		c := inMemory(t, kept)
		if err := c.Handle(t.Context(), envelope); err != nil {
			assert.NotEmpty(t, err.Error())
		}
		for _, m := range kept.sent {
			assert.NotContains(t, m.Subject(), "\n")
			assert.NotContains(t, m.Subject(), "\r")
			for _, fact := range m.Facts {
				assert.False(t, strings.ContainsAny(fact.Value, "\r\n\u202e\x00"), fact.Value)
			}
		}
	})
}

// inMemory is the function with one rule about everything, and the messages that it
// sends itself handed on at once.
func inMemory(t *testing.T, sender notify.Sender) notify.Config {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	w := &world{kept: map[string]secret.Value{}}
	e := &engine.Engine{Store: &memory.Store{}, Tokens: w, Now: now, Log: log, Tenant: "t", CallTimeout: time.Second}
	_, _, err := e.SaveNotification(t.Context(), rotation.Notification{
		ID: "slack", Name: "s", Active: true, Events: rotation.EventTypes(), Channel: rotation.Slack, Host: "hooks.slack.com",
	}, engine.NotificationSecrets{Address: secret.New("https://hooks.slack.com/services/x")}, "")
	require.NoError(t, err)
	c := notify.Config{Rules: e, Secrets: e, Notices: e, Troubles: e, Log: e, Now: now, Logger: log,
		Senders: map[rotation.Channel]notify.Sender{rotation.Slack: sender}}
	c.Bus = &loop{c: &c}
	return c
}

// loop hands each message to the function that sent it.
type loop struct{ c *notify.Config }

func (l *loop) Send(ctx context.Context, messages ...engine.Message) error {
	var errs []error
	for _, m := range messages {
		text, err := json.Marshal(map[string]any{"specversion": "1.0", "id": m.ID, "source": "s", "type": m.Type, "data": m.Data})
		errs = append(errs, err, l.c.Handle(ctx, text))
	}
	return errors.Join(errs...)
}

// FuzzAddresses: whatever is taken for an address leads to a host that the channel may
// call, and what is refused is not repeated.
func FuzzAddresses(f *testing.F) {
	for _, seed := range []string{"https://hooks.slack.com/services/x", "https://a.logic.azure.com/", "https://hooks.slack.com@evil.example/", "https://evil.example/\n", "//x"} {
		f.Add(seed)
	}
	senders := map[rotation.Channel]notify.Addressed{
		rotation.Slack: notify.NewSlack(nil), rotation.Teams: notify.NewTeams(nil), rotation.Webhook: notify.NewWebhook(nil, time.Now),
	}
	f.Fuzz(func(t *testing.T, address string) {
		for channel, sender := range senders {
			host, err := sender.Host(address)
			if err != nil {
				continue
			}
			parsed, err := url.Parse(address)
			require.NoError(t, err)
			assert.True(t, strings.EqualFold(host, parsed.Hostname()))
			switch channel {
			case rotation.Slack:
				assert.Equal(t, "hooks.slack.com", host)
			case rotation.Teams:
				assert.Regexp(t, `\.(logic\.azure|api\.powerplatform)\.com$`, host)
			case rotation.Webhook, rotation.Mail:
			}
		}
	})
}
