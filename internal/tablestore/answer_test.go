package tablestore_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/tablestore"
)

// FuzzAnswers gives any answer to every call of the store. What it cannot have done is an
// error that names table and row, and holds nothing of the key.
func FuzzAnswers(f *testing.F) {
	const batch = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n" +
		"HTTP/1.1 204 No Content\r\nETag: W/\"1\"\r\n\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\nETag: W/\"2\"\r\n\r\n\r\n--c--\r\n--b--\r\n"
	say := func(status int, contentType, body string) cloudtest.Answer {
		return cloudtest.Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
	}
	cloudtest.Seed(f,
		say(200, "application/json", `{"value":[{"odata.etag":"W/\"1\"","PartitionKey":"p","RowKey":"r","at@odata.type":"Edm.DateTime","at":"2026-01-02T03:04:05Z","n@odata.type":"Edm.Int64","n":"5"}]}`),
		say(200, "application/json", `{"odata.etag":"W/\"1\"","PartitionKey":"p","RowKey":"r","text":"x"}`),
		say(404, "application/json", `{"odata.error":{"code":"ResourceNotFound","message":{"lang":"en-US","value":"Not there.\nRequestId:x"}}}`),
		say(412, "application/json", `{"odata.error":{"code":"UpdateConditionNotSatisfied","message":{"value":"Not satisfied."}}}`),
		say(202, "multipart/mixed; boundary=b", batch),
		say(202, "multipart/mixed; boundary=b", "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHTTP/1.1 999\r\n\r\n"),
		say(204, "", ""),
	)
	key := base64.StdEncoding.EncodeToString([]byte("the key that nobody may see"))
	connection := "DefaultEndpointsProtocol=https;AccountName=account;AccountKey=" + key + ";EndpointSuffix=core.windows.net"
	f.Fuzz(func(t *testing.T, _, status int, retryAfter, contentType string, body []byte, endless bool) {
		said := cloudtest.Says(cloudtest.Odd(status, retryAfter, contentType, body, endless, ""))
		store, err := tablestore.FromConnectionString(connection, tablestore.Options{Transport: outbound.Straight(said)})
		require.NoError(t, err)
		ctx := policy.WithRetryOptions(t.Context(), policy.RetryOptions{MaxRetries: -1})
		for name, err := range everyCall(ctx, store) {
			if err == nil {
				continue
			}
			text := err.Error()
			assert.Regexp(t, "^tablestore: ", text, name)
			assert.Less(t, len(text), 2000, name)
			assert.True(t, utf8.ValidString(text), text)
			assert.NotContains(t, text, key)
		}
		assert.NotContains(t, said.Hosts(), cloudtest.Elsewhere)
		assert.LessOrEqual(t, said.Read(), int64(17<<20))
	})
}

func everyCall(ctx context.Context, store *tablestore.Store) map[string]error {
	key := engine.Key{Table: "rotations", Partition: "p", Row: "r"}
	other := engine.Key{Table: "rotations", Partition: "p", Row: "s"}
	properties := map[string]any{"text": "x", "n": int64(5), "at": time.Unix(0, 0)}
	all := map[string]error{"ensure": store.EnsureTables(ctx, "rotations")}
	_, all["get"] = store.Get(ctx, key)
	for _, err := range store.Query(ctx, engine.Range{Table: "rotations", Partition: "p", Limit: 10}) {
		all["query"] = err
	}
	for name, change := range map[string]engine.Change{
		"insert": {Op: engine.Insert, Key: key, Properties: properties, NewETag: new(string)},
		"merge":  {Op: engine.Merge, Key: key, Properties: properties, ETag: `W/"1"`},
		"put":    {Op: engine.Put, Key: key, Properties: properties},
		"delete": {Op: engine.Delete, Key: key},
	} {
		all[name] = store.Write(ctx, change)
		all[name+" in a batch"] = store.Write(ctx, change, engine.Change{Op: engine.Put, Key: other, Properties: properties})
	}
	return all
}
