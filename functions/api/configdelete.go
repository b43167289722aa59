package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// planDeletions plans to delete what is configured and not in the document, of the
// kinds that the document has: what is used last goes first.
func (c *config) planDeletions(ctx context.Context, p *plan) error {
	for _, k := range slices.Backward(c.kinds) {
		given, there := p.given[k.name]
		if !there || k.deletes == nil {
			continue
		}
		var works []*work
		for i, err := range k.each(ctx) {
			if err != nil {
				return err
			}
			if given[i.id] {
				continue
			}
			now, err := k.find(ctx, i.id)
			if err != nil {
				return err
			}
			w := &work{kind: k.name, id: i.id}
			k.deletes(ctx, p, w, now)
			p.add(w)
			works = append(works, w)
		}
		p.deletions = append(p.deletions, works)
	}
	return nil
}

func (c *config) deletesApplication(ctx context.Context, _ *plan, w *work, now item) {
	if err := c.Engine.Deletable(ctx, now.id); err != nil {
		w.refused("", c.refusal(ctx, err))
		return
	}
	w.delete("", func(ctx context.Context, _ *ConfigChange) error {
		return c.Engine.DeleteApplication(ctx, now.id, now.record.(tag[engine.Configured]).etag, actorOf(ctx))
	})
}

func (c *config) deletesTask(ctx context.Context, p *plan, w *work, now item) {
	if err := c.unused(p, p.tasks[now.id], func() error { return c.Engine.TaskUnused(ctx, now.id) }); err != nil {
		w.refused("", c.refusal(ctx, err))
		return
	}
	w.delete("", func(ctx context.Context, _ *ConfigChange) error {
		return c.Engine.DeleteTask(ctx, now.id, now.record.(tag[rotation.Task]).etag, actorOf(ctx))
	})
}

func (c *config) deletesNotification(_ context.Context, _ *plan, w *work, now item) {
	w.delete("", func(ctx context.Context, _ *ConfigChange) error {
		return c.removeNotification(ctx, now.id, now.record.(tag[rotation.Notification]).etag)
	})
}

func (c *config) deletesGroup(ctx context.Context, p *plan, w *work, now item) {
	g := now.record.(tag[rotation.Group])
	user := ""
	for _, member := range g.record.Applications {
		if user == "" {
			user = p.teams[member]
		}
	}
	if err := c.unused(p, user, func() error { return c.Engine.GroupUnused(ctx, g.record) }); err != nil {
		w.refused("", c.refusal(ctx, err))
		return
	}
	w.delete("", func(ctx context.Context, _ *ConfigChange) error {
		return c.Engine.DeleteGroup(ctx, now.id, g.etag, actorOf(ctx))
	})
}

// unused refuses to delete what a target needs. A document that has the applications
// says itself which targets there will be; otherwise they are those that there are.
func (c *config) unused(p *plan, user string, byEngine func() error) error {
	if user != "" {
		return fmt.Errorf("%w: it would be deleted, for it is not in the document, but %s needs it", engine.ErrRefused, user)
	}
	if _, said := p.given["applications"]; said {
		return nil
	}
	return byEngine()
}
