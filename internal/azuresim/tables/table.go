package tables

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// table finds partitions; each has a lock of its own.
type table struct {
	name string

	mu         sync.RWMutex
	partitions []*partition // sorted by key
}

func newTable(name string) *table { return &table{name: name} }

func (t *table) key() string { return strings.ToLower(t.name) }

func (t *table) search(partitionKey string) (int, bool) {
	return slices.BinarySearchFunc(t.partitions, partitionKey, func(p *partition, key string) int {
		return strings.Compare(p.key, key)
	})
}

// partition returns the partition, or nil if nothing was ever written to it.
func (t *table) partition(partitionKey string) *partition {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if i, found := t.search(partitionKey); found {
		return t.partitions[i]
	}
	return nil
}

func (t *table) makePartition(partitionKey string) *partition {
	if p := t.partition(partitionKey); p != nil {
		return p
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i, found := t.search(partitionKey)
	if !found {
		t.partitions = slices.Insert(t.partitions, i, &partition{key: partitionKey})
	}
	return t.partitions[i]
}

func (t *table) get(k key) (*Entity, error) {
	if p := t.partition(k.partition); p != nil {
		if e := p.get(k.row); e != nil {
			return e, nil
		}
	}
	return nil, errResourceNotFound
}

// apply makes all changes, which must be to different rows of one partition, or
// none; failed is then the index of the first that cannot be made.
func (t *table) apply(changes []change, stamp func() time.Time) (entities []*Entity, failed int, err error) {
	return t.makePartition(changes[0].key.partition).apply(changes, stamp)
}

// within returns the partitions whose keys lie in the bounds.
func (t *table) within(b bounds) []*partition {
	t.mu.RLock()
	defer t.mu.RUnlock()
	first, _ := t.search(max(b.partitions.Low, b.from.partition))
	last := first
	for last < len(t.partitions) && !b.partitions.Before(t.partitions[last].key) {
		last++
	}
	return slices.Clone(t.partitions[first:last])
}

// scan yields the rows within the bounds in order until yield returns false. Each
// partition is seen as it was at one moment; the table as a whole is not.
func (t *table) scan(b bounds, yield func(*Entity) bool) {
	for _, p := range t.within(b) {
		if !p.scan(b, yield) {
			return
		}
	}
}
