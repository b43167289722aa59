package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// A line of the log stands in two places: in its application's partition, in the
// batch of the change that it tells of, and in the log of the tenant, which is in
// another table and so in no batch with anything. It is written there first. Should
// the batch lose its race, or its process die, a line is left that the application's
// partition does not have: whoever reads the log of the tenant leaves it out. So no
// line is missing there, and none tells of what never happened. A batch that logs
// something costs one write more, whatever the number of its lines.

// line is a line of the log with its name, which is that of its rows.
type line struct {
	name  string
	entry rotation.LogEntry
}

// lines names the lines of a batch. They are all of one moment: that of the first.
func (b *batch) lines(correlation string) (lines []line) {
	for i, entry := range b.log {
		entry.At = b.log[0].At
		entry.Correlation = cmp.Or(correlation, entry.Correlation)
		lines = append(lines, line{lineName(entry.At, i), entry})
	}
	return lines
}

// lineName sorts the newest line first. Lines of two batches at one moment differ by
// chance: no line replaces another.
func lineName(at time.Time, n int) string {
	return fmt.Sprintf("%s.%02d.%s", reverse(at), 99-n, newID()[:6])
}

// reverse is a time as a text that is the smaller the later it is.
func reverse(at time.Time) string { return fmt.Sprintf("%019d", math.MaxInt64-at.UnixNano()) }

// announce writes lines into the log of the tenant. Those of one batch are of one
// moment, so they are of one day.
func (e *Engine) announce(ctx context.Context, lines []line) error {
	if len(lines) == 0 {
		return nil
	}
	changes := make([]Change, len(lines))
	for i, l := range lines {
		changes[i] = Change{Op: Put, Key: l.tenantKey(), Properties: encode(l.entry)}
	}
	return e.Store.Write(ctx, changes...)
}

// own are the lines in their application's partition. What belongs to no application
// has none.
func own(lines []line) (changes []Change) {
	for _, l := range lines {
		if l.entry.AppID != "" {
			changes = append(changes, Change{Op: Put, Key: ownKey(l.entry.AppID, l.name), Properties: encode(l.entry)})
		}
	}
	return changes
}

func ownKey(appID, name string) Key { return partitionKey(appID, prefixLog+name) }

// tenantKey names a line's row in the log of the tenant: its application is at the end.
func (l line) tenantKey() Key {
	row := l.name
	if l.entry.AppID != "" {
		row += "." + l.entry.AppID
	}
	return Key{TableLog, dayOf(l.entry.At), row}
}

// dayOf is the partition of a moment's lines in the log of the tenant.
func dayOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// parseTenantRow takes a row's name apart. Without an application it is empty.
func parseTenantRow(row string) (name, appID string) {
	parts := strings.SplitN(row, ".", 4)
	if len(parts) < 4 {
		return row, ""
	}
	return strings.Join(parts[:3], "."), parts[3]
}

// LogChange adds a line to the log about something that is in no batch of an
// application's: a group, a task, an API key, a finding, a refusal. It is called after
// the change that it tells of, and a line that cannot be written is printed all the same.
func (e *Engine) LogChange(ctx context.Context, entry rotation.LogEntry) {
	entry.At = e.Now()
	b := (&batch{appID: entry.AppID}).logged(entry)
	if err := e.commit(ctx, b); err != nil {
		e.Log.WarnContext(ctx, "a line of the log was lost", "what", entry.What, "error", err)
		e.print(ctx, b.log[0])
	}
}
