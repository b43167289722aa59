package tablestore

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/engine"
)

// transaction is a transaction's request. The addresses in it lie below that of
// the service.
// https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
type transaction struct{ parts []part }

// part is the request for one change. Its path belongs behind the service's address.
type part struct {
	method, path, condition string
	entity                  []byte
}

func newTransaction(changes []engine.Change) (*transaction, error) {
	t := &transaction{parts: make([]part, 0, len(changes))}
	for _, change := range changes {
		p, err := partOf(change)
		if err != nil {
			return nil, err
		}
		t.parts = append(t.parts, p)
	}
	return t, nil
}

func partOf(change engine.Change) (p part, err error) {
	row := "/" + change.Table + "(PartitionKey='" + escaped(change.Partition) + "',RowKey='" + escaped(change.Row) + "')"
	switch change.Op {
	case engine.Insert:
		p = part{method: http.MethodPost, path: "/" + change.Table, condition: "Prefer: return-no-content\r\n"}
	case engine.Merge:
		p = part{method: http.MethodPatch, path: row, condition: "If-Match: " + change.ETag + "\r\n"}
	case engine.Put:
		p = part{method: http.MethodPatch, path: row}
	case engine.Delete:
		return part{method: http.MethodDelete, path: row, condition: "If-Match: *\r\n"}, nil
	}
	p.entity, err = encode(change.Key, change.Properties)
	return p, err
}

// escaped is a key as an address has it.
func escaped(key string) string { return url.PathEscape(quoted(key)) }

// compose writes the body for a service at an address without a final slash.
func (t *transaction) compose(service string) (body []byte, contentType string) {
	batch, changes := "batch_"+uuid.NewString(), "changeset_"+uuid.NewString()
	var b bytes.Buffer
	fmt.Fprintf(&b, "--%s\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n", batch, changes)
	for _, p := range t.parts {
		fmt.Fprintf(&b, "--%s\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n", changes)
		fmt.Fprintf(&b, "%s %s%s HTTP/1.1\r\n%sAccept: application/json;odata=minimalmetadata\r\nDataServiceVersion: 3.0\r\n",
			p.method, service, p.path, p.condition)
		if p.entity != nil {
			b.WriteString("Content-Type: application/json\r\n")
		}
		fmt.Fprintf(&b, "\r\n%s\r\n", p.entity)
	}
	fmt.Fprintf(&b, "--%s--\r\n--%s--\r\n", changes, batch)
	return b.Bytes(), "multipart/mixed; boundary=" + batch
}
