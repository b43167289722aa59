package tables_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/tables"
)

// fixture is an account behind a real listener, and the official client in front.
type fixture struct {
	account *tables.Account
	server  *httptest.Server
	service *aztables.ServiceClient
}

func start(t *testing.T, opts tables.Options) fixture {
	t.Helper()
	account := tables.New(opts)
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	f := fixture{account: account, server: server}
	var err error
	f.service, err = aztables.NewServiceClientFromConnectionString(account.ConnectionString(f.address()), &aztables.ClientOptions{
		ClientOptions: policy.ClientOptions{
			Transport: server.Client(),
			Retry:     policy.RetryOptions{MaxRetries: -1},
		},
	})
	require.NoError(t, err)
	return f
}

func (f fixture) address() string { return strings.TrimPrefix(f.server.URL, "http://") }

// table makes a table and returns its client.
func (f fixture) table(t *testing.T) *aztables.Client {
	t.Helper()
	client := f.service.NewClient("orders")
	_, err := client.CreateTable(t.Context(), nil)
	require.NoError(t, err)
	return client
}

func entity(partition, row string, properties map[string]any) []byte {
	body, err := json.Marshal(aztables.EDMEntity{
		Entity:     aztables.Entity{PartitionKey: partition, RowKey: row},
		Properties: properties,
	})
	if err != nil {
		panic(err)
	}
	return body
}

func add(t *testing.T, client *aztables.Client, partition, row string, properties map[string]any) azcore.ETag {
	t.Helper()
	added, err := client.AddEntity(t.Context(), entity(partition, row, properties), nil)
	require.NoError(t, err)
	return added.ETag
}

func get(t *testing.T, client *aztables.Client, partition, row string) aztables.EDMEntity {
	t.Helper()
	found, err := client.GetEntity(t.Context(), partition, row, nil)
	require.NoError(t, err)
	var e aztables.EDMEntity
	require.NoError(t, json.Unmarshal(found.Value, &e))
	assert.Equal(t, string(found.ETag), e.ETag)
	return e
}

// rowKeys reads every page; sizes are how many rows each had.
func rowKeys(ctx context.Context, t *testing.T, client *aztables.Client, opts *aztables.ListEntitiesOptions) (keys []string, sizes []int) {
	t.Helper()
	keys = []string{}
	for pager := client.NewListEntitiesPager(opts); pager.More(); {
		page, err := pager.NextPage(ctx)
		require.NoError(t, err)
		sizes = append(sizes, len(page.Entities))
		require.Less(t, len(sizes), 100, "the pages never end")
		for _, raw := range page.Entities {
			var e aztables.EDMEntity
			require.NoError(t, json.Unmarshal(raw, &e))
			keys = append(keys, e.RowKey)
		}
	}
	return keys, sizes
}

// refused asserts the status and the code of an error.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	var response *azcore.ResponseError
	require.ErrorAs(t, err, &response)
	assert.Equal(t, status, response.StatusCode)
	assert.Equal(t, code, response.ErrorCode)
}
