package tables

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// partition holds rows sorted by key. It is what one transaction can span.
type partition struct {
	key string

	mu   sync.RWMutex
	rows []*Entity
}

func (p *partition) search(rowKey string) (int, bool) {
	return slices.BinarySearchFunc(p.rows, rowKey, func(e *Entity, key string) int {
		return strings.Compare(e.RowKey, key)
	})
}

func (p *partition) find(rowKey string) *Entity {
	if i, found := p.search(rowKey); found {
		return p.rows[i]
	}
	return nil
}

func (p *partition) get(rowKey string) *Entity {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.find(rowKey)
}

func (p *partition) apply(changes []change, stamp func() time.Time) (entities []*Entity, failed int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entities = make([]*Entity, len(changes))
	for i, c := range changes {
		if entities[i], err = c.outcome(p.find(c.key.row), stamp()); err != nil {
			return nil, i, err
		}
	}
	for i, c := range changes {
		p.put(c.key.row, entities[i])
	}
	return entities, 0, nil
}

// put stores an entity under the row key, or removes what is there.
func (p *partition) put(rowKey string, e *Entity) {
	i, found := p.search(rowKey)
	switch {
	case e == nil && found:
		p.rows = slices.Delete(p.rows, i, i+1)
	case e == nil:
	case found:
		p.rows[i] = e
	default:
		p.rows = slices.Insert(p.rows, i, e)
	}
}

func (p *partition) scan(b bounds, yield func(*Entity) bool) bool {
	low := b.rows.Low
	if p.key == b.from.partition {
		low = max(low, b.from.row)
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	first, _ := p.search(low)
	for _, e := range p.rows[first:] {
		if b.rows.Before(e.RowKey) {
			return true
		}
		if !yield(e) {
			return false
		}
	}
	return true
}
