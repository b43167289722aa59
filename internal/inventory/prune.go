package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rekey-dev/rekey/internal/engine"
)

// partitions lists those that have rows with a generation.
func partitions() (all []string) {
	for _, prefix := range []string{partitionApp, partitionID, partitionOwner} {
		for _, d := range ranges {
			all = append(all, prefix+string(d))
		}
	}
	for year := firstYear; year <= lastYear; year++ {
		all = append(all, fmt.Sprintf("%s%04d", partitionEnds, year))
	}
	return all
}

// pruneNext removes from one partition what the full reading did not see, and reports
// whether that was the last one.
func (i *Inventory) pruneNext(ctx context.Context, s *state) (done bool, err error) {
	all := partitions()
	at := max(0, slices.Index(all, s.Partition))
	if err := i.prune(ctx, all[at], s.Generation); err != nil {
		return false, err
	}
	if at+1 < len(all) {
		s.Partition = all[at+1]
		return false, nil
	}
	s.Phase, s.Partition, s.FullFrom = idle, "", s.Began
	return true, nil
}

func (i *Inventory) prune(ctx context.Context, partition string, generation int64) error {
	var old []engine.Key
	for row, err := range i.Store.Query(ctx, engine.Range{Table: engine.TableInventory, Partition: partition}) {
		if err != nil {
			return err
		}
		if seen, _ := row.Properties["generation"].(int64); seen >= generation {
			continue
		}
		if old = append(old, row.Key); len(old) == engine.MaxChanges {
			if err := i.deleteTogether(ctx, old); err != nil {
				return err
			}
			old = old[:0]
		}
	}
	return i.deleteTogether(ctx, old)
}

// deleteTogether deletes rows of one partition. One that is gone already makes the
// batch fail; then each goes alone.
func (i *Inventory) deleteTogether(ctx context.Context, keys []engine.Key) error {
	if len(keys) == 0 {
		return nil
	}
	changes := make([]engine.Change, len(keys))
	for n, k := range keys {
		changes[n] = engine.Change{Op: engine.Delete, Key: k}
	}
	err := i.Store.Write(ctx, changes...)
	if errors.Is(err, engine.ErrConflict) {
		return i.deleteAll(ctx, keys)
	}
	return err
}
