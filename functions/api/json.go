package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// format reads and writes JSON as huma does, but refuses what could be read in
// two ways, and says what is wrong without repeating what was sent.
var format = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}

func unmarshal(text []byte, record any) error {
	err := json.Unmarshal(text, record)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return outOfRange(wrong)
	}
	if err != nil {
		return fmt.Errorf("is not JSON: %w", err)
	}
	return unrepeated(json.NewDecoder(bytes.NewReader(text)))
}

// outOfRange explains what the schema let through and Go cannot hold: a number
// that is too large, or an integer written as 3.0.
func outOfRange(wrong *json.UnmarshalTypeError) error {
	field := wrong.Field[strings.LastIndex(wrong.Field, ".")+1:]
	if field == "" {
		return errors.New("has a number that is too large")
	}
	return fmt.Errorf("has a number in %q that is too large, or that should be written as a whole one", field)
}

// unrepeated reads one value of valid JSON and refuses objects that name a field
// twice: each reader would take a different one.
func unrepeated(decoder *json.Decoder) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	delim, _ := token.(json.Delim)
	seen := map[string]bool{}
	for (delim == '{' || delim == '[') && decoder.More() {
		if delim == '{' {
			name, err := decoder.Token()
			if err != nil {
				return err
			}
			if field := name.(string); seen[field] {
				return fmt.Errorf("names the field %q twice", field)
			}
			seen[name.(string)] = true
		}
		if err := unrepeated(decoder); err != nil {
			return err
		}
	}
	if delim != 0 {
		_, err = decoder.Token() // the end of it
	}
	return err
}
