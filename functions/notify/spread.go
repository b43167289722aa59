package notify

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// spread orders an event to be told by every rule that wants it.
func (c Config) spread(ctx context.Context, event rotation.Event) error {
	trouble, known, err := c.weigh(ctx, event)
	if err != nil || known {
		return err
	}
	rules, _, err := c.Rules.Notifications(ctx, "", 0)
	if err != nil {
		return err
	}
	var messages []engine.Message
	for _, rule := range rules {
		wanted, err := c.wants(ctx, rule, event)
		if err != nil {
			return err
		}
		if wanted {
			messages = append(messages, c.message(order{rule.ID, event}, time.Time{}))
		}
	}
	if len(messages) > 0 {
		if err := c.Bus.Send(ctx, messages...); err != nil {
			return err
		}
	}
	if trouble == nil {
		return nil
	}
	return c.Troubles.SaveTrouble(ctx, event, *trouble)
}

func (c Config) wants(ctx context.Context, rule rotation.Notification, event rotation.Event) (bool, error) {
	if !rule.Wants(event) || rule.Owner == "" {
		return rule.Wants(event), nil
	}
	owners := event.Owners
	if len(owners) == 0 && c.Owners != nil {
		var err error
		if owners, err = c.Owners.Owners(ctx, event.AppID); err != nil {
			return false, err
		}
	}
	return slices.Contains(owners, rule.Owner), nil
}

// remindAfter is when a failure is told again that was told and has not ended.
const remindAfter = 7 * 24 * time.Hour

// weigh compares an event with the failure that was last told of the same thing. What
// it returns is to be saved once the event is on its way; known says that it is an old
// story.
func (c Config) weigh(ctx context.Context, event rotation.Event) (next *engine.Trouble, known bool, err error) {
	switch event.Type {
	case rotation.EventRotated, rotation.EventDeployed:
		return &engine.Trouble{Over: event.Time}, false, nil
	case rotation.EventFailed:
		if event.Rotation == "" { // it happened to one credential, and only once
			return nil, false, nil
		}
	default:
		return nil, false, nil
	}
	last, err := c.Troubles.Trouble(ctx, event)
	if err != nil || event.Time.Before(last.Over) {
		return nil, false, err
	}
	cause := causeOf(event.Reason)
	if last.Event != event.ID && last.Cause == cause && event.Time.Before(last.At.Add(remindAfter)) {
		c.Logger.InfoContext(ctx, "not told again", "app", event.AppID, "target", event.Target, "event", event.ID, "told", last.Event)
		return nil, true, nil
	}
	return &engine.Trouble{Cause: cause, Event: event.ID, At: event.Time, Over: last.Over}, false, nil
}

// changing is what differs each time that the same thing fails: ids, times, numbers.
var changing = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9][0-9a-zA-Z.:+-]*`)

// causeOf is a reason without what differs from one time to the next.
func causeOf(reason string) string {
	const enough = 200
	cause := changing.ReplaceAllString(reason, "#")
	return strings.ToValidUTF8(cause[:min(len(cause), enough)], "")
}
