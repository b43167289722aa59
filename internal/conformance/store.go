package conformance

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
)

// table is where the suite's rows go; it is one of engine.Tables, which a store
// under test must have.
const table = engine.TableRotations

// Store proves that a store keeps the promises of engine.Store. The function
// returns a store whose tables are there and empty.
func Store(t *testing.T, fresh func(t *testing.T) engine.Store) {
	for name, prove := range map[string]func(*testing.T, engine.Store){
		"a row is found as it was inserted":             foundAsInserted,
		"a missing row is ErrNoRow":                     missingRow,
		"an insert expects no row":                      insertExpectsNone,
		"a merge keeps the properties it does not name": mergeKeeps,
		"a merge expects its ETag":                      mergeExpectsETag,
		"a put inserts or merges":                       putEither,
		"a write tells the rows' new ETags":             newETags,
		"a delete of a missing row succeeds alone":      deleteAlone,
		"a row can be made again after its deletion":    insertAgain,
		"of twenty that race with one ETag one wins":    mergeRace,
		"of twenty that insert one row one wins":        insertRace,
		"a batch makes every kind of change":            batchOfAllKinds,
		"a batch that fails changes nothing":            failingBatch,
		"a batch has at most a hundred changes":         batchSize,
		"a write is one partition, each row once":       batchShape,
		"a range has its first key and not its last":    rangeBounds,
		"a range ends at its limit":                     rangeLimit,
		"a range is of one partition of one table":      rangePartition,
		"a range of thousands of rows is complete":      rangePages,
		"a range ends when its reader has enough":       rangeLeft,
		"values are read as they were written":          valueTypes,
		"every legal character may be in a key":         legalKeys,
		"what a store cannot hold is refused":           refusals,
		"a cancelled call does nothing":                 cancelled,
	} {
		t.Run(name, func(t *testing.T) { prove(t, fresh(t)) })
	}
}

func key(row string) engine.Key {
	return engine.Key{Table: table, Partition: "one", Row: row}
}

func everything() engine.Range { return engine.Range{Table: table, Partition: "one"} }

func insert(row string, properties map[string]any) engine.Change {
	return engine.Change{Op: engine.Insert, Key: key(row), Properties: properties}
}

func merge(row, etag string, properties map[string]any) engine.Change {
	return engine.Change{Op: engine.Merge, Key: key(row), ETag: etag, Properties: properties}
}

func put(row string, properties map[string]any) engine.Change {
	return engine.Change{Op: engine.Put, Key: key(row), Properties: properties}
}

func deletion(row string) engine.Change {
	return engine.Change{Op: engine.Delete, Key: key(row)}
}

// text is a property called "text".
func text(value string) map[string]any { return map[string]any{"text": value} }

// given writes what a test starts from.
func given(t *testing.T, s engine.Store, changes ...engine.Change) {
	t.Helper()
	require.NoError(t, s.Write(t.Context(), changes...))
}

func get(t *testing.T, s engine.Store, row string) engine.Row {
	t.Helper()
	found, err := s.Get(t.Context(), key(row))
	require.NoError(t, err)
	return found
}

// rows reads a range.
func rows(ctx context.Context, s engine.Store, within engine.Range) (all []engine.Row, err error) {
	for row, err := range s.Query(ctx, within) {
		if err != nil {
			return all, err
		}
		all = append(all, row)
	}
	return all, nil
}

// keys are the row keys of a range, in its order.
func keys(t *testing.T, s engine.Store, within engine.Range) []string {
	t.Helper()
	all, err := rows(t.Context(), s, within)
	require.NoError(t, err)
	found := []string{}
	for _, row := range all {
		found = append(found, row.Row)
	}
	return found
}
