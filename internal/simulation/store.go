package simulation

import (
	"context"
	"iter"

	"github.com/rekey-dev/rekey/internal/engine"
)

// storePort is Table Storage as an invocation meets it: each call can fail, and a
// query's pages are read at different times.
type storePort struct{ w *world }

var _ engine.Store = storePort{}

// Get implements engine.Store.
func (s storePort) Get(ctx context.Context, key engine.Key) (engine.Row, error) {
	return effect(ctx, s.w, "store get", func() (engine.Row, error) { return s.w.store.Get(s.w.t.Context(), key) })
}

// Query implements engine.Store.
func (s storePort) Query(ctx context.Context, within engine.Range) iter.Seq2[engine.Row, error] {
	return func(yield func(engine.Row, error) bool) {
		rows, err := s.pages(ctx, within)
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			yield(engine.Row{}, err)
		}
	}
}

// pages reads a range in one or two pages: between two, anybody may write.
func (s storePort) pages(ctx context.Context, within engine.Range) ([]engine.Row, error) {
	rows, err := s.page(ctx, within)
	if err != nil || len(rows) < 2 || !s.w.oneIn(8) {
		return rows, err
	}
	cut := 1 + s.w.IntN(len(rows)-1)
	rest := within
	rest.From = rows[cut].Row
	if rest.Limit > 0 {
		rest.Limit -= cut
	}
	second, err := s.page(ctx, rest)
	return append(rows[:cut:cut], second...), err
}

func (s storePort) page(ctx context.Context, within engine.Range) ([]engine.Row, error) {
	if within.Table == engine.TableSchedule && len(s.rows(within)) == 0 {
		return nil, nil // most shards are empty, and a sweep asks them all
	}
	return effect(ctx, s.w, "store query", func() ([]engine.Row, error) { return s.rows(within), nil })
}

func (s storePort) rows(within engine.Range) (rows []engine.Row) {
	for row := range s.w.store.Query(s.w.t.Context(), within) {
		rows = append(rows, row)
	}
	return rows
}

// Write implements engine.Store.
func (s storePort) Write(ctx context.Context, changes ...engine.Change) error {
	by := invocationOf(ctx)
	_, err := effect(ctx, s.w, "store write", done(func() error {
		if err := s.w.store.Write(s.w.t.Context(), changes...); err != nil {
			return err
		}
		s.w.promises.written(by, changes)
		return nil
	}))
	return err
}
