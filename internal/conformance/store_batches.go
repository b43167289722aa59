package conformance

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
)

func batchOfAllKinds(t *testing.T, s engine.Store) {
	given(t, s, insert("changed", map[string]any{"kept": "kept"}), insert("deleted", nil), insert("put", map[string]any{"kept": "kept"}))
	given(t, s,
		insert("inserted", text("new")),
		merge("changed", get(t, s, "changed").ETag, text("new")),
		put("put", text("new")),
		put("put-new", text("new")),
		deletion("deleted"),
	)
	assert.Equal(t, []string{"changed", "inserted", "put", "put-new"}, keys(t, s, everything()))
	both := map[string]any{"kept": "kept", "text": "new"}
	assert.Equal(t, both, get(t, s, "changed").Properties)
	assert.Equal(t, both, get(t, s, "put").Properties)
	assert.Equal(t, text("new"), get(t, s, "inserted").Properties)
	assert.Equal(t, text("new"), get(t, s, "put-new").Properties)
}

func failingBatch(t *testing.T, s engine.Store) {
	given(t, s, insert("a", text("before")), insert("b", text("before")), insert("c", text("before")))
	stale := get(t, s, "a").ETag
	given(t, s, put("a", text("meanwhile")))
	before, err := rows(t.Context(), s, everything())
	require.NoError(t, err)
	for what, failing := range map[string]engine.Change{
		"an insert of a row that is there":    insert("a", text("after")),
		"a merge with an ETag of before":      merge("a", stale, text("after")),
		"a merge of a row that is missing":    merge("missing", stale, text("after")),
		"a deletion of a row that is missing": deletion("missing"),
	} {
		good := []engine.Change{insert("new", text("after")), put("b", text("after")), deletion("c")}
		for at := range len(good) + 1 {
			batch := slices.Insert(slices.Clone(good), at, failing)
			assert.ErrorIs(t, s.Write(t.Context(), batch...), engine.ErrConflict, "%s, at %d", what, at)
		}
		after, err := rows(t.Context(), s, everything())
		require.NoError(t, err)
		assert.Equal(t, before, after, what)
	}
}

func batchSize(t *testing.T, s engine.Store) {
	var changes []engine.Change
	for n := range engine.MaxChanges {
		changes = append(changes, insert(fmt.Sprintf("%03d", n), nil))
	}
	tooMany := append(slices.Clone(changes), insert("one-more", nil))
	assert.Error(t, s.Write(t.Context(), tooMany...))
	assert.Empty(t, keys(t, s, everything()))
	assert.Error(t, s.Write(t.Context()), "no change at all")
	given(t, s, changes...)
	assert.Len(t, keys(t, s, everything()), engine.MaxChanges)
}

func batchShape(t *testing.T, s engine.Store) {
	elsewhere := insert("b", nil)
	elsewhere.Partition = "two"
	otherTable := insert("b", nil)
	otherTable.Table = engine.TableSchedule
	for what, second := range map[string]engine.Change{
		"a row named twice": put("a", text("again")),
		"two partitions":    elsewhere,
		"two tables":        otherTable,
	} {
		err := s.Write(t.Context(), insert("a", nil), second)
		require.Error(t, err, what)
		assert.NotErrorIs(t, err, engine.ErrConflict, what)
	}
	assert.Empty(t, keys(t, s, everything()))
}
