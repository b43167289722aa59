package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Notifier is what the API must know of how notifications travel.
type Notifier interface {
	// Host returns the host of an address for a channel. Its error says what would be
	// right, after the field's name.
	Host(channel rotation.Channel, address string) (string, error)
	// CheckKey reports what is wrong with a signing key, in the same way.
	CheckKey(key secret.Value) error
	// Test sends a message by a saved rule. Errors are Faults.
	Test(ctx context.Context, rule rotation.Notification) error
}

// NotificationChoices is what the user chose for a notification, without what nobody
// else may see.
type NotificationChoices struct {
	Name         string   `json:"name" minLength:"1" maxLength:"100"`
	Active       *bool    `json:"active,omitempty" doc:"true, if left out"`
	Events       []string `json:"events" nullable:"false" minItems:"1" uniqueItems:"true" enum:"due,rotated,deployed,retired,failed,expiring,finding,advice" doc:"What is told"`
	Applications []appID  `json:"applications,omitempty" nullable:"false" maxItems:"1000" uniqueItems:"true" doc:"The client ids of the applications that it is about; left out or empty, all of them"`
	Owner        *appID   `json:"owner,omitempty" doc:"The object id of a user or a service principal: only the applications that it owns"`
	Days         []int    `json:"days,omitempty" nullable:"false" maxItems:"10" uniqueItems:"true" minimum:"1" maximum:"90" doc:"Of expiring: how many days before the end; 14 and 3, if left out"`
	Channel      string   `json:"channel" enum:"mail,slack,teams,webhook" doc:"How it is told"`
	Mailbox      string   `json:"mailbox,omitempty" maxLength:"254" doc:"Of mail: the address of the mailbox that sends"`
	To           []string `json:"to,omitempty" nullable:"false" maxItems:"50" uniqueItems:"true" doc:"Of mail: the addresses that receive"`
}

// NotificationSettings is what the user chose for a notification.
type NotificationSettings struct {
	NotificationChoices
	URL        string `json:"url,omitempty" writeOnly:"true" minLength:"1" maxLength:"2000" doc:"Of the other channels: where it is posted. It is kept in the staging vault and never shown; left out, the old one stays"`
	SigningKey string `json:"signingKey,omitempty" writeOnly:"true" minLength:"1" maxLength:"200" doc:"Of webhook: the key that signs, whsec_ and 24 to 64 bytes in base64. It is kept in the staging vault and never shown; left out, the old one stays"`
}

// Notification is a rule that says who hears of which events, and how.
type Notification struct {
	ID           string           `json:"id"`
	Name         string           `json:"name"`
	Active       bool             `json:"active"`
	Events       []string         `json:"events" nullable:"false"`
	Applications []string         `json:"applications" nullable:"false"`
	Owner        string           `json:"owner,omitempty"`
	Days         []int            `json:"days" nullable:"false"`
	Channel      rotation.Channel `json:"channel" enum:"mail,slack,teams,webhook"`
	Mailbox      string           `json:"mailbox,omitempty"`
	To           []string         `json:"to,omitempty"`
	Host         string           `json:"host,omitempty" doc:"The host of its url"`
	HasURL       bool             `json:"hasUrl"`
	HasKey       bool             `json:"hasSigningKey"`
}

type notificationPath struct {
	ID targetID `path:"id"`
}

type putNotification struct {
	ID targetID `path:"id"`
	Conditions
	Body NotificationSettings
}

type deleteNotification struct {
	ID      targetID `path:"id"`
	IfMatch string   `header:"If-Match" doc:"The ETag of the last GET"`
}

func (a *api) registerNotifications(h huma.API) {
	const path = "/api/notifications/{id}"
	huma.Register(h, operation("listNotifications", http.MethodGet, "/api/notifications", "The notifications, in the order of their ids"), a.listNotifications)
	huma.Register(h, operation("getNotification", http.MethodGet, path, "One notification"), a.getNotification)
	huma.Register(h, operation("putNotification", http.MethodPut, path, "Have events told"), a.putNotification)
	huma.Register(h, withStatus(http.StatusNoContent, operation("deleteNotification", http.MethodDelete, path, "Delete a notification, with its secrets")), a.deleteNotification)
	huma.Register(h, withStatus(http.StatusNoContent, operation("testNotification", http.MethodPost, path+"/test", "Send a test message")), a.testNotification)
}

func notificationOf(n rotation.Notification) Notification {
	shown := Notification{
		ID: n.ID, Name: n.Name, Active: n.Active, Events: []string{}, Applications: append([]string{}, n.Applications...), Owner: n.Owner,
		Days: n.Thresholds(), Channel: n.Channel, Mailbox: n.Mailbox, To: n.To, Host: n.Host, HasURL: n.Host != "", HasKey: n.Signed,
	}
	for _, event := range n.Events {
		shown.Events = append(shown.Events, event.Word())
	}
	return shown
}

var notificationCursor = regexp.MustCompile(targetPattern)

func (a *api) listNotifications(ctx context.Context, in *Paging) (*answer[Page[Notification]], error) {
	return listed(ctx, a, in, notificationCursor, a.Engine.Notifications, notificationOf)
}

func (a *api) getNotification(ctx context.Context, in *notificationPath) (*tagged[Notification], error) {
	n, etag, err := a.Engine.Notification(ctx, string(in.ID))
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return &tagged[Notification]{etagOf(etag), notificationOf(n)}, nil
}

func (a *api) putNotification(ctx context.Context, in *putNotification) (*saved[Notification], error) {
	n, given, err := in.rule(a.Notifier)
	if err != nil {
		return nil, err
	}
	_, _, err = a.Engine.Notification(ctx, n.ID)
	exists := !errors.Is(err, engine.ErrUnknownRecord)
	if err != nil && exists {
		return nil, a.refusal(ctx, err)
	}
	etag, err := in.Conditions.etag(exists)
	if err != nil {
		return nil, err
	}
	n, newTag, err := a.saveNotification(ctx, n, given, etag)
	if err != nil {
		return nil, a.vaultRefused(ctx, in.IfMatch, err)
	}
	answer := savedAs(exists, newTag, "/api/notifications/"+n.ID, notificationOf(n))
	return &answer, nil
}

func (a *api) saveNotification(ctx context.Context, n rotation.Notification, given engine.NotificationSecrets, etag string) (rotation.Notification, string, error) {
	n, newTag, err := a.Engine.SaveNotification(ctx, n, given, etag)
	if err == nil {
		a.Engine.LogChange(ctx, rotation.LogEntry{What: "configured", Detail: fmt.Sprintf("the notification %q was saved: %s", n.ID, tells(n)), Actor: actorOf(ctx)})
	}
	return n, newTag, err
}

// tells is a rule in words.
func tells(n rotation.Notification) string {
	return strings.Join(notificationOf(n).Events, ", ") + " by " + string(n.Channel) + " to " + cmp.Or(n.Host, strings.Join(n.To, ", "))
}

// rule makes a rule of what the user gave, or says all that is wrong with it.
func (in *putNotification) rule(notifier Notifier) (n rotation.Notification, given engine.NotificationSecrets, err error) {
	b := in.Body
	n = b.NotificationChoices.domain(string(in.ID))
	given = engine.NotificationSecrets{Address: secret.New(b.URL), SigningKey: secret.New(b.SigningKey)}
	problems := n.Check()
	if b.URL != "" {
		if n.Host, err = notifier.Host(n.Channel, b.URL); err != nil {
			problems = append(problems, rotation.Problem{Field: "url", Detail: err.Error()})
		}
	}
	switch {
	case b.SigningKey == "":
	case n.Channel != rotation.Webhook:
		problems = append(problems, rotation.Problem{Field: "signingKey", Detail: "must not be given: only webhook signs"})
	default:
		if err := notifier.CheckKey(given.SigningKey); err != nil {
			problems = append(problems, rotation.Problem{Field: "signingKey", Detail: err.Error()})
		}
	}
	if len(problems) > 0 {
		return n, given, invalid(within("body", problems)...)
	}
	return n, given, nil
}

func (c NotificationChoices) domain(id string) rotation.Notification {
	n := rotation.Notification{
		ID: id, Name: c.Name, Active: c.Active == nil || *c.Active, Days: c.Days,
		Channel: rotation.Channel(c.Channel), Mailbox: c.Mailbox, To: c.To,
	}
	for _, word := range c.Events {
		n.Events = append(n.Events, rotation.EventOf(word))
	}
	for _, id := range c.Applications {
		n.Applications = append(n.Applications, id.String())
	}
	if c.Owner != nil {
		n.Owner = c.Owner.String()
	}
	return n
}

func (a *api) deleteNotification(ctx context.Context, in *deleteNotification) (*none, error) {
	etag, err := stored(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.removeNotification(ctx, string(in.ID), etag); err != nil {
		return nil, a.vaultRefused(ctx, in.IfMatch, err)
	}
	return nil, nil
}

func (a *api) removeNotification(ctx context.Context, id, etag string) error {
	err := a.Engine.DeleteNotification(ctx, id, etag)
	if err == nil {
		a.Engine.LogChange(ctx, rotation.LogEntry{What: "configured", Detail: fmt.Sprintf("the notification %q was deleted", id), Actor: actorOf(ctx)})
	}
	return err
}

// testNotification also sends by a rule that is not active: that is when one is tried.
func (a *api) testNotification(ctx context.Context, in *notificationPath) (*none, error) {
	n, _, err := a.Engine.Notification(ctx, string(in.ID))
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	n.ID = string(in.ID)
	if err := a.Notifier.Test(ctx, n); err != nil {
		return nil, a.refusal(ctx, err)
	}
	return nil, nil
}
