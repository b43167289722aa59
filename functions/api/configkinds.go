package api

import (
	"context"
	"iter"

	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/engine"
)

// kind is one kind of thing that the configuration holds. To let it hold another kind
// is to add a line to kinds.
type kind struct {
	name string // the field of the document that holds them, by their ids
	doc  string
	form any // a zero value of what one is decoded into
	ids  any // a zero value of the type of their ids; nil: there is one alone, without an id

	// each yields all there are, in the order of their ids.
	each func(context.Context) iter.Seq2[item, error]
	// find returns one; without fields it is not there.
	find func(ctx context.Context, id string) (item, error)
	// check finds out what saving an entry of the document would do, and all that is
	// wrong with it. It changes nothing.
	check func(ctx context.Context, p *plan, w *work, now item)
	// deletes does the same for one that is not in the document; nil: they stay.
	deletes func(ctx context.Context, p *plan, w *work, now item)
}

// item is one thing as it is configured now.
type item struct {
	id     string
	label  string // a name for people, or empty
	fields fields // as the configuration shows it
	record any    // as the engine has it, with its ETags
}

// kinds are in the order in which they are written: what others name comes first. They
// are deleted in the opposite order.
func (c *config) table() []kind {
	return []kind{
		{"settings", "What concerns all applications", ConfiguredSettings{}, nil,
			alone(c.findSettings), c.findSettings, c.checkConfiguredSettings, nil},
		{"groups", "The groups, by their ids", ConfiguredGroup{}, targetID(""),
			each(c.Engine.Groups, groupItem), c.findGroup, c.checkConfiguredGroup, c.deletesGroup},
		{"tasks", "The tasks, by their ids", ConfiguredTask{}, targetID(""),
			each(c.Engine.Tasks, taskItem), c.findTask, c.checkConfiguredTask, c.deletesTask},
		{"notifications", "The notifications, by their ids", ConfiguredNotification{}, targetID(""),
			each(c.Engine.Notifications, notificationItem), c.findNotification, c.checkConfiguredNotification, c.deletesNotification},
		{"applications", "The managed applications, by their client ids", ConfiguredApplication{}, appID(""),
			c.eachApplication, c.findApplication, c.checkConfiguredApplication, c.deletesApplication},
	}
}

// pageOfKind is how many are read at once.
const pageOfKind = 100

// each yields what the engine lists, page by page.
func each[Record any](
	list func(ctx context.Context, from string, limit int) ([]Record, string, error), show func(Record) item,
) func(context.Context) iter.Seq2[item, error] {
	return func(ctx context.Context) iter.Seq2[item, error] {
		return func(yield func(item, error) bool) {
			for from, more := "", true; more; {
				records, next, err := list(ctx, from, pageOfKind)
				if err != nil {
					yield(item{}, err)
					return
				}
				for _, record := range records {
					if !yield(show(record), nil) {
						return
					}
				}
				from, more = next, next != ""
			}
		}
	}
}

// alone yields the only one that there is.
func alone(find func(context.Context, string) (item, error)) func(context.Context) iter.Seq2[item, error] {
	return func(ctx context.Context) iter.Seq2[item, error] {
		return func(yield func(item, error) bool) { yield(find(ctx, "")) }
	}
}

// atOnce is how many applications are worked on at once: reading the targets of ten
// thousand, one application after the other, takes longer than a request may.
const atOnce = 8

// eachApplication lists the applications, and reads the targets of several at once.
func (c *config) eachApplication(ctx context.Context) iter.Seq2[item, error] {
	list := func(ctx context.Context, from string, limit int) ([]engine.Configured, string, error) {
		apps, next, err := c.Engine.Applications(ctx, from, limit)
		if err != nil {
			return nil, "", err
		}
		all := make([]engine.Configured, len(apps))
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(atOnce)
		for i, app := range apps {
			all[i].Application = app
			group.Go(func() (err error) {
				all[i].Targets, err = c.Engine.ConfiguredTargets(ctx, app.AppID)
				return err
			})
		}
		return all, next, group.Wait()
	}
	return each(list, applicationItem)(ctx)
}
