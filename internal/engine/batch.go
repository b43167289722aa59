package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// batch gathers the changes to one application's rows that are made together.
type batch struct {
	appID   string
	head    int // the revision of the head that is saved with it
	etags   map[string]string
	changes []Change
	log     []rotation.LogEntry
}

func (l *loaded) batch() *batch {
	return &batch{appID: l.App.AppID, head: l.Head.Revision + 1, etags: l.etags}
}

// save inserts or changes a record, depending on whether it was there when it
// was loaded, and fails if that is no longer so.
func (b *batch) save(row string, record any) *batch {
	change := Change{Op: Insert, Key: partitionKey(b.appID, row), Properties: encode(record), NewETag: new(string)}
	if etag, ok := b.etags[row]; ok {
		change.Op, change.ETag = Merge, etag
	}
	b.changes = append(b.changes, change)
	return b
}

// put saves a record that only the holder of the head may change: the head in
// the same batch is the guard.
func (b *batch) put(row string, record any) *batch {
	b.changes = append(b.changes, Change{Op: Put, Key: partitionKey(b.appID, row), Properties: encode(record)})
	return b
}

func (b *batch) rotation(r rotation.Rotation) *batch {
	r.Head = b.head
	return b.put(rotationRow(r.ID), r)
}

func (b *batch) deployment(d rotation.Deployment) *batch {
	return b.save(deploymentRow(d.Rotation, d.Target), d)
}

func (b *batch) holding(h rotation.Holding) *batch { return b.save(prefixHolding+h.Target, h) }

func (b *batch) delete(row string) *batch {
	b.changes = append(b.changes, Change{Op: Delete, Key: partitionKey(b.appID, row)})
	return b
}

// longestText keeps what others tell us far below what one property can hold.
const longestText = 4000

func short(text string) string { return cut(text, longestText) }

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// logged adds a line to the log. Its row is in the same batch as what it tells of,
// so there is none without the other.
func (b *batch) logged(entry rotation.LogEntry) *batch {
	entry.AppID, entry.Detail = b.appID, short(entry.Detail)
	b.log = append(b.log, entry)
	return b
}

// commit writes the batch, keeps the new ETags of what it saved for the next one,
// and then prints the lines of the log.
func (e *Engine) commit(ctx context.Context, b *batch) error {
	lines := b.lines(correlationOf(ctx))
	if err := e.announce(ctx, lines); err != nil {
		return fmt.Errorf("application %q: %w", b.appID, err)
	}
	if changes := append(b.changes, own(lines)...); len(changes) > 0 {
		if err := e.Store.Write(ctx, changes...); err != nil {
			return fmt.Errorf("application %q: %w", b.appID, err)
		}
	}
	for _, change := range b.changes {
		if change.NewETag != nil {
			b.etags[change.Row] = *change.NewETag
		}
	}
	for _, line := range lines {
		e.print(ctx, line.entry)
	}
	return nil
}

func (e *Engine) print(ctx context.Context, entry rotation.LogEntry) {
	log := e.Log.With("app", entry.AppID, "kind", entry.Kind, "what", entry.What)
	if entry.Rotation != "" {
		log = log.With("rotation", entry.Rotation)
	}
	if entry.Target != "" {
		log = log.With("target", entry.Target)
	}
	if entry.Correlation != "" {
		log = log.With("correlation", entry.Correlation)
	}
	if entry.Failure {
		log.ErrorContext(ctx, entry.Detail)
		return
	}
	log.InfoContext(ctx, entry.Detail)
}
