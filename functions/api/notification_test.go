package api_test

import (
	"context"
	"errors"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	hookPath = "/api/notifications/shop"
	hookURL  = "https://shop.example/hooks/value-that-opens-it"
	hookKey  = "whsec_value-that-signs"
	hook     = `{"name":"Shop","events":["failed","expiring"],"channel":"webhook","url":"` + hookURL + `","signingKey":"` + hookKey + `"}`
	mailRule = `{"name":"Ops","events":["rotated"],"channel":"mail","mailbox":"rekey@contoso.example","to":["ops@contoso.example"],"days":[30],"applications":["` + appID + `"]}`
)

// notifier knows one host and one key.
type notifier struct {
	tested []rotation.Notification
	fail   error
}

var _ api.Notifier = (*notifier)(nil)

func (*notifier) Host(_ rotation.Channel, address string) (string, error) {
	if address != hookURL {
		return "", errors.New("must be another")
	}
	return "shop.example", nil
}

func (*notifier) CheckKey(key secret.Value) error {
	if key.Reveal() != hookKey {
		return errors.New("must be another")
	}
	return nil
}

func (n *notifier) Test(_ context.Context, rule rotation.Notification) error {
	n.tested = append(n.tested, rule)
	return n.fail
}

func notifying(t *testing.T) (*world, *tokens, *notifier) {
	n := &notifier{}
	w := newWorld(t, func(c *api.Config) { c.Notifier = n })
	kept := &tokens{kept: map[string]string{}}
	w.Tokens = kept
	return w, kept, n
}

func TestANotificationIsSavedShownAndDeleted(t *testing.T) {
	w, kept, _ := notifying(t)
	a := w.call("PUT", hookPath, hook)
	require.Equal(t, 201, a.status, a.body)
	assert.JSONEq(t, `{"id":"shop","name":"Shop","active":true,"events":["failed","expiring"],"applications":[],"days":[14,3],"channel":"webhook",
		"host":"shop.example","hasUrl":true,"hasSigningKey":true}`, a.body)
	assert.Equal(t, map[string]string{"rekey-notify-address-shop": hookURL, "rekey-notify-key-shop": hookKey}, kept.kept)
	w.must(201, "PUT", "/api/notifications/ops", mailRule)
	list := w.call("GET", "/api/notifications", "")
	assert.Contains(t, list.body, `"id":"ops"`)
	assert.Contains(t, list.body, `"to":["ops@contoso.example"]`)
	assert.NotContains(t, list.body, "value-that")

	without := `{"name":"Shop","events":["failed"],"channel":"webhook","active":false}`
	etag := w.call("GET", hookPath, "").header.Get("ETag")
	w.must(200, "PUT", hookPath, without, "If-Match", etag)
	assert.Equal(t, hookURL, kept.kept["rekey-notify-address-shop"], "what is left out stays")
	assert.Equal(t, 412, w.call("PUT", hookPath, without, "If-Match", etag).status)
	assert.Equal(t, 412, w.call("DELETE", hookPath, "", "If-Match", etag).status)
	w.must(204, "DELETE", hookPath, "")
	assert.Empty(t, kept.kept)
	assert.Equal(t, 404, w.call("GET", hookPath, "").status)
	assert.Equal(t, []string{
		`anybody configured: the notification "ops" was saved: rotated by mail to ops@contoso.example`,
		`anybody configured: the notification "shop" was deleted`,
		`anybody configured: the notification "shop" was saved: failed by webhook to shop.example`,
		`anybody configured: the notification "shop" was saved: failed, expiring by webhook to shop.example`,
	}, w.tenantLog())
}

// tenantLog are the lines of the tenant's log, in the order of the alphabet.
func (w *world) tenantLog() (lines []string) {
	w.t.Helper()
	for row, err := range w.store.Query(w.t.Context(), engine.Range{Table: engine.TableLog, Partition: "2026-03-01"}) {
		require.NoError(w.t, err)
		lines = append(lines, row.Properties["actor"].(string)+" "+row.Properties["what"].(string)+": "+row.Properties["detail"].(string))
	}
	slices.Sort(lines)
	return lines
}

// What one channel was given is never sent to by another.
func TestAnotherChannelNeedsItsOwnAddress(t *testing.T) {
	w, kept, _ := notifying(t)
	w.must(201, "PUT", hookPath, hook)
	a := w.call("PUT", hookPath, `{"name":"Shop","events":["failed"],"channel":"slack"}`)
	assert.Equal(t, 422, a.status)
	assert.Contains(t, a.body, `"location":"body.url"`)
	assert.Len(t, kept.kept, 2)
	w.must(200, "PUT", hookPath, mailRule)
	assert.Empty(t, kept.kept, "nobody needs them any more")
	assert.NotContains(t, w.call("GET", hookPath, "").body, "shop.example")
}

func TestWhatIsWrongWithANotification(t *testing.T) {
	for name, c := range map[string]struct{ body, location, message string }{
		"no event":                         {strings.Replace(hook, `"failed","expiring"`, "", 1), "body.events", "must not have fewer entries than 1"},
		"an unknown event":                 {strings.Replace(hook, "failed", "fail", 1), "body.events[0]", "must be one of due, rotated, deployed, retired, failed, expiring, finding, advice"},
		"an unknown channel":               {strings.Replace(hook, "webhook", "fax", 1), "body.channel", "must be one of mail, slack, teams, webhook"},
		"no address":                       {strings.Replace(hook, `"url":"`+hookURL+`",`, "", 1), "body.url", "must be given: this rule has none for its channel"},
		"no key":                           {strings.Replace(hook, `,"signingKey":"`+hookKey+`"`, "", 1), "body.signingKey", "must be given: this rule has none"},
		"a wrong address":                  {strings.Replace(hook, "shop.example", "localhost", 1), "body.url", "must be another"},
		"a wrong key":                      {strings.Replace(hook, "whsec_", "", 1), "body.signingKey", "must be another"},
		"a key without a use":              {strings.Replace(hook, "webhook", "slack", 1), "body.signingKey", "must not be given: only webhook signs"},
		"mail without mailbox":             {strings.Replace(mailRule, "rekey@contoso.example", "", 1), "body.mailbox", "must be the address of the mailbox that sends"},
		"mail to two at once":              {strings.Replace(mailRule, "ops@", "a@b.example>, <ops@", 1), "body.to[0]", "must be an address, name@domain"},
		"mail with a mailbox that is none": {strings.Replace(mailRule, "rekey@contoso.example", "rekey@contoso.example/x", 1), "body.mailbox", "must be the address of the mailbox that sends"},
		"an end that is too far":           {strings.Replace(mailRule, "[30]", "[91]", 1), "body.days[0]", "must be at most 90"},
	} {
		t.Run(name, func(t *testing.T) {
			w, kept, _ := notifying(t)
			a := w.call("PUT", hookPath, c.body)
			assert.Equal(t, 422, a.status, a.body)
			assert.Contains(t, a.body, `"location":"`+c.location+`"`)
			assert.Contains(t, a.body, c.message)
			assert.NotContains(t, a.body, "value-that")
			assert.Empty(t, kept.kept)
			assert.Equal(t, 404, w.call("GET", hookPath, "").status)
		})
	}
}

func TestATestOfANotification(t *testing.T) {
	w, _, n := notifying(t)
	assert.Equal(t, 404, w.call("POST", hookPath+"/test", "").status)
	w.must(201, "PUT", hookPath, hook)
	w.must(204, "POST", hookPath+"/test", "")
	require.Len(t, n.tested, 1)
	assert.Equal(t, "shop", n.tested[0].ID)
	n.fail = &rotation.Fault{Class: rotation.Permanent, Err: errors.New("410 Gone"), Remedy: "save another"}
	a := w.call("POST", hookPath+"/test", "")
	assert.Equal(t, 502, a.status)
	assert.Contains(t, a.body, "410 Gone; save another")
}

// The page beside the function says what may be given here.
func TestTheRuleInThePageIsAccepted(t *testing.T) {
	page, err := os.ReadFile("../notify/README.md")
	require.NoError(t, err)
	example := regexp.MustCompile("(?s)```json rule\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, example)
	newWorld(t).must(201, "PUT", "/api/notifications/operations", string(example[1]))

	fields := reflect.TypeFor[api.NotificationSettings]()
	for _, field := range reflect.VisibleFields(fields) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "name" {
			assert.Regexp(t, "(?m)^\\|.*`"+name+"`", string(page), "the table names it")
		}
	}
}
