// Package duesoon is the Azure function "duesoon", a timer: it looks for credentials
// that end soon and that nothing replaces, and puts an event about each onto the topic
// "lifecycle".
//
// Such a credential is one that rekey does not rotate, or one whose rotation is overdue
// or keeps failing. How soon is soon is for the rules of the notifications to say: an
// event is made for the threshold that a credential has last reached for each of them.
// It promises that
//
//   - a credential is told of once for each threshold: what was told is written down,
//     and where that was lost the event comes again with the same id;
//   - a look costs what ends within the longest threshold, and nothing where no rule
//     asks for it; any number of looks tell no more than one.
//
// What was told long ago is forgotten here too.
package duesoon

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/customhandler"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Credential is one of any application in the tenant.
type Credential struct {
	AppID, Name string   // the application's
	Owners      []string // the application's, by their object ids
	Kind        rotation.Kind
	KeyID       string
	End         time.Time
}

// Inventory knows the credentials of all applications.
type Inventory interface {
	// Ending yields those that end in a span of time. It ends after the first error.
	Ending(ctx context.Context, from, to time.Time) iter.Seq2[Credential, error]
}

// Engine is what the function asks of the engine.
type Engine interface {
	Notifications(ctx context.Context, from string, limit int) ([]rotation.Notification, string, error)
	View(ctx context.Context, appID string, kind rotation.Kind) (engine.View, error)
	Notice(ctx context.Context, rule string, event rotation.Event) (engine.Notice, string, error)
	SaveNotice(ctx context.Context, event rotation.Event, notice engine.Notice, etag string) (string, error)
	ForgetNotices(ctx context.Context) error
}

// Config is what the function needs.
type Config struct {
	Inventory Inventory // nil knows of no credentials
	Engine    Engine
	Bus       engine.Bus
	Now       func() time.Time
	Log       *slog.Logger
}

// New returns the function.
func New(c Config) customhandler.Function {
	return customhandler.OnTimer(func(ctx context.Context, _ customhandler.Timer) error { return c.Look(ctx) })
}

// Look tells of what ends soon.
func (c Config) Look(ctx context.Context) error {
	told, err := c.look(ctx)
	if told > 0 {
		c.Log.InfoContext(ctx, "told of credentials that end soon", "count", told)
	}
	return errors.Join(err, c.Engine.ForgetNotices(ctx))
}

func (c Config) look(ctx context.Context) (told int, err error) {
	rules, err := c.rules(ctx)
	if err != nil || len(rules) == 0 || c.Inventory == nil {
		return 0, err
	}
	now := c.Now()
	for credential, err := range c.Inventory.Ending(ctx, now, now.AddDate(0, 0, longest(rules))) {
		if err != nil {
			return told, err
		}
		n, err := c.weigh(ctx, rules, credential)
		told += n
		if err != nil {
			return told, fmt.Errorf("application %q: %w", credential.AppID, err)
		}
	}
	return told, nil
}

// rules are those that want to hear of what ends soon.
func (c Config) rules(ctx context.Context) ([]rotation.Notification, error) {
	all, _, err := c.Engine.Notifications(ctx, "", 0)
	return slices.DeleteFunc(all, func(n rotation.Notification) bool {
		return !n.Active || !slices.Contains(n.Events, rotation.EventExpiring)
	}), err
}

func longest(rules []rotation.Notification) (days int) {
	for _, rule := range rules {
		days = max(days, slices.Max(rule.Thresholds()))
	}
	return days
}

// weigh tells of one credential for each threshold that it has reached, unless that was
// done or something will replace it.
func (c Config) weigh(ctx context.Context, rules []rotation.Notification, credential Credential) (told int, err error) {
	var untold []rotation.Event
	for _, days := range reached(rules, credential, c.Now()) {
		event := about(credential, days)
		notice, _, err := c.Engine.Notice(ctx, nobody, event)
		if err != nil {
			return 0, err
		}
		if notice.State != engine.NoticeSent {
			untold = append(untold, event)
		}
	}
	if len(untold) == 0 {
		return 0, nil
	}
	if cared, err := c.caredFor(ctx, credential); err != nil || cared {
		return 0, err
	}
	for _, event := range untold {
		if err := c.tell(ctx, event); err != nil {
			return told, err
		}
		told++
	}
	return told, nil
}

// reached are the thresholds that a credential has last reached, for each of the rules.
func reached(rules []rotation.Notification, credential Credential, now time.Time) (all []int) {
	left := credential.End.Sub(now).Hours() / 24
	for _, rule := range rules {
		if days, ok := rule.Threshold(left); ok && left > 0 && !slices.Contains(all, days) {
			all = append(all, days)
		}
	}
	return all
}

// about is the event of a credential at a threshold. Its time is when that was reached,
// so that it is the same event whenever it is looked at.
func about(c Credential, days int) rotation.Event {
	return rotation.Event{
		ID:   fmt.Sprintf("%s.%s.%s.expiring.%d", c.AppID, c.Kind, c.KeyID, days),
		Type: rotation.EventExpiring, Time: c.End.AddDate(0, 0, -days).UTC(),
		AppID: c.AppID, Name: c.Name, Kind: c.Kind, KeyID: c.KeyID, End: c.End.UTC(), Days: days, Owners: c.Owners,
	}
}

// nobody is the rule under which it is written down that an event was sent. No rule's
// id is spelled so.
const nobody = "-"

func (c Config) tell(ctx context.Context, event rotation.Event) error {
	if err := c.Bus.Send(ctx, engine.LifecycleMessage(event)); err != nil {
		return err
	}
	_, err := c.Engine.SaveNotice(ctx, event, engine.Notice{Rule: nobody, State: engine.NoticeSent, Since: c.Now()}, "")
	if errors.Is(err, engine.ErrConflict) {
		return nil // another look was as quick
	}
	return err
}

// patience is how long after its time a rotation may take before it does not go well.
const patience = 6 * time.Hour

// caredFor reports whether rekey replaces the credential in time, or has replaced it.
func (c Config) caredFor(ctx context.Context, credential Credential) (bool, error) {
	view, err := c.Engine.View(ctx, credential.AppID, credential.Kind)
	if errors.Is(err, engine.ErrUnknownApplication) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	state := view.Head.Kind(credential.Kind)
	if state.ByKeyID(credential.KeyID) == nil {
		return false, nil // the application is managed, and this one is not
	}
	if state.Current != credential.KeyID {
		return true, nil // it was replaced, and goes when nobody needs it any more
	}
	well := view.Due.Reason != rotation.DueAgain && view.Due.At.After(c.Now().Add(-patience))
	return view.Policy().Enabled && !view.Paused && !view.App.Paused && !state.SchedulePaused && well, nil
}
