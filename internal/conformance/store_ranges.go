package conformance

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
)

func rangeBounds(t *testing.T, s engine.Store) {
	given(t, s, insert("b", nil), insert("a.2", nil), insert("a", nil), insert("a.1", nil), insert("B", nil), insert("a-1", nil))
	for what, c := range map[string]struct {
		from, to string
		want     []string
	}{
		"no bounds":                 {"", "", []string{"B", "a", "a-1", "a.1", "a.2", "b"}},
		"from a key that is there":  {"a.1", "", []string{"a.1", "a.2", "b"}},
		"from a key that is not":    {"a.11", "", []string{"a.2", "b"}},
		"to a key that is there":    {"", "a.1", []string{"B", "a", "a-1"}},
		"to a key that is not":      {"", "a.0", []string{"B", "a", "a-1"}},
		"all that have a prefix":    {"a.", "a.~", []string{"a.1", "a.2"}},
		"nothing between":           {"a.3", "a.9", []string{}},
		"a last key before a first": {"b", "a", []string{}},
		"equal bounds":              {"a", "a", []string{}},
	} {
		within := everything()
		within.From, within.To = c.from, c.to
		assert.Equal(t, c.want, keys(t, s, within), what)
	}
}

func rangeLimit(t *testing.T, s engine.Store) {
	given(t, s, insert("d", nil), insert("c", nil), insert("b", nil), insert("a", nil))
	within := everything()
	for limit, want := range map[int][]string{
		0: {"a", "b", "c", "d"}, 1: {"a"}, 3: {"a", "b", "c"}, 4: {"a", "b", "c", "d"}, 5: {"a", "b", "c", "d"},
	} {
		within.Limit = limit
		assert.Equal(t, want, keys(t, s, within), "limit %d", limit)
	}
	within.From, within.Limit = "b", 2
	assert.Equal(t, []string{"b", "c"}, keys(t, s, within))
}

func rangePartition(t *testing.T, s engine.Store) {
	given(t, s, insert("a", nil))
	for _, elsewhere := range []engine.Key{
		{Table: table, Partition: "One", Row: "b"},
		{Table: table, Partition: "one.", Row: "b"},
		{Table: table, Partition: "on", Row: "b"},
		{Table: engine.TableSchedule, Partition: "one", Row: "b"},
	} {
		given(t, s, engine.Change{Op: engine.Insert, Key: elsewhere})
	}
	assert.Equal(t, []string{"a"}, keys(t, s, everything()))
	assert.Equal(t, []string{"b"}, keys(t, s, engine.Range{Table: engine.TableSchedule, Partition: "one"}))
	assert.Empty(t, keys(t, s, engine.Range{Table: table, Partition: "nobody's"}))
}

// A page of Table Storage has 1,000 rows.
// https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination
const manyRows = 2345

func fill(t *testing.T, s engine.Store) (want []string) {
	t.Helper()
	var batch []engine.Change
	for n := range manyRows {
		row := fmt.Sprintf("%05d", n)
		want = append(want, row)
		batch = append(batch, insert(row, map[string]any{"n": int64(n)}))
		if len(batch) == engine.MaxChanges || n == manyRows-1 {
			given(t, s, batch...)
			batch = nil
		}
	}
	return want
}

func rangePages(t *testing.T, s engine.Store) {
	want := fill(t, s)
	assert.Equal(t, want, keys(t, s, everything()))
	within := everything()
	within.From, within.Limit = "00100", 1700
	assert.Equal(t, want[100:1800], keys(t, s, within))
	within.To, within.Limit = "01300", 0
	assert.Equal(t, want[100:1300], keys(t, s, within))
}

func rangeLeft(t *testing.T, s engine.Store) {
	fill(t, s)
	for _, enough := range []int{1, 999, 1000, 1001} {
		var read int
		for row, err := range s.Query(t.Context(), everything()) {
			require.NoError(t, err)
			require.Equal(t, int64(read), row.Properties["n"])
			if read++; read == enough {
				break
			}
		}
		assert.Equal(t, enough, read)
	}
}
