// Package memory keeps rows and messages in memory. It is the store and the bus
// of tests and simulations, and passes the same conformance suites as the real
// ones (package conformance).
package memory

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rekey-dev/rekey/internal/engine"
)

// Store is an engine.Store in memory. The zero value is empty and ready.
type Store struct {
	mu      sync.Mutex
	rows    map[engine.Key]engine.Row
	version int64
}

var _ engine.Store = (*Store)(nil)

// Get returns one row.
func (s *Store) Get(ctx context.Context, key engine.Key) (engine.Row, error) {
	if err := ctx.Err(); err != nil {
		return engine.Row{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[key]
	if !ok {
		return engine.Row{}, fmt.Errorf("%s %q: %w", key.Table, key.Row, engine.ErrNoRow)
	}
	return clone(row), nil
}

// Query returns the rows of a range as they are when it begins.
func (s *Store) Query(ctx context.Context, within engine.Range) iter.Seq2[engine.Row, error] {
	return func(yield func(engine.Row, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(engine.Row{}, err)
			return
		}
		for _, row := range s.inRange(within) {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (s *Store) inRange(within engine.Range) (rows []engine.Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, row := range s.rows {
		if key.Table == within.Table && key.Partition == within.Partition &&
			key.Row >= within.From && (within.To == "" || key.Row < within.To) {
			rows = append(rows, clone(row))
		}
	}
	slices.SortFunc(rows, func(a, b engine.Row) int { return strings.Compare(a.Row, b.Row) })
	if within.Limit > 0 && len(rows) > within.Limit {
		rows = rows[:within.Limit]
	}
	return rows
}

// Write makes all the changes or none.
func (s *Store) Write(ctx context.Context, changes ...engine.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(changes); err != nil {
		return err
	}
	for _, change := range changes {
		s.apply(change)
	}
	return nil
}

// check refuses what the real store would refuse.
func (s *Store) check(changes []engine.Change) error {
	if len(changes) == 0 || len(changes) > engine.MaxChanges {
		return fmt.Errorf("a write has %d changes: it must have from 1 to %d", len(changes), engine.MaxChanges)
	}
	seen := map[string]bool{}
	for _, change := range changes {
		if change.Table != changes[0].Table || change.Partition != changes[0].Partition || seen[change.Row] {
			return fmt.Errorf("a write names %q in %s/%s: every row must be named once, in one partition", change.Row, change.Table, change.Partition)
		}
		seen[change.Row] = true
		row, exists := s.rows[change.Key]
		conflict := false
		switch change.Op {
		case engine.Insert:
			conflict = exists
		case engine.Merge:
			conflict = !exists || row.ETag != change.ETag
		case engine.Delete:
			conflict = !exists && len(changes) > 1
		case engine.Put:
		}
		if conflict {
			return fmt.Errorf("%s %q: %w", change.Table, change.Row, engine.ErrConflict)
		}
	}
	return nil
}

func (s *Store) apply(change engine.Change) {
	if change.Op == engine.Delete {
		delete(s.rows, change.Key)
		return
	}
	if s.rows == nil {
		s.rows = map[engine.Key]engine.Row{}
	}
	row := clone(s.rows[change.Key])
	if row.Properties == nil {
		row.Properties = map[string]any{}
	}
	maps.Copy(row.Properties, change.Properties)
	s.version++
	row.Key, row.ETag = change.Key, strconv.FormatInt(s.version, 10)
	s.rows[change.Key] = row
}

func clone(row engine.Row) engine.Row {
	row.Properties = maps.Clone(row.Properties)
	return row
}
