package tablestore

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
)

const failedTransaction = "--batch\r\nContent-Type: multipart/mixed; boundary=changes\r\n\r\n" +
	"--changes\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n" +
	"HTTP/1.1 412 Precondition Failed\r\nContent-Type: application/json\r\n\r\n" +
	`{"odata.error":{"code":"UpdateConditionNotSatisfied","message":{"lang":"en-US","value":"1:Not satisfied.\nRequestId:x"}}}` +
	"\r\n--changes--\r\n--batch--\r\n"

func TestAFailedTransactionNamesItsReason(t *testing.T) {
	_, refused, err := transaction{"multipart/mixed; boundary=batch", []byte(failedTransaction)}.read()
	require.NoError(t, err)
	assert.EqualError(t, refused, "HTTP 412 UpdateConditionNotSatisfied: 1:Not satisfied.")
}

func FuzzTransactionAnswer(f *testing.F) {
	f.Add("multipart/mixed; boundary=batch", failedTransaction)
	f.Add("multipart/mixed; boundary=batch", "--batch\r\nContent-Type: multipart/mixed; boundary=batch\r\n\r\n--batch--\r\n")
	f.Add("application/json", `{"odata.error":{}}`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		etags := []string{"", ""}
		err := transaction{contentType, []byte(body)}.settle([]engine.Change{{NewETag: &etags[0]}, {NewETag: &etags[1]}})
		if err != nil {
			assert.Equal(t, []string{"", ""}, etags, "no ETag of a transaction that failed")
		}
	})
}

func FuzzRow(f *testing.F) {
	f.Add(`{"odata.etag":"W/\"1\"","PartitionKey":"a","RowKey":"b","Timestamp":"2026-01-02T03:04:05.1Z","text":"x","whole":1,"half":0.5,"yes":true}`)
	f.Add(`{"long@odata.type":"Edm.Int64","long":"9223372036854775807","at@odata.type":"Edm.DateTime","at":"2026-01-02T03:04:05.1234567Z"}`)
	f.Add(`{"long@odata.type":"Edm.Int64","long":"much"}`)
	f.Add(`{"RowKey":1,"odata.etag":{},"x@odata.type":[],"x":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		row, err := decodeRow("table", []byte(body))
		if err != nil {
			return
		}
		for name, property := range row.Properties {
			switch property.(type) {
			case string, bool, int64, time.Time:
			default:
				t.Errorf("property %q is a %T", name, property)
			}
		}
	})
}
