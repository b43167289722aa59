package api

import (
	"context"
	"errors"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// tag is a record with its ETag.
type tag[Record any] struct {
	record Record
	etag   string
}

// found makes an item of what the engine answered. What is not there is an item
// without fields.
func found[Record any](id string, record Record, etag string, err error, show func(Record) fields) (item, error) {
	switch {
	case errors.Is(err, engine.ErrUnknownRecord), errors.Is(err, engine.ErrUnknownApplication):
		return item{id: id, record: tag[Record]{etag: engine.Absent}}, nil
	case err != nil:
		return item{}, err
	}
	return item{id: id, fields: show(record), record: tag[Record]{record, etag}}, nil
}

func (c *config) findSettings(ctx context.Context, _ string) (item, error) {
	all, err := c.Engine.Everything(ctx)
	return item{fields: shownSettings(all), record: all}, err
}

func (c *config) findNotification(ctx context.Context, id string) (item, error) {
	n, etag, err := c.Engine.Notification(ctx, id)
	return found(id, n, etag, err, shownNotification)
}

func (c *config) findGroup(ctx context.Context, id string) (item, error) {
	g, etag, err := c.Engine.Group(ctx, id)
	return found(id, g, etag, err, shownGroup)
}

func (c *config) findTask(ctx context.Context, id string) (item, error) {
	t, etag, err := c.Engine.Task(ctx, id)
	return found(id, t, etag, err, shownTask)
}

func (c *config) findApplication(ctx context.Context, id string) (item, error) {
	app, err := c.Engine.Configured(ctx, id)
	return found(id, app, app.ETag, err, shownApplication)
}

func groupItem(g rotation.Group) item { return item{id: g.ID, fields: shownGroup(g)} }
func taskItem(t rotation.Task) item   { return item{id: t.ID, fields: shownTask(t)} }
func notificationItem(n rotation.Notification) item {
	return item{id: n.ID, fields: shownNotification(n)}
}
func applicationItem(app engine.Configured) item {
	return item{id: app.AppID, label: app.Name, fields: shownApplication(app)}
}
