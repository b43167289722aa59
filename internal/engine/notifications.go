package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func (e *Engine) notifications() shared[rotation.Notification] {
	return shared[rotation.Notification]{engine: e, table: TableNotifications, what: "notification"}
}

// The names of a rule's secrets in the staging vault follow from its id.
func addressName(rule string) string    { return "rekey-notify-address-" + rule }
func signingKeyName(rule string) string { return "rekey-notify-key-" + rule }

// NotificationSecrets are what a rule keeps in the staging vault.
type NotificationSecrets struct {
	Address    secret.Value // where its messages go
	SigningKey secret.Value
}

// Notification returns one rule and its ETag.
func (e *Engine) Notification(ctx context.Context, id string) (rotation.Notification, string, error) {
	return e.notifications().get(ctx, id)
}

// Notifications returns rules in the order of their ids, from the one after a given
// id. Next is empty after the last. A limit of 0 is none.
func (e *Engine) Notifications(ctx context.Context, from string, limit int) (rules []rotation.Notification, next string, err error) {
	return e.notifications().list(ctx, from, limit)
}

// SaveNotification inserts or replaces a rule. A secret is replaced where one is given,
// and else stays, as long as the rule's channel does: what one channel was given is
// never sent to by another. The ETag, if not empty, must be that of the saved rule;
// "*" is any that exists, Absent none.
func (e *Engine) SaveNotification(ctx context.Context, n rotation.Notification, given NotificationSecrets, etag string) (rotation.Notification, string, error) {
	if problems := n.Check(); len(problems) > 0 {
		return n, "", &Invalid{problems}
	}
	old, actual, err := e.Notification(ctx, n.ID)
	if err != nil && !errors.Is(err, ErrUnknownRecord) {
		return n, "", err
	}
	if err := precondition(etag, actual); err != nil {
		return n, "", err
	}
	changed := old.Channel != n.Channel
	if changed {
		old.Host, old.Signed = "", false
	}
	if problems := missingSecrets(&n, old, given); len(problems) > 0 {
		return n, "", &Invalid{problems}
	}
	if changed && actual != "" {
		if err := e.deleteSecrets(ctx, n.ID); err != nil {
			return n, "", err
		}
	}
	if err := e.putSecrets(ctx, n.ID, given); err != nil {
		return n, "", err
	}
	saved, err := e.notifications().save(ctx, n.ID, n, etag)
	return n, saved, err
}

// missingSecrets fills in what stays, and reports what the channel cannot do without.
func missingSecrets(n *rotation.Notification, old rotation.Notification, given NotificationSecrets) (problems []rotation.Problem) {
	if given.Address.IsZero() {
		n.Host = old.Host
	}
	n.Signed = old.Signed || !given.SigningKey.IsZero()
	if n.Channel.Addressed() && n.Host == "" {
		problems = append(problems, rotation.Problem{Field: "url", Detail: "must be given: this rule has none for its channel"})
	}
	if n.Channel == rotation.Webhook && !n.Signed {
		problems = append(problems, rotation.Problem{Field: "signingKey", Detail: "must be given: this rule has none"})
	}
	return problems
}

func (e *Engine) putSecrets(ctx context.Context, id string, given NotificationSecrets) error {
	for name, value := range map[string]secret.Value{addressName(id): given.Address, signingKeyName(id): given.SigningKey} {
		if value.IsZero() {
			continue
		}
		if err := e.putToken(ctx, name, value); err != nil {
			return err
		}
	}
	return nil
}

// DeleteNotification deletes a rule and its secrets, the secrets first: nobody would
// look for them without a rule.
func (e *Engine) DeleteNotification(ctx context.Context, id, etag string) error {
	_, actual, err := e.Notification(ctx, id)
	if err != nil {
		return err
	}
	if err := precondition(etag, actual); err != nil {
		return err
	}
	if err := e.deleteSecrets(ctx, id); err != nil {
		return err
	}
	return e.notifications().delete(ctx, id, etag)
}

func (e *Engine) deleteSecrets(ctx context.Context, id string) error {
	for _, name := range []string{addressName(id), signingKeyName(id)} {
		if err := e.deleteToken(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// NotificationAddress reads where a rule's messages go.
func (e *Engine) NotificationAddress(ctx context.Context, id string) (secret.Value, error) {
	return e.notificationSecret(ctx, addressName(id), "address")
}

// NotificationKey reads what a rule's messages are signed with.
func (e *Engine) NotificationKey(ctx context.Context, id string) (secret.Value, error) {
	return e.notificationSecret(ctx, signingKeyName(id), "signing key")
}

func (e *Engine) notificationSecret(ctx context.Context, name, what string) (secret.Value, error) {
	call, cancel := e.bounded(ctx)
	defer cancel()
	value, err := e.Tokens.Token(call, name)
	if err != nil && rotation.ClassOf(err) == rotation.NotFound {
		return value, &rotation.Fault{
			Class: rotation.Permanent, Err: fmt.Errorf("the notification's %s is gone: %w", what, err), Remedy: "save the notification with it",
		}
	}
	return value, err
}

// Notice is what became of one event for one rule.
type Notice struct {
	Rule     string      `json:"rule"`
	Event    string      `json:"event"`
	State    NoticeState `json:"state"`
	Attempts int         `json:"attempts"`
	Since    time.Time   `json:"since"`
	// Until is, while it is sent, when somebody else may try; and while it waits, when
	// it is tried again.
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}

// NoticeState is how far a notice is.
type NoticeState string

// The states of a notice.
const (
	NoticeSending NoticeState = "sending"
	NoticeWaiting NoticeState = "waiting"
	NoticeSent    NoticeState = "sent"
	NoticeFailed  NoticeState = "failed" // given up
)

// noticeKey puts the notices of a day into one partition. The time is the event's own,
// so that a repetition finds the same row.
func noticeKey(rule string, event rotation.Event) Key {
	digest := sha256.Sum256([]byte(event.ID))
	return Key{TableNotices, event.Time.UTC().Format(time.DateOnly), rule + "." + hex.EncodeToString(digest[:16])}
}

// Notice returns what is known of an event for a rule, and its ETag, which is empty
// where nothing is.
func (e *Engine) Notice(ctx context.Context, rule string, event rotation.Event) (Notice, string, error) {
	row, err := e.Store.Get(ctx, noticeKey(rule, event))
	if errors.Is(err, ErrNoRow) {
		return Notice{}, "", nil
	}
	if err != nil {
		return Notice{}, "", err
	}
	notice, err := decodeAs[Notice](row)
	return notice, row.ETag, err
}

// SaveNotice writes what became of an event for a rule, and returns the ETag for the
// next time. An empty ETag expects that nothing is known yet. ErrConflict says that
// somebody else was faster.
func (e *Engine) SaveNotice(ctx context.Context, event rotation.Event, notice Notice, etag string) (string, error) {
	notice.Event, notice.Reason = event.ID, cut(notice.Reason, longestReason)
	change := Change{Op: Insert, Key: noticeKey(notice.Rule, event), Properties: encode(notice), NewETag: new(string)}
	if etag != "" {
		change.Op, change.ETag = Merge, etag
	}
	if err := e.Store.Write(ctx, change); err != nil {
		return "", err
	}
	return *change.NewETag, nil
}

// Trouble is the failure that was last told of something: a target, or a kind of an
// application.
type Trouble struct {
	Cause string    `json:"cause"`
	Event string    `json:"event"` // the event that told it
	At    time.Time `json:"at"`
	Over  time.Time `json:"over"` // when it last went well
}

// troubles is the partition of what fails.
const troubles = "troubles"

func troubleKey(e rotation.Event) Key {
	digest := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%s", e.AppID, e.Kind, e.Target, e.Check))
	return Key{TableNotices, troubles, hex.EncodeToString(digest[:16])}
}

// Trouble returns the failure that was last told of what an event is about.
func (e *Engine) Trouble(ctx context.Context, event rotation.Event) (Trouble, error) {
	row, err := e.Store.Get(ctx, troubleKey(event))
	if errors.Is(err, ErrNoRow) {
		return Trouble{}, nil
	}
	if err != nil {
		return Trouble{}, err
	}
	return decodeAs[Trouble](row)
}

// SaveTrouble replaces the failure that was last told.
func (e *Engine) SaveTrouble(ctx context.Context, event rotation.Event, trouble Trouble) error {
	return e.Store.Write(ctx, Change{Op: Put, Key: troubleKey(event), Properties: encode(trouble)})
}

// Notices are kept for longer than any threshold before an end: an event that comes
// again has the time at which it happened first.
const (
	noticesKept      = 100 * 24 * time.Hour
	noticesForgotten = 10 // days before that are looked at: looks that were missed
)

// ForgetNotices deletes the notices of events that happened long ago.
func (e *Engine) ForgetNotices(ctx context.Context) error {
	for n := range noticesForgotten {
		day := e.Now().UTC().Add(-noticesKept).AddDate(0, 0, -n).Format(time.DateOnly)
		if err := e.forgetDay(ctx, day); err != nil {
			return fmt.Errorf("forget the notices of %s: %w", day, err)
		}
	}
	return nil
}

func (e *Engine) forgetDay(ctx context.Context, day string) error {
	for {
		rows, err := collect(e.Store.Query(ctx, Range{Table: TableNotices, Partition: day, Limit: MaxChanges}))
		if err != nil || len(rows) == 0 {
			return err
		}
		var changes []Change
		for _, row := range rows {
			changes = append(changes, Change{Op: Delete, Key: row.Key})
		}
		if err := e.Store.Write(ctx, changes...); err != nil {
			return ignoreConflict(err) // another look is as quick, and the next one goes on
		}
	}
}
