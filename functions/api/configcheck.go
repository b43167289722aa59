package api

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// decoded returns an entry as its type, which its schema has been held against.
func decoded[Form any](w *work) (form Form, ok bool) {
	text, err := json.Marshal(w.value.Data)
	if err == nil {
		err = unmarshal(bytes.TrimSpace(text), &form)
	}
	if err != nil {
		w.wrong(rotation.Problem{Detail: err.Error()})
	}
	return form, err == nil
}

// reread returns an entry once more. Between its check and its turn nothing is kept
// but its text: ten thousand applications take much less memory as that.
func reread[Form any](w *work) (form Form, err error) {
	value, wrong := w.section.Value()
	if len(wrong) > 0 {
		return form, wrong[0]
	}
	text, err := json.Marshal(value.Data)
	if err != nil {
		return form, err
	}
	return form, unmarshal(text, &form)
}

func (c *config) checkConfiguredSettings(_ context.Context, _ *plan, w *work, now item) {
	given, ok := decoded[ConfiguredSettings](w)
	if !ok {
		return
	}
	was := now.record.(engine.Everything)
	wanted := engine.Everything{Paused: given.Paused, LogRetentionDays: given.LogRetentionDays}
	w.save("", now.fields, shownSettings(wanted), true, func(ctx context.Context, _ *ConfigChange) error {
		if days := wanted.LogRetention(); days != was.LogRetention() {
			if _, _, err := c.Engine.SetLogRetention(ctx, days, "", actorOf(ctx)); err != nil {
				return err
			}
		}
		return c.Engine.SetEverythingPaused(ctx, wanted.Paused, actorOf(ctx))
	})
}

// checkConfiguredNotification leaves the address and the signing key as they are: they
// are not in the document, and without them only mail can be sent.
func (c *config) checkConfiguredNotification(_ context.Context, _ *plan, w *work, now item) {
	given, ok := decoded[ConfiguredNotification](w)
	if !ok {
		return
	}
	n, old := given.domain(w.id), now.record.(tag[rotation.Notification])
	problems := n.Check()
	if n.Channel.Addressed() && old.record.Channel != n.Channel {
		problems = append(problems, rotation.Problem{Field: "channel", Detail: "must be mail, or that of the saved notification: PUT /api/notifications/" + n.ID +
			" first, with its url, which no document holds"})
	}
	if w.wrong(problems...); len(w.problems) > 0 {
		return
	}
	w.save("", now.fields, shownNotification(n), now.fields != nil, func(ctx context.Context, _ *ConfigChange) error {
		_, _, err := c.saveNotification(ctx, n, engine.NotificationSecrets{}, old.etag)
		return err
	})
}

func (c *config) checkConfiguredTask(_ context.Context, p *plan, w *work, now item) {
	given, ok := decoded[ConfiguredTask](w)
	if !ok {
		return
	}
	task, old := given.domain(w.id), now.record.(tag[rotation.Task])
	if w.wrong(task.Check()...); len(w.problems) > 0 {
		return
	}
	p.foresee(func(f *engine.Forecast) { f.Tasks[task.ID] = task })
	w.save("", now.fields, shownTask(task), now.fields != nil, func(ctx context.Context, _ *ConfigChange) error {
		_, err := c.Engine.SaveTask(ctx, task, old.etag, actorOf(ctx))
		return err
	})
}

// checkConfiguredGroup leaves the access token as it is: it is not in the document.
func (c *config) checkConfiguredGroup(ctx context.Context, p *plan, w *work, now item) {
	given, ok := decoded[ConfiguredGroup](w)
	if !ok {
		return
	}
	g, old := given.domain(w.id), now.record.(tag[rotation.Group])
	if w.wrong(g.Check()...); len(w.problems) > 0 {
		return
	}
	g.Token, g.TeamName = old.record.Token, old.record.TeamName
	if g.Token == "" {
		w.note("", "it has no access token, so nothing is delivered through it: save the group with PUT /api/groups/"+g.ID+", with its access token")
	}
	wanted := shownGroup(g)
	if len(differences(now.fields, wanted)) > 0 {
		var err error
		if g.TeamName, err = c.teamName(ctx, old.record, g, secret.Value{}); err != nil {
			w.refused("", err)
			return
		}
	}
	p.foresee(func(f *engine.Forecast) { f.Groups[g.ID] = g })
	w.save("", now.fields, wanted, now.fields != nil, func(ctx context.Context, _ *ConfigChange) error {
		_, _, err := c.Engine.SaveGroup(ctx, g, secret.Value{}, old.etag, actorOf(ctx))
		return err
	})
}

// foresee tells the checks that follow how something will be.
func (p *plan) foresee(change func(*engine.Forecast)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.forecast)
}

func (c *config) checkConfiguredApplication(ctx context.Context, p *plan, w *work, now item) {
	given, ok := decoded[ConfiguredApplication](w)
	if !ok {
		return
	}
	app := given.domain(w.id)
	if w.wrong(app.Windows.Check()...); len(w.problems) > 0 {
		return
	}
	old := now.record.(tag[engine.Configured])
	app.ObjectID, app.Name = old.record.ObjectID, old.record.Name
	wanted, was := shownApplication(engine.Configured{Application: app}), maps.Clone(now.fields)
	delete(was, "targets")
	if now.fields == nil || len(differences(was, wanted)) > 0 {
		err := c.patiently(ctx, p.end, func() (err error) {
			app, err = c.Engine.CheckApplication(ctx, app)
			return err
		})
		if err != nil {
			w.refused("", c.refusal(ctx, err))
			return
		}
	}
	paused, etag := old.record.Paused, old.etag
	w.save("", was, wanted, now.fields != nil, func(ctx context.Context, _ *ConfigChange) error {
		return c.saveApplication(ctx, w, paused, etag)
	})
	c.checkTargets(ctx, p, w, app, given.Targets, old.record.Targets)
}

// saveApplication saves an application with whether it is paused. One that is resumed
// is so after it was saved: not before it is as it should be.
func (c *config) saveApplication(ctx context.Context, w *work, paused bool, etag string) error {
	given, err := reread[ConfiguredApplication](w)
	if err != nil {
		return err
	}
	app := given.domain(w.id)
	if _, _, err := c.Engine.SavePausable(ctx, app, etag, actorOf(ctx)); err != nil {
		return err
	}
	if paused && !app.Paused {
		return c.Engine.SetPaused(ctx, app.AppID, false, actorOf(ctx))
	}
	return nil
}

func (c ConfiguredApplication) domain(appID string) rotation.Application {
	return rotation.Application{AppID: appID, Paused: c.Paused, Policies: c.Policies.domain(), Windows: windows(c.Windows)}
}
