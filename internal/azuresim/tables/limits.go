package tables

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/rekey-dev/rekey/internal/azuresim/tables/odata"
)

// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
const (
	maxRequest      = 4 << 20
	maxEntity       = 1 << 20
	maxValue        = 64 << 10
	maxKeyUnits     = 512 // 1 KiB in UTF-16
	maxProperties   = 252 // 255 with the three of the system
	maxPropertyName = 255
	maxChanges      = 100
	maxPage         = 1000
)

var (
	tableNameForm    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
	propertyNameForm = regexp.MustCompile(`^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}\p{Cf}]*$`)
)

// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#table-names
func checkTableName(name string) error {
	switch {
	case name == "":
		return errPropertiesNeedValue
	case len(name) < 3 || len(name) > 63:
		return errTableNameLength
	case !tableNameForm.MatchString(name) || strings.EqualFold(name, "tables"):
		return errTableNameCharacters
	}
	return nil
}

func (k key) check() error {
	if err := checkKey("PartitionKey", k.partition); err != nil {
		return err
	}
	return checkKey("RowKey", k.row)
}

func checkKey(name, value string) error {
	if units(value) > maxKeyUnits {
		return errKeyValueTooLarge
	}
	if strings.ContainsFunc(value, isForbiddenInKey) {
		return outOfRange(fmt.Sprintf("The '%s' parameter of value '%s' is out of range.", name, value))
	}
	return nil
}

func isForbiddenInKey(r rune) bool {
	return strings.ContainsRune(`/\#?`, r) || unicode.IsControl(r)
}

// check reports the first limit that the entity exceeds.
func (e *Entity) check() error {
	if len(e.Properties) > maxProperties {
		return errTooManyProperties
	}
	total := 4 + 2*(units(e.PartitionKey)+units(e.RowKey))
	for name, value := range e.Properties {
		if err := checkPropertyName(name); err != nil {
			return err
		}
		size := valueSize(value)
		if size > maxValue {
			return errPropertyValueTooLarge
		}
		total += 8 + 2*units(name) + size
		if isLengthPrefixed(value) {
			total += 4
		}
	}
	if total > maxEntity {
		return errEntityTooLarge
	}
	return nil
}

func checkPropertyName(name string) error {
	if units(name) > maxPropertyName {
		return errPropertyNameTooLong
	}
	if !propertyNameForm.MatchString(name) {
		return errPropertyNameInvalid
	}
	return nil
}

// valueSize is the room that a value takes in an entity, without its length.
func valueSize(value any) int {
	switch value := value.(type) {
	case string:
		return 2 * units(value)
	case []byte:
		return len(value)
	case bool:
		return 1
	case int32:
		return 4
	case int64, float64, time.Time:
		return 8
	case odata.GUID:
		return 16
	}
	return 0
}

func isLengthPrefixed(value any) bool {
	switch value.(type) {
	case string, []byte:
		return true
	}
	return false
}

// units is a string's length in UTF-16, in which the service counts.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}
