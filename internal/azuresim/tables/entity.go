package tables

import (
	"bytes"
	"maps"
	"net/url"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/tables/odata"
)

// Entity is a row. The values of Properties have the types that package odata
// lists. Inside the account an entity never changes: a write puts another in its
// place, so that readers need no lock once they hold one.
type Entity struct {
	PartitionKey string
	RowKey       string
	Timestamp    time.Time
	ETag         string
	Properties   map[string]any
}

// key addresses a row of a table.
type key struct{ partition, row string }

func newEntity(k key, properties map[string]any, written time.Time) *Entity {
	return &Entity{
		PartitionKey: k.partition, RowKey: k.row,
		Timestamp: written, ETag: etag(written), Properties: properties,
	}
}

func etag(written time.Time) string {
	return `W/"datetime'` + url.QueryEscape(written.Format(odata.DateTimeForm)) + `'"`
}

func (e *Entity) clone() Entity {
	copied := *e
	copied.Properties = maps.Clone(e.Properties)
	for name, value := range copied.Properties {
		if binary, ok := value.([]byte); ok {
			copied.Properties[name] = bytes.Clone(binary)
		}
	}
	return copied
}

// value is the entity as filters see it.
func (e *Entity) value(property string) (any, bool) {
	switch property {
	case "PartitionKey":
		return e.PartitionKey, true
	case "RowKey":
		return e.RowKey, true
	case "Timestamp":
		return e.Timestamp, true
	}
	value, ok := e.Properties[property]
	return value, ok
}
