package tables_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/tables"
)

func insertions(partition string, rows ...string) (actions []aztables.TransactionAction) {
	for _, row := range rows {
		actions = append(actions, aztables.TransactionAction{ActionType: aztables.TransactionTypeAdd, Entity: entity(partition, row, nil)})
	}
	return actions
}

func numbered(n int) (rows []string) {
	for i := range n {
		rows = append(rows, fmt.Sprintf("%03d", i))
	}
	return rows
}

func TestABatchOfAHundredIsMade(t *testing.T) {
	client := start(t, tables.Options{}).table(t)
	_, err := client.SubmitTransaction(t.Context(), insertions("p", numbered(100)...), nil)
	require.NoError(t, err)
	keys, _ := rowKeys(t.Context(), t, client, nil)
	assert.Equal(t, numbered(100), keys)
}

func TestABatchMakesEveryKindOfChange(t *testing.T) {
	client := start(t, tables.Options{}).table(t)
	old := map[string]any{"A": "1", "B": "1"}
	etag := add(t, client, "p", "merged", old)
	for _, row := range []string{"replaced", "deleted"} {
		add(t, client, "p", row, old)
	}
	change := map[string]any{"B": "2"}
	_, err := client.SubmitTransaction(t.Context(), []aztables.TransactionAction{
		{ActionType: aztables.TransactionTypeAdd, Entity: entity("p", "added", change)},
		{ActionType: aztables.TransactionTypeUpdateMerge, Entity: entity("p", "merged", change), IfMatch: &etag},
		{ActionType: aztables.TransactionTypeUpdateReplace, Entity: entity("p", "replaced", change), IfMatch: to.Ptr(azcore.ETagAny)},
		{ActionType: aztables.TransactionTypeInsertMerge, Entity: entity("p", "upserted", change)},
		{ActionType: aztables.TransactionTypeDelete, Entity: entity("p", "deleted", nil)},
	}, nil)
	require.NoError(t, err)
	keys, _ := rowKeys(t.Context(), t, client, nil)
	assert.Equal(t, []string{"added", "merged", "replaced", "upserted"}, keys)
	assert.Equal(t, map[string]any{"A": "1", "B": "2"}, get(t, client, "p", "merged").Properties)
	assert.Equal(t, change, get(t, client, "p", "replaced").Properties)
}

func TestAFailingBatchLeavesNothing(t *testing.T) {
	f := start(t, tables.Options{})
	client := f.table(t)
	add(t, client, "p", "there", map[string]any{"A": "1"})
	before := f.account.Dump()
	for name, test := range map[string]struct {
		actions []aztables.TransactionAction
		status  string
		code    string
		message string
	}{
		"a row exists": {
			insertions("p", "a", "there", "b"), "409 Conflict", "EntityAlreadyExists", `"1:The specified entity already exists.\n`,
		},
		"an ETag is stale": {
			append(insertions("p", "a"), aztables.TransactionAction{
				ActionType: aztables.TransactionTypeUpdateMerge, Entity: entity("p", "there", nil), IfMatch: to.Ptr(azcore.ETag(stale)),
			}), "412 Precondition Failed", "UpdateConditionNotSatisfied", `"1:The update condition`,
		},
		"a row to delete is missing": {
			append(insertions("p", "a"), aztables.TransactionAction{ActionType: aztables.TransactionTypeDelete, Entity: entity("p", "gone", nil)}),
			"404 Not Found", "ResourceNotFound", `"1:The specified resource does not exist.`,
		},
		"a row comes twice": {
			insertions("p", "a", "b", "a"), "400 Bad Request", "InvalidDuplicateRow", `"2:The batch request contains multiple changes with same row key.`,
		},
		"two partitions": {
			append(insertions("p", "a"), insertions("q", "a")...), "400 Bad Request", "CommandsInBatchActOnDifferentPartitions", `"1:All commands`,
		},
		"a hundred and one": {
			insertions("p", numbered(101)...), "400 Bad Request", "InvalidInput", `"100:The batch request operation exceeds`,
		},
		"a key is not allowed": {
			insertions("p", "a", "b/c"), "400 Bad Request", "OutOfRangeInput", `"1:The 'RowKey' parameter of value 'b/c' is out of range.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.SubmitTransaction(t.Context(), test.actions, nil)
			var response *azcore.ResponseError
			require.ErrorAs(t, err, &response)
			assert.Equal(t, http.StatusAccepted, response.StatusCode, "the batch itself was accepted")
			body, err := io.ReadAll(response.RawResponse.Body)
			require.NoError(t, err)
			assert.Contains(t, string(body), "HTTP/1.1 "+test.status+"\r\n")
			assert.Contains(t, string(body), `"code":"`+test.code+`"`)
			assert.Contains(t, string(body), test.message)
			assert.Equal(t, before, f.account.Dump())
		})
	}
}

func TestABatchNeedsItsTable(t *testing.T) {
	_, err := start(t, tables.Options{}).service.NewClient("nowhere").SubmitTransaction(t.Context(), insertions("p", "a"), nil)
	var response *azcore.ResponseError
	require.ErrorAs(t, err, &response)
	body, err := io.ReadAll(response.RawResponse.Body)
	require.NoError(t, err)
	assert.Contains(t, string(body), "0:The table specified does not exist.")
}
