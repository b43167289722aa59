package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// WebhookChannel posts the event itself, signed as Standard Webhooks says: HMAC-SHA256
// over the id, the time and the body.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
type WebhookChannel struct {
	hook
	now func() time.Time
}

var _ Sender = (*WebhookChannel)(nil)

// NewWebhook returns the channel.
func NewWebhook(transport http.RoundTripper, now func() time.Time) *WebhookChannel {
	return &WebhookChannel{hook{"webhook", transport, nil}, now}
}

// payload is the body: what the specification recommends, with the event as its data.
type payload struct {
	Type      rotation.EventType `json:"type"`
	Timestamp string             `json:"timestamp"`
	Data      rotation.Event     `json:"data"`
	Link      string             `json:"link,omitempty"`
}

// Send implements Sender.
func (w *WebhookChannel) Send(ctx context.Context, to Receiver, m Message) error {
	key, err := signingKey(to.Key)
	if err != nil {
		return &rotation.Fault{Class: rotation.Permanent, Err: errors.New("webhook: the signing key that was kept " + err.Error()), Remedy: "save the notification with it"}
	}
	body := encoded(payload{m.Event.Type, second(m.Event.Time), m.Event, m.Link})
	id, at := messageID(to.Rule.ID, m.Event.ID), strconv.FormatInt(w.now().Unix(), 10)
	return w.post(ctx, to, http.Header{
		"Webhook-Id":        {id},
		"Webhook-Timestamp": {at},
		"Webhook-Signature": {"v1," + sign(key, id, at, body)},
	}, body)
}

// messageID is the same for every try, and holds no full stop, which would be part of
// what is signed.
func messageID(rule, event string) string {
	digest := sha256.Sum256([]byte(rule + "\n" + event))
	return "msg_" + hex.EncodeToString(digest[:16])
}

func sign(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

const (
	keyPrefix   = "whsec_"
	shortestKey = 24
	longestKey  = 64
)

// signingKey reads a key as the specification spells it.
func signingKey(value secret.Value) ([]byte, error) {
	text, prefixed := strings.CutPrefix(value.Reveal(), keyPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !prefixed || err != nil || len(key) < shortestKey || len(key) > longestKey {
		return nil, errors.New("must be whsec_ and 24 to 64 bytes in base64")
	}
	return key, nil
}

// CheckKey reports what is wrong with a signing key, without repeating it.
func (Config) CheckKey(value secret.Value) error {
	_, err := signingKey(value)
	return err
}
