package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	// mostLooked bounds how many rows one page of the log is looked for in, and
	// mostDays in how many days of the tenant's: a filter may choose next to nothing.
	mostLooked = 2000
	mostDays   = 60
	// atOnce is how many lines are looked up at the same time.
	atOnce = 16
)

// LogEntries returns lines of the log, newest first, from the one after a given cursor:
// of one application, or of the tenant. There may be fewer than asked for, and even none,
// with more to come: next is empty only after the last.
func (e *Engine) LogEntries(ctx context.Context, f LogFilter, cursor string, limit int) (lines []rotation.LogEntry, next string, err error) {
	p := &logPage{filter: f, limit: limit}
	if f.AppID == "" {
		return e.tenantLog(ctx, p, cursor)
	}
	from, to := f.names()
	if cursor != "" {
		from = cursor + "\x20"
	}
	more, err := p.take(e.Store.Query(ctx, Range{
		Table: TableRotations, Partition: f.AppID, From: prefixLog + from, To: prefixLog + cmp.Or(to, "~"), Limit: p.most(),
	}))
	for _, row := range p.found {
		lines = append(lines, row.entry)
	}
	if more {
		next = strings.TrimPrefix(p.last, prefixLog)
	}
	return lines, next, err
}

// logPage is a page of the log that is being filled.
type logPage struct {
	filter LogFilter
	limit  int
	looked int
	found  []logRow
	last   string // the last row that was looked at
}

type logRow struct {
	row   string
	entry rotation.LogEntry
}

// most is how many more rows may be read: one beyond the page tells that there are more.
func (p *logPage) most() int {
	if p.filter.choosy() {
		return mostLooked - p.looked + 1
	}
	return p.limit - len(p.found) + 1
}

// take looks at rows until the page is full. More says that it left some.
func (p *logPage) take(rows func(func(Row, error) bool)) (more bool, err error) {
	for row, err := range rows {
		if err != nil {
			return false, err
		}
		if len(p.found) == p.limit || p.looked == mostLooked {
			return true, nil
		}
		p.looked++
		p.last = row.Row
		entry, err := decodeAs[rotation.LogEntry](row)
		if err != nil {
			return false, fmt.Errorf("log: %w", err)
		}
		if p.filter.takes(entry) {
			p.found = append(p.found, logRow{row.Row, entry})
		}
	}
	return false, nil
}

// tenantLog goes from day to day. Its cursor is a day and, behind a dot, the last row
// of it that was looked at.
func (e *Engine) tenantLog(ctx context.Context, p *logPage, cursor string) (lines []rotation.LogEntry, next string, err error) {
	day, row, err := e.startOfLog(p.filter, cursor)
	if err != nil {
		return nil, "", err
	}
	first, err := e.firstDay(ctx, p.filter)
	if err != nil {
		return nil, "", err
	}
	for days := 0; !day.Before(first); days++ {
		if days == mostDays || len(p.found) == p.limit {
			next = dayOf(day) + "." + row
			break
		}
		p.last = row
		more, err := p.take(e.Store.Query(ctx, e.dayRange(p, day)))
		if err != nil {
			return nil, "", err
		}
		if more {
			next = dayOf(day) + "." + p.last
			break
		}
		day, row = day.AddDate(0, 0, -1), ""
	}
	lines, err = e.confirmed(ctx, p.found)
	return lines, next, err
}

// dayRange is what is left of a day behind the last row that was looked at.
func (e *Engine) dayRange(p *logPage, day time.Time) Range {
	from, to := p.filter.names()
	if p.last != "" {
		from = p.last + "\x20"
	}
	return Range{Table: TableLog, Partition: dayOf(day), From: from, To: to, Limit: p.most()}
}

// startOfLog is where a page of the tenant's log begins. Clocks differ a little, so
// tomorrow may have begun.
func (e *Engine) startOfLog(f LogFilter, cursor string) (day time.Time, row string, err error) {
	start := e.Now().Add(moveOn)
	if !f.To.IsZero() && f.To.Before(start) {
		start = f.To
	}
	text := dayOf(start)
	if cursor != "" {
		text, row, _ = strings.Cut(cursor, ".")
	}
	day, err = time.Parse(time.DateOnly, text)
	return day, row, err
}

// firstDay is the first day of the tenant's log that is to be shown. What is older than
// the log is kept is no longer, whether or not it is deleted yet.
func (e *Engine) firstDay(ctx context.Context, f LogFilter) (time.Time, error) {
	kept, err := e.keptFrom(ctx)
	if err != nil {
		return kept, err
	}
	all, err := e.Everything(ctx)
	if err != nil {
		return kept, err
	}
	return latest(kept, latest(e.today().AddDate(0, 0, -all.LogRetention()), f.From.UTC().Truncate(24*time.Hour))), nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// confirmed returns those lines of the tenant's log that are true: what belongs to an
// application is as its own partition has it.
func (e *Engine) confirmed(ctx context.Context, found []logRow) (lines []rotation.LogEntry, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	free, confirmed := make(chan struct{}, atOnce), make([]bool, len(found))
	for i := range found {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			var err error
			if confirmed[i], err = e.confirm(ctx, &found[i]); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	for i, row := range found {
		if confirmed[i] {
			lines = append(lines, row.entry)
		}
	}
	return lines, nil
}

// confirm reads a line's own row, and reports whether there is one.
func (e *Engine) confirm(ctx context.Context, found *logRow) (bool, error) {
	name, appID := parseTenantRow(found.row)
	if appID == "" {
		return true, nil
	}
	row, err := e.Store.Get(ctx, ownKey(appID, name))
	if errors.Is(err, ErrNoRow) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	found.entry, err = decodeAs[rotation.LogEntry](row)
	return true, cmp.Or(err, checkOwner(row, appID, found.entry.AppID))
}
