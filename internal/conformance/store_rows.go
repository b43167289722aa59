package conformance

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
)

func foundAsInserted(t *testing.T, s engine.Store) {
	written := text("first")
	given(t, s, insert("a", written))
	written["text"] = "changed by its writer"
	found := get(t, s, "a")
	assert.Equal(t, key("a"), found.Key)
	assert.Equal(t, text("first"), found.Properties)
	assert.NotEmpty(t, found.ETag)

	found.Properties["text"] = "changed by its reader"
	for range 2 {
		all, err := rows(t.Context(), s, everything())
		require.NoError(t, err)
		require.Len(t, all, 1)
		assert.Equal(t, text("first"), all[0].Properties)
		all[0].Properties["text"] = "changed by its reader"
	}
}

func missingRow(t *testing.T, s engine.Store) {
	_, err := s.Get(t.Context(), key("missing"))
	assert.ErrorIs(t, err, engine.ErrNoRow)
	assert.NotErrorIs(t, err, engine.ErrConflict)
}

func insertExpectsNone(t *testing.T, s engine.Store) {
	given(t, s, insert("a", text("first")))
	before := get(t, s, "a")
	assert.ErrorIs(t, s.Write(t.Context(), insert("a", text("second"))), engine.ErrConflict)
	assert.Equal(t, before, get(t, s, "a"))
}

func mergeKeeps(t *testing.T, s engine.Store) {
	given(t, s, insert("a", map[string]any{"kept": "kept", "changed": int64(1)}))
	before := get(t, s, "a")
	given(t, s, merge("a", before.ETag, map[string]any{"changed": "another type", "new": true}))
	after := get(t, s, "a")
	assert.Equal(t, map[string]any{"kept": "kept", "changed": "another type", "new": true}, after.Properties)
	assert.NotEqual(t, before.ETag, after.ETag)
}

func mergeExpectsETag(t *testing.T, s engine.Store) {
	given(t, s, insert("a", text("first")))
	stale := get(t, s, "a").ETag
	given(t, s, merge("a", stale, text("second")))
	current := get(t, s, "a")
	for what, change := range map[string]engine.Change{
		"the ETag of before":       merge("a", stale, text("third")),
		"no ETag":                  merge("a", "", text("third")),
		"any ETag":                 merge("a", "*", text("third")),
		"no ETag at all":           merge("a", "surely none", text("third")),
		"an ETag with a line feed": merge("a", "W/\"x\"\r\nIf-Match: *", text("third")),
		"a row that is not there":  merge("missing", current.ETag, text("third")),
		"neither row nor ETag":     merge("missing", "", text("third")),
	} {
		assert.ErrorIs(t, s.Write(t.Context(), change), engine.ErrConflict, what)
		assert.ErrorIs(t, s.Write(t.Context(), change, put("b", nil)), engine.ErrConflict, what+", in a batch")
	}
	assert.Equal(t, current, get(t, s, "a"))
	assert.Equal(t, []string{"a"}, keys(t, s, everything()))
}

func putEither(t *testing.T, s engine.Store) {
	given(t, s, put("a", map[string]any{"kept": "kept"}))
	before := get(t, s, "a")
	given(t, s, put("a", map[string]any{"new": "new"}))
	after := get(t, s, "a")
	assert.Equal(t, map[string]any{"kept": "kept", "new": "new"}, after.Properties)
	assert.NotEqual(t, before.ETag, after.ETag)
}

func newETags(t *testing.T, s engine.Store) {
	given(t, s, insert("merged", nil), insert("gone", nil))
	alone := merge("merged", get(t, s, "merged").ETag, text("alone"))
	alone.NewETag = new(string)
	given(t, s, alone)
	assert.Equal(t, get(t, s, "merged").ETag, *alone.NewETag)

	together := []engine.Change{deletion("gone"), insert("inserted", nil), merge("merged", *alone.NewETag, text("together")), put("put", nil)}
	for i := range together {
		together[i].NewETag = new(string)
	}
	given(t, s, together...)
	for _, change := range together[1:] {
		assert.Equal(t, get(t, s, change.Row).ETag, *change.NewETag, change.Row)
	}
	for _, change := range []engine.Change{insert("alone", nil), put("alone", nil)} {
		change.NewETag = new(string)
		given(t, s, change)
		assert.Equal(t, get(t, s, "alone").ETag, *change.NewETag)
	}
}

func deleteAlone(t *testing.T, s engine.Store) {
	given(t, s, insert("a", text("first")), insert("b", text("stays")))
	for range 2 {
		assert.NoError(t, s.Write(t.Context(), deletion("a")))
		assert.Equal(t, []string{"b"}, keys(t, s, everything()))
	}
}

func insertAgain(t *testing.T, s engine.Store) {
	given(t, s, insert("a", map[string]any{"old": "old"}))
	before := get(t, s, "a")
	given(t, s, deletion("a"))
	given(t, s, insert("a", map[string]any{"new": "new"}))
	after := get(t, s, "a")
	assert.Equal(t, map[string]any{"new": "new"}, after.Properties)
	assert.NotEqual(t, before.ETag, after.ETag)
}

func mergeRace(t *testing.T, s engine.Store) {
	given(t, s, insert("a", map[string]any{"winner": int64(-1)}))
	etag := get(t, s, "a").ETag
	winner := race(t, func(n int) error {
		return s.Write(t.Context(), merge("a", etag, map[string]any{"winner": int64(n)}))
	})
	assert.Equal(t, winner, get(t, s, "a").Properties["winner"])
}

func insertRace(t *testing.T, s engine.Store) {
	winner := race(t, func(n int) error {
		// In a batch with a row of its own: the losers' must not be there either.
		return s.Write(t.Context(),
			insert("a", map[string]any{"winner": int64(n)}), insert(fmt.Sprintf("of-%d", n), nil))
	})
	assert.Equal(t, winner, get(t, s, "a").Properties["winner"])
	assert.Equal(t, []string{"a", fmt.Sprintf("of-%d", winner)}, keys(t, s, everything()))
}

// race lets twenty try at once. One must succeed and the others meet a conflict.
func race(t *testing.T, try func(n int) error) (winner int64) {
	t.Helper()
	var wins atomic.Int32
	var start, done sync.WaitGroup
	start.Add(1)
	for n := range 20 {
		done.Go(func() {
			start.Wait()
			switch err := try(n); {
			case err == nil:
				wins.Add(1)
				atomic.StoreInt64(&winner, int64(n))
			case !errors.Is(err, engine.ErrConflict):
				t.Errorf("a loser met %v", err)
			}
		})
	}
	start.Done()
	done.Wait()
	require.EqualValues(t, 1, wins.Load(), "winners")
	return winner
}

func valueTypes(t *testing.T, s engine.Store) {
	zone := time.FixedZone("somewhere", 3600)
	written := map[string]any{
		"empty": "", "lines": "one\r\ntwo\ttab \"quoted\" \\ 'single'", "wide": "Schlüssel 钥匙 🔑",
		"long": strings.Repeat("x", 32<<10), "number": "42", "timeAsText": "2026-03-01T12:00:00Z",
		"yes": true, "no": false,
		"zero": int64(0), "small": int64(-7), "most": int64(math.MaxInt64), "least": int64(math.MinInt64), "exact": int64(1<<53 + 1),
		"time": time.Date(2026, 3, 1, 12, 0, 0, 123456700, time.UTC), "second": time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		"zoned": time.Date(2026, 3, 1, 12, 0, 0, 0, zone), "fine": time.Date(2026, 3, 1, 12, 0, 0, 199, time.UTC),
	}
	read := map[string]any{}
	for name, value := range written {
		read[name] = value
	}
	read["zoned"] = time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
	read["fine"] = time.Date(2026, 3, 1, 12, 0, 0, 100, time.UTC)

	given(t, s, insert("inserted", written))
	given(t, s, put("put", written))
	given(t, s, insert("batch-inserted", written), put("batch-put", written))
	assert.Equal(t, read, get(t, s, "inserted").Properties, "by Get")
	all, err := rows(t.Context(), s, everything())
	require.NoError(t, err)
	require.Len(t, all, 4)
	for _, row := range all {
		assert.Equal(t, read, row.Properties, row.Row)
	}
}

func refusals(t *testing.T, s engine.Store) {
	for what, change := range map[string]engine.Change{
		"an int":                   insert("a", map[string]any{"n": 1}),
		"a float":                  insert("a", map[string]any{"n": 1.5}),
		"bytes":                    insert("a", map[string]any{"n": []byte("x")}),
		"nil":                      insert("a", map[string]any{"n": nil}),
		"a text over 64 KiB":       insert("a", text(strings.Repeat("x", 32<<10+1))),
		"a slash in a key":         insert("a/b", nil),
		"a backslash in a key":     insert(`a\b`, nil),
		"a number sign in a key":   insert("a#b", nil),
		"a question mark in a key": insert("a?b", nil),
		"a line feed in a key":     insert("a\nb", nil),
		"a key over 1 KiB":         insert(strings.Repeat("k", 513), nil),
	} {
		err := s.Write(t.Context(), change)
		require.Error(t, err, what)
		assert.NotErrorIs(t, err, engine.ErrConflict, what)
		assert.Error(t, s.Write(t.Context(), change, insert("b", nil)), what+", in a batch")
	}
	assert.Empty(t, keys(t, s, everything()))
}

func cancelled(t *testing.T, s engine.Store) {
	given(t, s, insert("a", nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Get(ctx, key("a"))
	assert.ErrorIs(t, err, context.Canceled)
	_, err = rows(ctx, s, everything())
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, s.Write(ctx, insert("b", nil)), context.Canceled)
	assert.ErrorIs(t, s.Write(ctx, insert("b", nil), insert("c", nil)), context.Canceled)
	assert.Equal(t, []string{"a"}, keys(t, s, everything()))
}
