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
	members, err := decodeMembers(body)
	if err != nil {
		return nil, nil, err
	}
	values, types = make(map[string]any, len(members)), map[string]string{}
	for name, value := range members {
		switch value.(type) {
		case map[string]any, []any:
			return nil, nil, invalidInput(processing)
		}
		if property, ok := strings.CutSuffix(name, typeSuffix); ok {
			types[property], _ = value.(string)
			continue
		}
		values[name] = value
	}
	if colons(body) != len(members) {
		return nil, nil, errDuplicateProperties
	}
	return values, types, nil
}

func decodeMembers(body []byte) (members map[string]any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil || members == nil {
		return nil, invalidInput(processing)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, invalidInput(processing)
	}
	return members, nil
}

// colons counts those outside of texts. In an object without another inside there
// is one for each member, also for those whose name came before.
func colons(body []byte) (count int) {
	inText := false
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++ // whatever is escaped ends no text
		case '"':
			inText = !inText
		case ':':
			if !inText {
				count++
			}
		}
	}
	return count
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
