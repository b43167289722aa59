package tablestore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/tables"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/tablestore"
)

// wire is an account that remembers what it was asked.
type wire struct {
	*tables.Account
	store      *tablestore.Store
	connection string

	mu    sync.Mutex
	asked []string
}

func newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{Account: tables.New(tables.Options{})}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.connection = w.ConnectionString(strings.TrimPrefix(server.URL, "http://"))
	var err error
	w.store, err = tablestore.FromConnectionString(w.connection, tablestore.Options{CallTimeout: 10 * time.Second})
	require.NoError(t, err)
	require.NoError(t, w.store.EnsureTables(t.Context(), engine.Tables()...))
	w.requests()
	return w
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	request := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/devstoreaccount1")
	for _, option := range []string{"$filter", "$top"} {
		if value := r.URL.Query().Get(option); value != "" {
			request += " " + option + "=" + value
		}
	}
	w.asked = append(w.asked, request)
	w.mu.Unlock()
	w.Account.ServeHTTP(rw, r)
}

// requests returns what was asked since the last call.
func (w *wire) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

func key(row string) engine.Key {
	return engine.Key{Table: engine.TableRotations, Partition: "p", Row: row}
}

func change(op engine.Op, row string) engine.Change {
	return engine.Change{Op: op, Key: key(row), Properties: map[string]any{"n": int64(1)}}
}

func TestOneChangeIsAPlainOperation(t *testing.T) {
	w := newWire(t)
	for want, c := range map[string]engine.Change{
		"POST /rotations": change(engine.Insert, "inserted"),
		"PATCH /rotations(PartitionKey='p',RowKey='put')":   change(engine.Put, "put"),
		"DELETE /rotations(PartitionKey='p',RowKey='gone')": change(engine.Delete, "gone"),
	} {
		require.NoError(t, w.store.Write(t.Context(), c))
		assert.Equal(t, []string{want}, w.requests())
	}
	require.NoError(t, w.store.Write(t.Context(), change(engine.Insert, "a"), change(engine.Put, "b")))
	assert.Equal(t, []string{"POST /$batch"}, w.requests())
}

func TestAQueryNamesItsKeysAndItsLimit(t *testing.T) {
	w := newWire(t)
	for want, within := range map[string]engine.Range{
		"$filter=PartitionKey eq 'p'":                                     {},
		"$filter=PartitionKey eq 'p' $top=5":                              {Limit: 5},
		"$filter=PartitionKey eq 'p' $top=1000":                           {Limit: 5000},
		"$filter=PartitionKey eq 'p' and RowKey ge 'it''s'":               {From: "it's"},
		"$filter=PartitionKey eq 'p' and RowKey ge 'a' and RowKey lt 'b'": {From: "a", To: "b"},
		"$filter=PartitionKey eq 'p' and RowKey lt ''' or ''1'' eq ''1'":  {To: "' or '1' eq '1"},
	} {
		within.Table, within.Partition = engine.TableRotations, "p"
		for _, err := range w.store.Query(t.Context(), within) {
			require.NoError(t, err)
		}
		assert.Equal(t, []string{"GET /rotations() " + want}, w.requests())
	}
}

func TestPagesAreFetchedAsTheyAreRead(t *testing.T) {
	w := newWire(t)
	const all = 2050
	for at := 0; at < all; at += engine.MaxChanges {
		var changes []engine.Change
		for n := at; n < min(at+engine.MaxChanges, all); n++ {
			changes = append(changes, change(engine.Insert, fmt.Sprintf("%05d", n)))
		}
		require.NoError(t, w.store.Write(t.Context(), changes...))
	}
	for _, c := range []struct{ limit, stopAfter, pages int }{
		{0, 1, 1}, {0, 1000, 1}, {0, 1001, 2}, {0, all + 1, 3}, {1000, all + 1, 1}, {1001, all + 1, 2},
	} {
		w.requests()
		read := 0
		for _, err := range w.store.Query(t.Context(), engine.Range{Table: engine.TableRotations, Partition: "p", Limit: c.limit}) {
			require.NoError(t, err)
			if read++; read == c.stopAfter {
				break
			}
		}
		assert.Len(t, w.requests(), c.pages, "limit %d, left after %d", c.limit, c.stopAfter)
	}
}

func TestTablesAreMadeOnce(t *testing.T) {
	w := newWire(t)
	require.NoError(t, w.store.EnsureTables(t.Context(), engine.Tables()...))
	assert.Len(t, w.Dump(), len(engine.Tables()))
	assert.EqualError(t, w.store.EnsureTables(t.Context(), "no-table"),
		`tablestore: create table "no-table": HTTP 400 InvalidResourceName: The specified resource name contains invalid characters.`)
}

func TestAMissingTableIsNeitherAMissingRowNorAConflict(t *testing.T) {
	w := newWire(t)
	missing := engine.Key{Table: "missing", Partition: "p", Row: "a"}
	_, err := w.store.Get(t.Context(), missing)
	errs := []error{err}
	for _, op := range []engine.Op{engine.Insert, engine.Merge, engine.Put, engine.Delete} {
		one := engine.Change{Op: op, Key: missing, ETag: `W/"x"`}
		two := one
		two.Row = "b"
		errs = append(errs, w.store.Write(t.Context(), one), w.store.Write(t.Context(), one, two))
	}
	for _, err := range errs {
		assert.ErrorContains(t, err, "HTTP 404 TableNotFound: ")
		assert.NotErrorIs(t, err, engine.ErrNoRow)
		assert.NotErrorIs(t, err, engine.ErrConflict)
	}
}

func TestErrorsAreOneLine(t *testing.T) {
	w := newWire(t)
	long := change(engine.Put, "long")
	long.Properties = map[string]any{"text": strings.Repeat("x", 1<<16)}
	for what, c := range map[string]struct {
		err  error
		want string
	}{
		"a refused operation": {
			w.store.Write(t.Context(), long),
			`tablestore: write to rotations "long": HTTP 400 PropertyValueTooLarge: The property value exceeds the maximum allowed size (64KB). If the property value is a string, it is UTF-16 encoded and the maximum number of characters should be 32K or less.`,
		},
		"a refused transaction": {
			w.store.Write(t.Context(), change(engine.Put, "a"), change(engine.Put, "a")),
			`tablestore: write to rotations "a": HTTP 400 InvalidDuplicateRow: 1:The batch request contains multiple changes with same row key. An entity can appear only once in a batch request.`,
		},
		"a conflict": {
			w.store.Write(t.Context(), engine.Change{Op: engine.Merge, Key: key("a"), ETag: `W/"x"`}),
			`tablestore: write to rotations "a": the row was changed meanwhile`,
		},
		"a value of another type": {
			w.store.Write(t.Context(), engine.Change{Op: engine.Put, Key: key("a"), Properties: map[string]any{"n": 1}}),
			`tablestore: write to rotations "a": property "n": a int: must be a string, a bool, an int64 or a time.Time`,
		},
	} {
		assert.EqualError(t, c.err, c.want, what)
	}
}

func TestAConnectionStringIsNeverRepeated(t *testing.T) {
	_, err := tablestore.FromConnectionString("AccountName=a;AccountKey=not-to-be-seen!", tablestore.Options{})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "not-to-be-seen")
}

func TestEveryCallIsBounded(t *testing.T) {
	end := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	defer silent.Close()
	defer close(end)
	connection := tables.New(tables.Options{}).ConnectionString(strings.TrimPrefix(silent.URL, "http://"))
	store, err := tablestore.FromConnectionString(connection, tablestore.Options{CallTimeout: 20 * time.Millisecond})
	require.NoError(t, err)
	for what, call := range map[string]func(context.Context) error{
		"get":   func(ctx context.Context) error { _, err := store.Get(ctx, key("a")); return err },
		"write": func(ctx context.Context) error { return store.Write(ctx, change(engine.Put, "a")) },
		"transaction": func(ctx context.Context) error {
			return store.Write(ctx, change(engine.Put, "a"), change(engine.Put, "b"))
		},
		"create table": func(ctx context.Context) error { return store.EnsureTables(ctx, "rotations") },
		"query": func(ctx context.Context) (err error) {
			for _, err = range store.Query(ctx, engine.Range{Table: engine.TableRotations, Partition: "p"}) {
			}
			return err
		},
	} {
		begun := time.Now()
		assert.ErrorIs(t, call(t.Context()), context.DeadlineExceeded, what)
		assert.Less(t, time.Since(begun), 5*time.Second, what)
	}
}

func TestATroubledServiceIsAskedAgain(t *testing.T) {
	w := newWire(t)
	w.SetFaults(tables.Faults{Busy: 0.03, TimedOut: 0.03, TimedOutAfter: 0.03, RetryAfter: time.Millisecond})
	for n := range 30 {
		row := fmt.Sprint(n)
		require.NoError(t, w.store.Write(t.Context(), change(engine.Put, row)))
		require.NoError(t, w.store.Write(t.Context(), change(engine.Put, row), change(engine.Put, row+"+")))
		_, err := w.store.Get(t.Context(), key(row))
		require.NoError(t, err)
	}
	assert.Greater(t, len(w.requests()), 90)
}

// A row that somebody edited with another tool.
func TestForeignTypesAreShownWhereTheyFitAndKept(t *testing.T) {
	w := newWire(t)
	service, err := aztables.NewServiceClientFromConnectionString(w.connection, nil)
	require.NoError(t, err)
	body, err := json.Marshal(aztables.EDMEntity{
		Entity: aztables.Entity{PartitionKey: "p", RowKey: "a"},
		Properties: map[string]any{
			"small": int32(7), "guid": aztables.EDMGUID("11111111-1111-4111-8111-111111111111"),
			"double": 1.5, "binary": aztables.EDMBinary("x"),
		},
	})
	require.NoError(t, err)
	_, err = service.NewClient(engine.TableRotations).AddEntity(t.Context(), body, nil)
	require.NoError(t, err)

	row, err := w.store.Get(t.Context(), key("a"))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"small": int64(7), "guid": "11111111-1111-4111-8111-111111111111"}, row.Properties)
	require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Merge, Key: row.Key, ETag: row.ETag, Properties: row.Properties}))
	kept := w.Dump()[engine.TableRotations][0].Properties
	assert.Equal(t, 1.5, kept["double"])
	assert.Equal(t, []byte("x"), kept["binary"])
	assert.Equal(t, int64(7), kept["small"])
}
