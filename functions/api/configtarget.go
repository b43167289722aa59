package api

import (
	"context"
	"maps"
	"slices"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// checkTargets checks the targets of an application of the document. Those that the
// document does not have are deleted where it says all there is.
func (c *config) checkTargets(
	ctx context.Context, p *plan, w *work, app rotation.Application, given map[string]TargetSettings, now []engine.ConfiguredTarget,
) {
	old := map[string]engine.ConfiguredTarget{}
	for _, t := range now {
		old[t.ID] = t
	}
	for _, id := range slices.Sorted(maps.Keys(given)) {
		was, exists := old[id]
		if problems := c.form.checkTargetID(id); len(problems) > 0 {
			w.wrong(within("targets."+id, problems)...)
			continue
		}
		c.checkConfiguredTarget(ctx, p, w, app, &putTarget{TargetID: targetID(id), Body: given[id]}, was, exists)
	}
	for _, t := range now {
		if _, stays := given[t.ID]; !stays && p.prune {
			w.delete(t.ID, func(ctx context.Context, _ *ConfigChange) error {
				return c.Engine.DeleteTarget(ctx, app.AppID, t.ID, t.ETag, actorOf(ctx))
			})
		}
	}
}

func (c *config) checkConfiguredTarget(
	ctx context.Context, p *plan, w *work, app rotation.Application, in *putTarget, old engine.ConfiguredTarget, exists bool,
) {
	field := "targets." + string(in.TargetID)
	target, err := c.check(app, in)
	if err != nil {
		w.refused(field, err)
		return
	}
	p.uses(w, target, field)
	was, wanted := shownTarget(old.TargetRow), shownTarget(target)
	etag := engine.Absent
	if exists {
		etag = old.ETag
	}
	if exists && len(differences(was, wanted)) == 0 {
		w.same++
		return
	}
	if exists && old.Kind != target.Kind {
		w.refused(field, c.refusal(ctx, engine.KindFixed()))
		return
	}
	notes, err := c.deliverable(ctx, app, target)
	if err != nil {
		w.refused(field, err)
		return
	}
	for _, note := range notes {
		w.note(target.ID, note)
	}
	id := in.TargetID
	w.save(target.ID, was, wanted, exists, func(ctx context.Context, done *ConfigChange) error {
		return c.saveConfiguredTarget(ctx, w, id, etag, done)
	})
}

func (c *config) saveConfiguredTarget(ctx context.Context, w *work, id targetID, etag string, done *ConfigChange) error {
	given, err := reread[ConfiguredApplication](w)
	if err != nil {
		return err
	}
	app, _, err := c.Engine.Application(ctx, w.id)
	if err != nil {
		return err
	}
	target, err := c.check(app, &putTarget{TargetID: id, Body: given.Targets[string(id)]})
	if err != nil {
		return err
	}
	if _, err := c.Engine.SaveTarget(ctx, app.AppID, target, etag, actorOf(ctx)); err != nil {
		return err
	}
	saved := c.accessed(ctx, app, target, nil)
	done.Access, done.AccessProblem = saved.Access, saved.AccessProblem
	return nil
}

// deliverable refuses a target to which a delivery would not work. One that lacks
// nothing but an access token, which is in no document, is let through with a note.
func (c *config) deliverable(ctx context.Context, app rotation.Application, target rotation.TargetRow) ([]string, error) {
	if target.Integration == wordOfGroups && target.Enabled {
		if missing, err := c.Engine.TokenMissing(ctx, app.AppID); err != nil {
			return nil, c.refusal(ctx, err)
		} else if missing != "" {
			return []string{"it could not be checked, and nothing is delivered there: group \"" + missing + "\" has no access token"}, nil
		}
	}
	return c.checked(ctx, app, target)
}

// uses remembers what a target of the document needs, so that it is not deleted.
func (p *plan) uses(w *work, target rotation.TargetRow, field string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if task := engine.TaskOf(target); task != "" {
		p.tasks[task] = joined(w.kind, w.id, field)
	}
	if target.Integration == wordOfGroups {
		p.teams[w.id] = joined(w.kind, w.id, field)
	}
}
