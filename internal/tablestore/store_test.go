package tablestore_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/tables"
	"github.com/rekey-dev/rekey/internal/conformance"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/tablestore"
)

// newAccount serves an account until the test ends and returns a store in it.
func newAccount(t *testing.T, o tablestore.Options) (*tables.Account, *tablestore.Store) {
	t.Helper()
	account := tables.New(tables.Options{})
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	store, err := tablestore.FromConnectionString(account.ConnectionString(strings.TrimPrefix(server.URL, "http://")), o)
	require.NoError(t, err)
	return account, store
}

func newStore(t *testing.T) engine.Store {
	_, store := newAccount(t, tablestore.Options{CallTimeout: 10 * time.Second})
	require.NoError(t, store.EnsureTables(t.Context(), engine.Tables()...))
	return store
}

func TestStoreConforms(t *testing.T) { conformance.Store(t, newStore) }
