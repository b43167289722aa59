package engine

import (
	"context"
	"fmt"
	"time"
)

// OldestWakeUp returns the time of the oldest wake-up in the schedule, or zero where
// there is none. The sweep moves whatever is due on: an old one says that it does not run.
func (e *Engine) OldestWakeUp(ctx context.Context) (oldest time.Time, err error) {
	for n := range shards {
		for row, err := range e.Store.Query(ctx, Range{Table: TableSchedule, Partition: fmt.Sprintf("%02d", n), Limit: 1}) {
			if err != nil {
				return oldest, fmt.Errorf("schedule: %w", err)
			}
			at, _, _, err := parseWakeUp(row.Row)
			if err == nil && (oldest.IsZero() || at.Before(oldest)) {
				oldest = at
			}
		}
	}
	return oldest, nil
}

// Awake returns those of the applications that have a wake-up in the schedule. It
// reads the partitions that theirs lie in, and holds none of them in memory.
func (e *Engine) Awake(ctx context.Context, appIDs []string) (map[string]bool, error) {
	sought, awake := map[string]map[string]bool{}, map[string]bool{}
	for _, id := range appIDs {
		partition := shard(id)
		if sought[partition] == nil {
			sought[partition] = map[string]bool{}
		}
		sought[partition][id] = true
	}
	for partition, ids := range sought {
		if err := e.awakeIn(ctx, partition, ids, awake); err != nil {
			return nil, err
		}
	}
	return awake, nil
}

// awakeIn reads one partition of the schedule until every application was met.
func (e *Engine) awakeIn(ctx context.Context, partition string, sought, awake map[string]bool) error {
	for row, err := range e.Store.Query(ctx, Range{Table: TableSchedule, Partition: partition}) {
		if err != nil {
			return fmt.Errorf("schedule: %w", err)
		}
		if _, id, _, err := parseWakeUp(row.Row); err == nil && sought[id] {
			awake[id] = true
			delete(sought, id)
		}
		if len(sought) == 0 {
			return nil
		}
	}
	return nil
}
