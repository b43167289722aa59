// Package memory keeps rows and messages in memory. It is the store and the bus
// of tests and simulations. It promises what the ports of package engine ask for,
// refuses what Table Storage would refuse, and passes the same suites as the real
// ones (package conformance). Nothing outlives the process.
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
	mu         sync.Mutex
	partitions map[partition]map[string]engine.Row // by row key
	version    int64
}

var _ engine.Store = (*Store)(nil)

type partition struct{ table, key string }

func partitionOf(key engine.Key) partition { return partition{key.Table, key.Partition} }

// Get returns one row.
func (s *Store) Get(ctx context.Context, key engine.Key) (engine.Row, error) {
	if err := ctx.Err(); err != nil {
		return engine.Row{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.partitions[partitionOf(key)][key.Row]
	if !ok {
		return engine.Row{}, fmt.Errorf("memory: get %s %q: %w", key.Table, key.Row, engine.ErrNoRow)
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
	for key, row := range s.partitions[partition{within.Table, within.Partition}] {
		if key >= within.From && (within.To == "" || key < within.To) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b engine.Row) int { return strings.Compare(a.Row, b.Row) })
	if within.Limit > 0 && len(rows) > within.Limit {
		rows = rows[:within.Limit]
	}
	for i := range rows {
		rows[i] = clone(rows[i])
	}
	return rows
}

// Write makes all the changes or none.
func (s *Store) Write(ctx context.Context, changes ...engine.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkLimits(changes); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, change := range changes {
		if err := s.check(change, len(changes) > 1); err != nil {
			return err
		}
	}
	for _, change := range changes {
		s.apply(change)
	}
	return nil
}

// check reports a row that is not as the change expects.
func (s *Store) check(change engine.Change, inBatch bool) error {
	row, exists := s.partitions[partitionOf(change.Key)][change.Row]
	conflict := false
	switch change.Op {
	case engine.Insert:
		conflict = exists
	case engine.Merge:
		conflict = !exists || row.ETag != change.ETag
	case engine.Delete:
		conflict = !exists && inBatch
	case engine.Put:
	}
	if conflict {
		return fmt.Errorf("memory: write %s %q: %w", change.Table, change.Row, engine.ErrConflict)
	}
	return nil
}

func (s *Store) apply(change engine.Change) {
	rows := s.partition(partitionOf(change.Key))
	if change.Op == engine.Delete {
		delete(rows, change.Row)
		return
	}
	s.version++
	row := engine.Row{Key: change.Key, ETag: etag(s.version), Properties: map[string]any{}}
	maps.Copy(row.Properties, rows[change.Row].Properties)
	for name, value := range change.Properties {
		row.Properties[name] = stored(value)
	}
	rows[change.Row] = row
	if change.NewETag != nil {
		*change.NewETag = row.ETag
	}
}

func (s *Store) partition(p partition) map[string]engine.Row {
	if s.partitions == nil {
		s.partitions = map[partition]map[string]engine.Row{}
	}
	if s.partitions[p] == nil {
		s.partitions[p] = map[string]engine.Row{}
	}
	return s.partitions[p]
}

// etag has the form that the real store's have, so that whoever passes one on as
// a header meets the same quotes.
func etag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

func clone(row engine.Row) engine.Row {
	row.Properties = maps.Clone(row.Properties)
	return row
}
