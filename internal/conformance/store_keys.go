package conformance

import (
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
)

// legalKeys takes rows through their lives whose keys hold what a key may hold.
// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#characters-disallowed-in-key-fields
func legalKeys(t *testing.T, s engine.Store) {
	var all []rune
	for r := rune(0x20); r <= 0x17f; r++ {
		if unicode.IsControl(r) || r == '/' || r == '\\' || r == '#' || r == '?' {
			continue
		}
		all = append(all, r)
	}
	for _, name := range []string{
		string(all), "'", "''", "it's", "a'b''c", "%", "%27", "%2F", "100% sure", "a b", "+", "a+b", "{rowKey}", "(a='b',c='d')",
		"a&b=c", "$filter", "$batch", "..", ".", "~", "|", "\"quoted\"", "Schlüssel", "钥匙", "🔑", "' or '1' eq '1",
	} {
		live(t, s, engine.Key{Table: table, Partition: "p" + name, Row: name})
	}
}

// live makes every kind of change to a row, alone and in a batch.
func live(t *testing.T, s engine.Store, k engine.Key) {
	t.Helper()
	change := func(op engine.Op, etag string, others ...engine.Change) {
		t.Helper()
		given(t, s, append(others, engine.Change{Op: op, Key: k, ETag: etag, Properties: text(k.Row)})...)
	}
	found := func() engine.Row {
		t.Helper()
		row, err := s.Get(t.Context(), k)
		require.NoError(t, err, "%q", k.Row)
		assert.Equal(t, k, row.Key)
		assert.Equal(t, text(k.Row), row.Properties, "%q", k.Row)
		return row
	}
	behind := engine.Key{Table: k.Table, Partition: k.Partition, Row: k.Row + "x"}
	other := engine.Change{Op: engine.Put, Key: behind}
	within := engine.Range{Table: k.Table, Partition: k.Partition, From: k.Row, To: behind.Row}

	change(engine.Insert, "")
	change(engine.Merge, found().ETag)
	change(engine.Put, "")
	change(engine.Merge, found().ETag, other)
	change(engine.Put, "", other)
	assert.Equal(t, []string{k.Row}, keys(t, s, within), "%q as bounds", k.Row)
	change(engine.Delete, "", other)
	assert.Empty(t, keys(t, s, within), "%q is deleted in a batch", k.Row)
	change(engine.Insert, "", other)
	found()
	change(engine.Delete, "")
	assert.Empty(t, keys(t, s, within), "%q is deleted alone", k.Row)
}
