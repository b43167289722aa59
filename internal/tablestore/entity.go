package tablestore

import (
	"encoding/json"
	"fmt"
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

// decode reads a row as the service writes it. The SDK asks for minimal metadata,
// which names the types that JSON does not show.
func decode(table string, body []byte) (engine.Row, error) {
	var entity aztables.EDMEntity
	if err := json.Unmarshal(body, &entity); err != nil {
		return engine.Row{}, fmt.Errorf("the row is unreadable: %w", err)
	}
	row := engine.Row{
		Key:        engine.Key{Table: table, Partition: entity.PartitionKey, Row: entity.RowKey},
		ETag:       entity.ETag,
		Properties: make(map[string]any, len(entity.Properties)),
	}
	for name, value := range entity.Properties {
		switch value := value.(type) {
		case string, bool:
			row.Properties[name] = value
		case int32:
			row.Properties[name] = int64(value)
		case aztables.EDMInt64:
			row.Properties[name] = int64(value)
		case aztables.EDMDateTime:
			row.Properties[name] = time.Time(value)
		case aztables.EDMGUID:
			row.Properties[name] = string(value)
		}
	}
	return row, nil
}
