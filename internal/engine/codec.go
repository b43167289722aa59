package engine

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// schema is the version of the rows that this code writes. Rows of a newer one
// are left alone: a newer version of the code is at work. A property that is added
// needs no newer schema, because updates are merges and drop nothing. A field that
// is added inside a property does: whoever does not know it would write without it.
const schema = 1

// ErrNewerSchema says that a row was written by a newer version of the code.
var ErrNewerSchema = errors.New("the row was written by a newer version")

// ErrUnreadable says that a row holds what this code never writes: somebody edited
// or restored it. Nothing is done on the strength of it.
var ErrUnreadable = errors.New("the row cannot be read")

// encode turns a record into properties, one per field: texts, numbers and truth
// values as themselves, times as RFC 3339, everything else as JSON.
func encode(record any) map[string]any {
	properties := map[string]any{"schema": int64(schema)}
	v := reflect.ValueOf(record)
	for name, field := range fields(v) {
		properties[name] = encodeField(field)
	}
	return properties
}

func encodeField(v reflect.Value) any {
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int64:
		return v.Int()
	}
	text, err := encodeText(v.Interface())
	if err != nil {
		panic(fmt.Sprintf("engine: %s cannot be marshalled: %v", v.Type(), err)) // a type of ours that JSON does not know
	}
	return string(text)
}

// encodeText writes what has a text as that, and what has none as JSON.
func encodeText(value any) ([]byte, error) {
	if texter, ok := value.(encoding.TextMarshaler); ok {
		return texter.MarshalText()
	}
	return json.Marshal(value)
}

// decode fills a record from properties. A property that is missing leaves its
// field as it is, so that an older row can be read.
func decode(row Row, record any) error {
	if isNewer(row) {
		return fmt.Errorf("row %q: schema %v: %w", row.Row, row.Properties["schema"], ErrNewerSchema)
	}
	for name, field := range fields(reflect.ValueOf(record).Elem()) {
		property, ok := row.Properties[name]
		if !ok {
			continue
		}
		if err := decodeField(field, property); err != nil {
			return fmt.Errorf("row %q: %w: property %q: %w", row.Row, ErrUnreadable, name, err)
		}
	}
	return nil
}

func isNewer(row Row) bool {
	version, _ := row.Properties["schema"].(int64)
	return version > schema
}

func decodeField(field reflect.Value, property any) error {
	switch p := property.(type) {
	case bool:
		if field.Kind() == reflect.Bool {
			field.SetBool(p)
			return nil
		}
	case int64:
		if field.CanInt() {
			field.SetInt(p)
			return nil
		}
	case time.Time:
		if field.Type() == reflect.TypeFor[time.Time]() {
			field.Set(reflect.ValueOf(p))
			return nil
		}
	case string:
		return decodeText(field, p)
	}
	return fmt.Errorf("a %T does not fit a %s", property, field.Type())
}

func decodeText(field reflect.Value, text string) error {
	if field.Kind() == reflect.String {
		field.SetString(text)
		return nil
	}
	if text == "" {
		return nil
	}
	if texter, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return texter.UnmarshalText([]byte(text))
	}
	return json.Unmarshal([]byte(text), field.Addr().Interface())
}

// fields yields the fields of a struct by their JSON names.
func fields(v reflect.Value) func(func(string, reflect.Value) bool) {
	return func(yield func(string, reflect.Value) bool) {
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if !yield(name, v.Field(i)) {
				return
			}
		}
	}
}
