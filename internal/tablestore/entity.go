package tablestore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/rekey-dev/rekey/internal/engine"
)

// encode writes a row as the service reads it, with the type of whatever JSON has
// no type for. (The SDK's own EDMEntity doubles quotes in keys, also where they
// are no part of an address.)
// https://learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
func encode(key engine.Key, properties map[string]any) ([]byte, error) {
	entity := map[string]any{}
	for name, value := range properties {
		switch value := value.(type) {
		case string, bool:
			entity[name] = value
		case int64:
			entity[name], entity[typeOf(name)] = aztables.EDMInt64(value), "Edm.Int64"
		case time.Time:
			entity[name], entity[typeOf(name)] = aztables.EDMDateTime(value.UTC()), "Edm.DateTime"
		default:
			return nil, fmt.Errorf("property %q: a %T: must be a string, a bool, an int64 or a time.Time", name, value)
		}
	}
	entity["PartitionKey"], entity["RowKey"] = key.Partition, key.Row
	return json.Marshal(entity)
}

func typeOf(property string) string { return property + "@odata.type" }

// decodePage reads the rows of an answer to a query.
func decodePage(table string, body []byte) ([]engine.Row, error) {
	var page struct {
		Value []map[string]any `json:"value"`
	}
	if err := unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("the answer is unreadable: %w", err)
	}
	rows := make([]engine.Row, 0, len(page.Value))
	for _, entity := range page.Value {
		row, err := rowOf(table, entity)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// decodeRow reads an answer that is one row.
func decodeRow(table string, body []byte) (engine.Row, error) {
	var entity map[string]any
	if err := unmarshal(body, &entity); err != nil {
		return engine.Row{}, fmt.Errorf("the row is unreadable: %w", err)
	}
	return rowOf(table, entity)
}

// unmarshal keeps numbers as they are written: 1 and 1.0 are of different types.
func unmarshal(body []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	return decoder.Decode(value)
}

// rowOf takes a row as the service writes it. The SDK asks for minimal metadata,
// which names the types that JSON does not show.
func rowOf(table string, entity map[string]any) (engine.Row, error) {
	row := engine.Row{Properties: make(map[string]any, len(entity))}
	row.Table = table
	row.Partition, _ = entity["PartitionKey"].(string)
	row.Row, _ = entity["RowKey"].(string)
	row.ETag, _ = entity["odata.etag"].(string)
	for name, value := range entity {
		if isOwn(name) {
			continue
		}
		edm, _ := entity[typeOf(name)].(string)
		property, err := propertyOf(edm, value)
		if err != nil {
			return engine.Row{}, fmt.Errorf("the row is unreadable: property %q: %w", name, err)
		}
		if property != nil {
			row.Properties[name] = property
		}
	}
	return row, nil
}

// isOwn tells the service's own members of a row from the properties.
func isOwn(name string) bool {
	switch name {
	case "PartitionKey", "RowKey", "Timestamp":
		return true
	}
	return strings.Contains(name, "@odata.") || strings.HasPrefix(name, "odata.")
}

// propertyOf is a property's value, or nil if it is of a type that is none of ours.
func propertyOf(edm string, value any) (any, error) {
	switch value := value.(type) {
	case bool:
		return value, nil
	case json.Number:
		if whole, err := strconv.ParseInt(string(value), 10, 32); err == nil && edm == "" {
			return whole, nil
		}
	case string:
		switch edm {
		case "", "Edm.String", "Edm.Guid":
			return value, nil
		case "Edm.Int64":
			return strconv.ParseInt(value, 10, 64)
		case "Edm.DateTime":
			return time.Parse(time.RFC3339Nano, value)
		}
	}
	return nil, nil
}
