package tables

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	outerStart = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
	partStart  = "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
	bothEnd    = "--c--\r\n--b--\r\n"
)

var partStatus = regexp.MustCompile(`(?m)^HTTP/1\.1 (\d{3}) `)

// Whatever a batch holds, it is made as a whole or leaves everything as it was.
func FuzzBatch(f *testing.F) {
	post := "POST /devstoreaccount1/orders HTTP/1.1\r\n\r\n{\"PartitionKey\":\"p\",\"RowKey\":\"new\"}\r\n"
	again := "POST /devstoreaccount1/orders HTTP/1.1\r\n\r\n{\"PartitionKey\":\"p\",\"RowKey\":\"there\"}\r\n"
	drop := "DELETE /devstoreaccount1/orders(PartitionKey='p',RowKey='there') HTTP/1.1\r\nIf-Match: *\r\n\r\n\r\n"
	for _, seed := range []string{
		outerStart + partStart + post + bothEnd,
		outerStart + partStart + post + partStart + again + bothEnd,
		outerStart + partStart + post + partStart + drop + bothEnd,
		outerStart + partStart + post + partStart + post + bothEnd,
		outerStart + partStart + "GET x", outerStart + bothEnd, "--b--", "",
		strings.ReplaceAll(outerStart+partStart+post+bothEnd, "\r", ""),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := New(Options{})
		require.NoError(t, a.createTable("orders"))
		there := change{verb: insert, key: key{"p", "there"}, properties: map[string]any{}}
		_, _, err := a.tables["orders"].apply([]change{there}, a.stamp)
		require.NoError(t, err)
		before := a.Dump()

		o := operation{method: http.MethodPost, body: body, header: http.Header{"Content-Type": {"multipart/mixed; boundary=b"}}}
		got, err := a.answerBatch(o, "id")
		if err != nil {
			assert.Equal(t, before, a.Dump())
			return
		}
		statuses := partStatus.FindAllSubmatch(got.body, -1)
		require.NotEmpty(t, statuses)
		if statuses[0][1][0] != '2' {
			assert.Len(t, statuses, 1, "the refusal stands alone")
			assert.Equal(t, before, a.Dump())
		}
	})
}

// What is stored is shown so that it can be stored again and be the same.
func FuzzEntity(f *testing.F) {
	for _, seed := range []string{
		`{"A":1,"B":2.5,"C":"x","D":true,"E":null}`, `{"A":"5","A@odata.type":"Edm.Int64"}`, `{"A":4294967296}`, `{"A":-0.0}`,
		`{"A":"NaN","A@odata.type":"Edm.Double"}`, `{"A":"2026-01-02T03:04:05.1234567Z","A@odata.type":"Edm.DateTime"}`,
		`{"A":"AQI=","A@odata.type":"Edm.Binary"}`, `{"A":"C9DA6455-213D-42C9-9A79-3E9149A57833","A@odata.type":"Edm.Guid"}`,
		`{"A":1,"A":2}`, `{"\u0000":"\ud800"}`, `[`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		properties, err := decodeEntity(body)
		if err != nil {
			return
		}
		e := newEntity(key{}, properties, time.Unix(0, 0).UTC())
		if e.check() != nil {
			return
		}
		shown := view{level: minimalMetadata, table: "t"}
		first := shown.one(e)
		again, err := decodeEntity(first)
		require.NoError(t, err, string(first))
		delete(again, "PartitionKey")
		delete(again, "RowKey")
		if second := shown.one(newEntity(key{}, again, e.Timestamp)); !bytes.Equal(first, second) {
			t.Fatalf("%s became %s", first, second)
		}
	})
}

// An address that the account writes names the row that it was written for.
func FuzzAddress(f *testing.F) {
	f.Add("p", "r")
	f.Add("O'Brien", "a b%41+&,()")
	f.Add("", "',RowKey='")
	f.Fuzz(func(t *testing.T, partition, row string) {
		k := key{partition, row}
		if k.check() != nil {
			return
		}
		got, err := parseResource("/" + accountName + "/orders" + newEntity(k, nil, time.Time{}).address())
		require.NoError(t, err)
		assert.Equal(t, resource{kind: entity, table: "orders", key: k}, got)
	})
}
