package inventory

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Query says what is asked for. What is left empty is not asked.
type Query struct {
	// Ends asks for credentials that end in it, in the order of their ends: an
	// application stands in the answer once for each, with that one alone.
	Ends Window
	// Owner is the object id of an owner.
	Owner string
	// The rest is looked at in the rows that the two above lead to.
	Managed *bool
	Kind    rotation.Kind
	Name    string // part of the application's name, in any case
}

// Window is the time from From to before To. A zero window is none.
type Window struct{ From, To time.Time }

// filters reports whether rows are read that may not be in the answer.
func (q Query) filters() bool {
	return q.Managed != nil || q.Kind != "" || q.Name != "" || q.Owner != ""
}

// Page is a page of an answer.
type Page struct {
	Items []Application
	// Next goes on behind this page, or is empty after the last one. A page that
	// has one may be short, even empty: it read as many rows as one request may.
	Next string
}

// mostRows is how many rows are read for one page.
const mostRows = 1000

// List returns a page of what is asked for, from the one after a cursor.
func (i *Inventory) List(ctx context.Context, q Query, cursor string, limit int) (page Page, err error) {
	s, err := q.scan(cursor)
	if err != nil {
		return page, err
	}
	for read := 0; read < mostRows; {
		rows, more, err := i.rows(ctx, s, q.ahead(limit-len(page.Items)))
		if err != nil {
			return page, err
		}
		found, err := i.found(ctx, q, rows)
		if err != nil {
			return page, err
		}
		for n, row := range rows {
			page.Items = append(page.Items, found[n]...)
			s = s.after(row)
			if len(page.Items) == limit {
				page.Next = s.cursor(more || n < len(rows)-1)
				return page, nil
			}
		}
		page.Next = s.cursor(more)
		if read += len(rows); !more {
			return page, nil
		}
	}
	return page, nil
}

// ahead is how many rows are read together: no more than will be shown, unless some
// of them will not be.
func (q Query) ahead(missing int) int {
	if q.filters() {
		return max(missing, 200)
	}
	return missing
}

// Ending yields the credentials that end in a window, in the order of their ends,
// with their applications. It ends after the first error.
func (i *Inventory) Ending(ctx context.Context, in Window) iter.Seq2[Ending, error] {
	return func(yield func(Ending, error) bool) {
		for cursor, more := "", true; more; {
			page, err := i.List(ctx, Query{Ends: in}, cursor, 100)
			if err != nil {
				yield(Ending{}, err)
				return
			}
			for _, app := range page.Items {
				if !yield(Ending{app, app.Credentials[0]}, nil) {
					return
				}
			}
			cursor, more = page.Next, page.Next != ""
		}
	}
}

// found returns what each of the rows shows, of which some show nothing.
func (i *Inventory) found(ctx context.Context, q Query, rows []engine.Row) ([][]Application, error) {
	apps, err := i.behind(ctx, rows)
	if err != nil {
		return nil, err
	}
	found := make([][]Application, len(rows))
	all := make([]int, len(rows))
	for n := range rows {
		all[n] = n
	}
	err = side(ctx, all, func(ctx context.Context, n int) (err error) {
		app, ok := q.shown(rows[n], apps)
		if !ok {
			return nil
		}
		if app, err = i.known(ctx, app); err != nil {
			return err
		}
		if q.Managed == nil || *q.Managed == app.Managed {
			found[n] = []Application{app}
		}
		return nil
	})
	return found, err
}

// behind reads the applications that rows are, or lead to.
func (i *Inventory) behind(ctx context.Context, rows []engine.Row) (map[string]Application, error) {
	apps := map[string]Application{}
	var ids []string
	for _, row := range rows {
		if strings.HasPrefix(row.Partition, partitionApp) {
			app, err := decode(row)
			if err != nil {
				return nil, err
			}
			apps[row.Row] = app
			continue
		}
		_, id, _, err := pointed(row)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return apps, nil
	}
	slices.Sort(ids)
	return i.load(ctx, slices.Compact(ids))
}

// shown returns the application as the row shows it. A row that points to what is no
// longer so shows nothing.
func (q Query) shown(row engine.Row, apps map[string]Application) (app Application, ok bool) {
	if strings.HasPrefix(row.Partition, partitionApp) {
		app, ok = apps[row.Row]
	} else {
		by, id, keyID, _ := pointed(row) // it was read before
		app, ok = apps[id]
		ok = ok && app.holds(by, keyID)
		if c, one := app.credential(keyID); one {
			app.Credentials = []Credential{c}
		}
	}
	app.Credentials = slices.Clone(of(q.Kind, app.Credentials)) // several rows lead to one application
	return app, ok && q.matches(app)
}

// holds reports whether the application still is what a row says.
func (a Application) holds(by, keyID string) bool {
	if keyID == "" {
		return a.ownedBy(by)
	}
	c, ok := a.credential(keyID)
	return ok && c.End.UTC().Format(endTime) == by
}

func (q Query) matches(app Application) bool {
	return (q.Owner == "" || app.ownedBy(q.Owner)) &&
		(q.Kind == "" || len(app.Credentials) > 0) &&
		strings.Contains(strings.ToLower(app.Name), strings.ToLower(q.Name))
}
