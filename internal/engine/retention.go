package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The log is kept for a while and then forgotten, day by day. A mark says which day is
// the first that can have lines: those before it are empty, for good.

// How long the log is kept, in days.
const (
	DefaultLogRetention = 365
	ShortestRetention   = 30
	LongestRetention    = 3650
)

// LogRetention is how many days the log is kept.
func (a Everything) LogRetention() int {
	if a.LogRetentionDays == 0 {
		return DefaultLogRetention
	}
	return min(max(a.LogRetentionDays, ShortestRetention), LongestRetention)
}

const (
	// mostForgotten bounds how many lines one call forgets, and mostDaysPassed how
	// many days it looks at: the next one goes on.
	mostForgotten  = 20_000
	mostDaysPassed = 500
)

// keptMark is the row of the mark: its partition is no day.
var keptMark = Key{TableLog, "kept", "from"}

type keptRow struct {
	From string `json:"from"` // a day
}

// keptFrom is the first day that can have lines.
func (e *Engine) keptFrom(ctx context.Context) (time.Time, error) {
	row, err := e.Store.Get(ctx, keptMark)
	if errors.Is(err, ErrNoRow) {
		return e.today().AddDate(0, 0, -LongestRetention), nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("log: %w", err)
	}
	mark, err := decodeAs[keptRow](row)
	if err != nil {
		return time.Time{}, fmt.Errorf("log: %w", err)
	}
	day, err := time.Parse(time.DateOnly, mark.From)
	if err != nil {
		return day, fmt.Errorf("log: row %q: %w: property \"from\": must be a day", row.Row, ErrUnreadable)
	}
	return day, nil
}

func (e *Engine) today() time.Time { return e.Now().UTC().Truncate(24 * time.Hour) }

// ForgetLog deletes what the log has kept long enough, and returns how many lines that
// were. It does a part of a large work; whoever calls it again goes on.
func (e *Engine) ForgetLog(ctx context.Context) (forgotten int, err error) {
	all, err := e.Everything(ctx)
	if err != nil {
		return 0, err
	}
	began, err := e.keptFrom(ctx)
	if err != nil {
		return 0, err
	}
	keep, last := e.today().AddDate(0, 0, -all.LogRetention()), e.today().AddDate(0, 0, -1) // clocks differ
	day := began
	for n := 0; n < mostDaysPassed && day.Before(last); n++ {
		gone, empty, err := e.pass(ctx, day, day.Before(keep), mostForgotten-forgotten)
		forgotten += gone
		if err != nil {
			return forgotten, err
		}
		if !empty {
			break
		}
		day = day.AddDate(0, 0, 1)
	}
	if day.After(began) {
		err = e.Store.Write(ctx, Change{Op: Put, Key: keptMark, Properties: encode(keptRow{dayOf(day)})})
	}
	return forgotten, err
}

// pass looks at one day, forgets its lines if they are old, and reports whether it has
// none, or none any more.
func (e *Engine) pass(ctx context.Context, day time.Time, old bool, most int) (gone int, empty bool, err error) {
	within := Range{Table: TableLog, Partition: dayOf(day), Limit: MaxChanges}
	if !old {
		within.Limit = 1
	}
	for {
		rows, err := collect(e.Store.Query(ctx, within))
		if err != nil || len(rows) == 0 {
			return gone, err == nil, err
		}
		if !old || gone >= most {
			return gone, false, nil
		}
		if err := e.forget(ctx, rows); err != nil {
			return gone, false, err
		}
		gone += len(rows)
	}
}

// forget deletes lines: those of the applications first, because only the tenant's log
// names them.
func (e *Engine) forget(ctx context.Context, rows []Row) error {
	named, tenant := map[string][]Change{}, make([]Change, 0, len(rows))
	for _, row := range rows {
		if name, appID := parseTenantRow(row.Row); appID != "" {
			named[appID] = append(named[appID], Change{Op: Delete, Key: ownKey(appID, name)})
		}
		tenant = append(tenant, Change{Op: Delete, Key: row.Key})
	}
	for appID, changes := range named {
		if err := e.deleteAll(ctx, changes); err != nil {
			return fmt.Errorf("log of application %q: %w", appID, err)
		}
	}
	if err := e.deleteAll(ctx, tenant); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

// deleteAll deletes rows of one partition, also where some are gone already.
func (e *Engine) deleteAll(ctx context.Context, changes []Change) error {
	err := e.Store.Write(ctx, changes...)
	if !errors.Is(err, ErrConflict) {
		return err
	}
	for _, change := range changes {
		if err := e.Store.Write(ctx, change); err != nil {
			return err
		}
	}
	return nil
}
