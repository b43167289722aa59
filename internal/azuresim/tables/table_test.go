package tables

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/tables/odata"
)

func filled(tb testing.TB, partitions, rows int) *table {
	tb.Helper()
	t := newTable("schedule")
	stamp := New(Options{}).stamp
	for p := range partitions {
		for r := range rows {
			k := key{fmt.Sprintf("shard-%02d", p), fmt.Sprintf("%06d", r)}
			_, _, err := t.apply([]change{{verb: insert, key: k, properties: map[string]any{}}}, stamp)
			require.NoError(tb, err)
		}
	}
	return t
}

func parsed(tb testing.TB, filter string) query {
	tb.Helper()
	f, err := odata.Parse(filter)
	require.NoError(tb, err)
	return query{filter: f, top: maxPage}
}

func TestAQueryLooksOnlyAtWhatItsFilterCanMatch(t *testing.T) {
	table := filled(t, 4, 500)
	for name, test := range map[string]struct {
		filter string
		from   key
		seen   int
	}{
		"one row":                        {"PartitionKey eq 'shard-01' and RowKey eq '000007'", key{}, 1},
		"rows below a key":               {"PartitionKey eq 'shard-01' and RowKey lt '000007'", key{}, 7},
		"rows above a key":               {"PartitionKey eq 'shard-01' and RowKey gt '000490'", key{}, 9},
		"a property does not widen it":   {"RowKey lt '000007' and PartitionKey eq 'shard-01' and N eq 1", key{}, 7},
		"the same rows everywhere":       {"RowKey lt '000007'", key{}, 28},
		"two partitions":                 {"PartitionKey gt 'shard-01'", key{}, 1000},
		"either of two rows":             {"PartitionKey eq 'shard-01' and (RowKey eq '000003' or RowKey eq '000005')", key{}, 3},
		"the rest after a page":          {"PartitionKey eq 'shard-01'", key{"shard-01", "000450"}, 50},
		"a page that starts past them":   {"PartitionKey eq 'shard-01'", key{"shard-02", "000000"}, 0},
		"bounds that exclude each other": {"RowKey gt '000009' and RowKey lt '000003'", key{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			q := parsed(t, test.filter)
			q.from = test.from
			seen := 0
			table.scan(q.bounds(), func(*Entity) bool {
				seen++
				return true
			})
			assert.Equal(t, test.seen, seen)
		})
	}
}

func TestPartitionsDoNotWaitForEachOther(t *testing.T) {
	table := filled(t, 2, 1)
	held := table.partition("shard-00")
	held.mu.Lock()
	defer held.mu.Unlock()

	done := make(chan error, 1)
	go func() {
		_, _, err := table.apply([]change{{verb: insert, key: key{"shard-01", "new"}}}, New(Options{}).stamp)
		done <- err
	}()
	select {
	case err := <-done:
		assert.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("a write to one partition waits for another")
	}
}

func TestStampsDifferWhileTimeStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		first, second := a.stamp(), a.stamp()
		assert.Equal(t, odata.Tick, second.Sub(first))
		assert.NotEqual(t, etag(first), etag(second))
	})
}

func TestOfWritersWithOneETagOneWins(t *testing.T) {
	stamp := New(Options{}).stamp
	for range 200 {
		table := filled(t, 1, 1)
		seen, err := table.get(key{"shard-00", "000000"})
		require.NoError(t, err)
		var won atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				update := change{verb: merge, key: key{"shard-00", "000000"}, ifMatch: seen.ETag, properties: map[string]any{}}
				if _, _, err := table.apply([]change{update}, stamp); err == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
		require.Equal(t, int32(1), won.Load())
	}
}

// The sweep's question: what of 100,000 rows is due?
func BenchmarkDueRowsOfAShard(b *testing.B) {
	table := filled(b, 16, 6250)
	q := parsed(b, "PartitionKey eq 'shard-07' and RowKey lt '000010'")
	for b.Loop() {
		if rows, _ := table.page(q); len(rows) != 10 {
			b.Fatal(len(rows))
		}
	}
}
