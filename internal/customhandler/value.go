package customhandler

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// unreadable says which member has the wrong type in words of the call, not of Go.
func unreadable(err error) error {
	if mistyped, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s must not be a JSON %s", cmp.Or(mistyped.Field, "it"), mistyped.Value)
	}
	return err
}

func isNull(value json.RawMessage) bool {
	value = bytes.TrimSpace(value)
	return len(value) == 0 || string(value) == "null"
}

// unquote strips one JSON string from the value; what is no JSON string stays.
func unquote(value json.RawMessage) (text json.RawMessage, quoted bool) {
	var s string
	if isNull(value) || json.Unmarshal(value, &s) != nil {
		return value, false
	}
	return json.RawMessage(s), true
}

// document returns the JSON document in a value that may be quoted once or twice.
func document(value json.RawMessage) json.RawMessage {
	value, _ = unquote(value)
	value, _ = unquote(value)
	return value
}

// content returns the bytes of a binding's value. A string that is quoted twice is
// text; quoted once it is base64, the form of bytes, and text only where it cannot
// be that. Any other document stands for itself.
func content(value json.RawMessage) []byte {
	once, quoted := unquote(value)
	if !quoted {
		return value
	}
	if text, twice := unquote(once); twice {
		return text
	}
	if decoded, err := base64.StdEncoding.Strict().DecodeString(string(once)); err == nil {
		return decoded
	}
	return once
}

// text, integer and instant read metadata, where the wrong type means absent.
func text(value json.RawMessage) string {
	once, quoted := unquote(value)
	if !quoted {
		return ""
	}
	twice, _ := unquote(once)
	return string(twice)
}

func integer(value json.RawMessage) int64 {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(document(value))), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func instant(value json.RawMessage) time.Time {
	t, err := parseTime(string(document(value)))
	if err != nil {
		return time.Time{}
	}
	return t
}

// parseTime reads the host's times, which may lack their zone: then they are UTC.
// The first day of year 1 is the host's word for never, and is the zero time.
func parseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), nil
	}
	return time.Parse("2006-01-02T15:04:05.999999999", s)
}

// properties reads an object of application properties; numbers are json.Number,
// because the wire no longer says which kind of number they were.
func properties(value json.RawMessage) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(document(value)))
	decoder.UseNumber()
	var all map[string]any
	if decoder.Decode(&all) != nil {
		return nil
	}
	return all
}
