package tables

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/tables/odata"
)

// processing is what the service says about most bodies it cannot read.
const processing = "An error occurred while processing this request."

const typeSuffix = "@odata.type"

// decodeEntity reads a row's properties, its keys among them. Null values, metadata
// and the Timestamp are not stored.
// https://learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
func decodeEntity(body []byte) (map[string]any, error) {
	raw, types, err := decodeObject(body)
	if err != nil {
		return nil, err
	}
	properties := map[string]any{}
	for name, value := range raw {
		if value == nil || name == "Timestamp" || strings.HasPrefix(name, "odata.") {
			continue
		}
		if properties[name], err = decodeValue(value, types[name]); err != nil {
			return nil, err
		}
	}
	return properties, nil
}

// decodeObject separates values from their types and refuses a name that comes twice.
func decodeObject(body []byte) (values map[string]any, types map[string]string, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, nil, invalidInput(processing)
	}
	values, types = map[string]any{}, map[string]string{}
	seen := map[string]bool{}
	for decoder.More() {
		name, value, err := decodeMember(decoder)
		if err != nil {
			return nil, nil, err
		}
		if seen[name] {
			return nil, nil, errDuplicateProperties
		}
		seen[name] = true
		if property, ok := strings.CutSuffix(name, typeSuffix); ok {
			types[property], _ = value.(string)
			continue
		}
		values[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, nil, invalidInput(processing)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, nil, invalidInput(processing)
	}
	return values, types, nil
}

// decodeMember reads a name and a value that is not itself an object or an array.
func decodeMember(decoder *json.Decoder) (name string, value any, err error) {
	token, err := decoder.Token()
	if err != nil {
		return "", nil, invalidInput(processing)
	}
	name, _ = token.(string) // within an object nothing else can come
	value, err = decoder.Token()
	if err != nil {
		return "", nil, invalidInput(processing)
	}
	if _, nested := value.(json.Delim); nested {
		return "", nil, invalidInput(processing)
	}
	return name, value, nil
}

func decodeValue(value any, edmType string) (any, error) {
	decoded, err := decodeAs(value, edmType)
	switch {
	case errors.Is(err, odata.ErrOutOfRange), errors.Is(err, strconv.ErrRange):
		return nil, outOfRange("One of the request inputs is out of range.")
	case err != nil:
		return nil, invalidInput(processing)
	}
	return decoded, nil
}

var errWrongType = errors.New("value does not fit its type")

func decodeAs(value any, edmType string) (any, error) {
	switch value := value.(type) {
	case bool:
		if edmType == "" || edmType == "Edm.Boolean" {
			return value, nil
		}
	case json.Number:
		return decodeNumber(string(value), edmType)
	case string:
		return decodeString(value, edmType)
	}
	return nil, errWrongType
}

func decodeNumber(text, edmType string) (any, error) {
	switch edmType {
	case "":
		if n, err := strconv.ParseInt(text, 10, 32); err == nil {
			return int32(n), nil
		}
		return strconv.ParseFloat(text, 64)
	case "Edm.Int32":
		n, err := strconv.ParseInt(text, 10, 32)
		return int32(n), err
	case "Edm.Int64":
		return strconv.ParseInt(text, 10, 64)
	case "Edm.Double":
		return strconv.ParseFloat(text, 64)
	}
	return nil, errWrongType
}

func decodeString(text, edmType string) (any, error) {
	switch edmType {
	case "", "Edm.String":
		return text, nil
	case "Edm.Int64":
		return strconv.ParseInt(text, 10, 64)
	case "Edm.DateTime":
		return odata.ParseDateTime(text)
	case "Edm.Guid":
		return odata.ParseGUID(text)
	case "Edm.Binary":
		return base64.StdEncoding.DecodeString(text)
	case "Edm.Double":
		return decodeSpecial(text)
	}
	return nil, errWrongType
}

// decodeSpecial reads the doubles for which JSON has no number.
func decodeSpecial(text string) (any, error) {
	switch text {
	case "NaN":
		return math.NaN(), nil
	case "Infinity", "INF":
		return math.Inf(1), nil
	case "-Infinity", "-INF":
		return math.Inf(-1), nil
	}
	return strconv.ParseFloat(text, 64)
}
