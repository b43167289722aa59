package notify_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/hooks"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const teamsHost = "default72f988bf86f141af91ab2d7cd011db.47.environment.api.powerplatform.com"

func TestEveryChannelHearsOnceOfAnEventThatComesTwice(t *testing.T) {
	w := newWorld(t)
	w.rule("mail", rotation.Mail, "")
	w.rule("slack", rotation.Slack, w.hooks.AddSlack())
	w.rule("teams", rotation.Teams, w.hooks.AddFlow())
	w.rule("older-teams", rotation.Teams, w.hooks.AddOlderFlow())
	w.rule("hook", rotation.Webhook, w.hooks.AddReceiver("shop"))
	for range 2 {
		w.happens(rotated("e1"))
	}
	w.pass(25 * time.Hour)
	assert.Empty(t, w.lines())
	require.Len(t, w.graph.Mails(), 1)
	assert.Equal(t, "[rekey] A credential was rotated: Orders <API> & *more*", w.graph.Mails()[0].Subject)
	for _, host := range []string{hooks.SlackHost, teamsHost, "prod-42.westeurope.logic.azure.com", "shop.receiver.example"} {
		assert.Len(t, w.hooks.Received(host), 1, host)
	}
	w.happens(rotated("e2"))
	assert.Len(t, w.graph.Mails(), 2, "another event is another message")
}

func TestWhatIsWritten(t *testing.T) {
	w := newWorld(t)
	w.rule("mail", rotation.Mail, "")
	w.rule("slack", rotation.Slack, w.hooks.AddSlack())
	w.rule("teams", rotation.Teams, w.hooks.AddFlow())
	event := rotated("e1")
	event.Type, event.Days, event.End = rotation.EventExpiring, 14, event.Time.AddDate(0, 0, 14)
	w.happens(event)

	text, page := parts(t, w.graph.Mails()[0].MIME)
	assert.Equal(t, `A client secret ends within 14 days, and nothing has replaced it.

Application: Orders <API> & *more* (11111111-aaaa-4111-8111-111111111111)
Credential: client secret, key id 2222222a-2222-4222-8222-222222222222
Ends: 15 March 2026, 12:00 UTC
Rotation: 11111111-aaaa-4111-8111-111111111111.secret.7
When: 1 March 2026, 12:00 UTC

What to do: Replace it before then, or let rekey rotate the application.

https://rekey.contoso.example/applications/11111111-aaaa-4111-8111-111111111111
`, text)
	assert.Contains(t, page, "Orders &lt;API&gt; &amp; *more*")
	assert.NotContains(t, page, "<API>")

	slack := string(w.hooks.Received(hooks.SlackHost)[0].Body)
	assert.Contains(t, slack, `{"type":"plain_text","text":"Application\nOrders &lt;API&gt; &amp; *more* (`+appID+`)","emoji":false}`)
	assert.Contains(t, slack, `"text":"A credential ends soon: Orders &lt;API&gt; &amp; *more*"`)
	teams := string(w.hooks.Received(teamsHost)[0].Body)
	assert.Contains(t, teams, `{"type":"TextRun","text":"Orders <API> & *more* (`+appID+`)"}`)
	assert.Contains(t, teams, `{"type":"Action.OpenUrl","title":"Open in rekey","url":"https://rekey.contoso.example/applications/`+appID+`"}`)
}

// parts reads both forms of a mail.
func parts(t *testing.T, text []byte) (plain, page string) {
	t.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(text))
	require.NoError(t, err)
	_, boundary, _ := strings.Cut(message.Header.Get("Content-Type"), "boundary=")
	reader := multipart.NewReader(message.Body, boundary)
	for _, into := range []*string{&plain, &page} {
		part, err := reader.NextRawPart()
		require.NoError(t, err)
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		require.NoError(t, err)
		*into = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	return plain, page
}

// The signature is checked as a receiver would who has read the specification alone.
func TestWebhooksAreSigned(t *testing.T) {
	w := newWorld(t)
	w.rule("hook", rotation.Webhook, w.hooks.AddReceiver("shop", 500))
	w.happens(rotated("e1"))
	w.pass(time.Minute)
	got := w.hooks.Received("shop.receiver.example")
	require.Len(t, got, 1)
	header, content := got[0].Header, got[0].Body
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signingKey, "whsec_"))
	require.NoError(t, err)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", header.Get("webhook-id"), header.Get("webhook-timestamp"), content)
	assert.Equal(t, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), header.Get("webhook-signature"))
	assert.Equal(t, fmt.Sprint(w.now.Add(-45*time.Second).Unix()), header.Get("webhook-timestamp"), "the time of the try, not of the event")
	assert.Regexp(t, `^msg_[0-9a-f]{32}$`, header.Get("webhook-id"))
	var payload struct {
		Type, Timestamp string
		Data            rotation.Event
	}
	require.NoError(t, json.Unmarshal(content, &payload))
	assert.Equal(t, rotated("e1"), payload.Data)
	assert.Equal(t, "dev.rekey.rotated", payload.Type)
	assert.Equal(t, "2026-03-01T12:00:00Z", payload.Timestamp)
}

func TestWhatFailsIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.rule("hook", rotation.Webhook, w.hooks.AddReceiver("shop", 500, 404, 302, 429, 400))
	w.rule("slack", rotation.Slack, w.hooks.AddSlack())
	w.happens(rotated("e1"))
	assert.Len(t, w.hooks.Received(hooks.SlackHost), 1, "one channel waits for no other")
	assert.Empty(t, w.hooks.Received("shop.receiver.example"))
	w.pass(15*time.Second + 30*time.Second + time.Minute + 2*time.Minute)
	assert.Empty(t, w.hooks.Received("shop.receiver.example"), "further and further apart")
	w.pass(4 * time.Minute)
	assert.Len(t, w.hooks.Received("shop.receiver.example"), 1)
	assert.Empty(t, w.lines())
}

func TestWhatIsGivenUpHasALine(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*world)
		after   time.Duration
		want    string
	}{
		"a receiver that wants no more, at once": {
			func(w *world) { w.rule("hook", rotation.Webhook, w.hooks.AddReceiver("shop", 410)) }, 0,
			`given up at try 1: webhook: post to "shop.receiver.example": 410 Gone: Gone; the receiver wants nothing more at this address: save the notification with another, or delete it`,
		},
		"a webhook of Slack that was revoked, after a day": {
			func(w *world) {
				w.rule("slack", rotation.Slack, "https://hooks.slack.com/services/T1/B1/unknown-to-slack")
			}, 25 * time.Hour,
			`given up at try 31: slack: post to "hooks.slack.com": 403 Forbidden: invalid_token`,
		},
		"a mailbox that is not there, after a day": {
			func(w *world) {
				w.rule("mail", rotation.Mail, "", func(n *rotation.Notification) { n.Mailbox = "nobody@contoso.example" })
			}, 25 * time.Hour,
			`given up at try 31: graph: send mail as "nobody@contoso.example": 404 ErrorInvalidUser: The requested user 'nobody@contoso.example' is invalid.; name a mailbox of this tenant`,
		},
		"a rule whose address is gone": {
			func(w *world) {
				w.rule("slack", rotation.Slack, w.hooks.AddSlack())
				clear(w.kept)
			}, 0,
			`given up at try 1: the notification's address is gone: EOF; save the notification with it`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.prepare(w)
			w.happens(rotated("e1"))
			w.pass(c.after)
			require.Len(t, w.lines(), 1)
			assert.Contains(t, w.lines()[0], `unsent: notification "`)
			assert.Contains(t, w.lines()[0], `did not tell of the event "e1", `+c.want)
			assert.NotContains(t, w.lines()[0], "unknown-to-slack")
			w.happens(rotated("e1"))
			assert.Len(t, w.lines(), 1, "it stays given up")
		})
	}
}

// A failure is told once, whatever number of tries fail for the same reason.
func TestAFailureIsToldOnceUntilItEnds(t *testing.T) {
	w := newWorld(t)
	w.rule("slack", rotation.Slack, w.hooks.AddSlack())
	tell := func(e rotation.Event) int {
		before := len(w.hooks.Received(hooks.SlackHost))
		w.happens(e)
		return len(w.hooks.Received(hooks.SlackHost)) - before
	}
	at := w.now
	next := func() time.Time { at = at.Add(time.Hour); return at }
	assert.Equal(t, 1, tell(failed("f1", "given up after 24h0m3s: 403 for 3f0c8d52-1b7a-4d7e-9f6e-2f1f6e7a9b10", next())))
	assert.Equal(t, 0, tell(failed("f2", "given up after 24h0m9s: 403 for 9b10c1d2-1b7a-4d7e-9f6e-2f1f6e7a3f0c", next())), "the same cause in other numbers")
	assert.Equal(t, 1, tell(failed("f3", "the vault is gone", next())), "another cause")
	other := failed("f4", "the vault is gone", next())
	other.Target = "other"
	assert.Equal(t, 1, tell(other), "another target")
	assert.Equal(t, 0, tell(failed("f5", "the vault is gone", at.Add(6*24*time.Hour))))
	assert.Equal(t, 1, tell(failed("f6", "the vault is gone", at.Add(8*24*time.Hour))), "after a week it is told again")
	at = at.Add(9 * 24 * time.Hour)
	success := rotated("s1")
	success.Type, success.Target, success.Time = rotation.EventDeployed, "kv", next()
	assert.Equal(t, 1, tell(success))
	assert.Equal(t, 1, tell(failed("f7", "the vault is gone", next())), "after it went well it is news")
	assert.Equal(t, 1, tell(failed("f8", "an older reason", at.Add(-5*time.Hour))), "what comes late is told, and changes nothing")
	assert.Equal(t, 0, tell(failed("f9", "the vault is gone", next())))
}

func TestWhoWantsWhat(t *testing.T) {
	expiring := rotated("e1")
	expiring.Type, expiring.Days, expiring.Owners = rotation.EventExpiring, 3, []string{owner}
	finding := rotation.Event{ID: "f", Type: rotation.EventFinding, Check: "access", Reason: "no role", Remedy: "grant it"}
	only := func(types ...rotation.EventType) func(*rotation.Notification) {
		return func(n *rotation.Notification) { n.Events = types }
	}
	for name, c := range map[string]struct {
		event  rotation.Event
		change func(*rotation.Notification)
		want   int
	}{
		"an event that is named":              {rotated("e"), only(rotation.EventRotated), 1},
		"one that is not":                     {rotated("e"), only(rotation.EventFailed), 0},
		"a rule that is off":                  {rotated("e"), func(n *rotation.Notification) { n.Active = false }, 0},
		"an application that is named":        {rotated("e"), func(n *rotation.Notification) { n.Applications = []string{appID} }, 1},
		"one that is not named":               {rotated("e"), func(n *rotation.Notification) { n.Applications = []string{owner} }, 0},
		"what concerns no application":        {finding, only(rotation.EventFinding), 1},
		"nor any that is named":               {finding, func(n *rotation.Notification) { n.Applications = []string{appID} }, 0},
		"three days, where none are named":    {expiring, only(rotation.EventExpiring), 1},
		"three days, where seven are named":   {expiring, func(n *rotation.Notification) { n.Days = []int{7} }, 0},
		"an owner's application":              {expiring, func(n *rotation.Notification) { n.Owner = owner }, 1},
		"another owner's":                     {expiring, func(n *rotation.Notification) { n.Owner = appID }, 0},
		"an application of nobody knows whom": {rotated("e"), func(n *rotation.Notification) { n.Owner = owner }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.rule("slack", rotation.Slack, w.hooks.AddSlack(), c.change)
			w.happens(c.event)
			assert.Len(t, w.hooks.Received(hooks.SlackHost), c.want)
		})
	}
}

func TestATestSaysWhatItIs(t *testing.T) {
	w := newWorld(t)
	w.rule("slack", rotation.Slack, w.hooks.AddSlack(), func(n *rotation.Notification) { n.Active = false })
	n, _, err := w.Notification(t.Context(), "slack")
	require.NoError(t, err)
	require.NoError(t, w.Test(t.Context(), n))
	assert.Contains(t, string(w.hooks.Received(hooks.SlackHost)[0].Body), "This is a test.")
	w.kept["rekey-notify-address-slack"] = w.kept["nothing"]
	assert.EqualError(t, w.Test(t.Context(), n), `slack: the address that was kept must begin with https://; save the notification with its address`)
}

func TestAddresses(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		channel       rotation.Channel
		address, want string
	}{
		{rotation.Slack, "https://hooks.slack.com/services/T/B/x", ""},
		{rotation.Slack, "https://hooks.slack.com.evil.example/services/T/B/x", "must be an address of hooks.slack.com"},
		{rotation.Slack, "https://slack.com/services/T/B/x", "must be an address of hooks.slack.com"},
		{rotation.Teams, "https://prod-00.westeurope.logic.azure.com:443/workflows/x?sig=y", ""},
		{rotation.Teams, "https://default1.47.environment.api.powerplatform.com:443/x?sig=y", ""},
		{rotation.Teams, "https://contoso.webhook.office.com/webhookb2/x", "must be an address of *.api.powerplatform.com or *.logic.azure.com"},
		{rotation.Teams, "https://evillogic.azure.com/", "must be an address of *.api.powerplatform.com or *.logic.azure.com"},
		{rotation.Webhook, "https://shop.example/hook", ""},
		{rotation.Webhook, "http://shop.example/hook", "must begin with https://"},
		{rotation.Webhook, "https://169.254.169.254/metadata", "must name a host on the internet, such as hooks.example.com"},
		{rotation.Webhook, "https://shop.example/%zz", "must be an address, https://…"},
		{rotation.Mail, "https://shop.example/", "must not be given: this channel has no address"},
	} {
		_, err := w.Host(c.channel, c.address)
		if c.want == "" {
			assert.NoError(t, err, c.address)
		} else {
			assert.EqualError(t, err, c.want, c.address)
		}
	}
}
