package odata

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

// GUID is an Edm.Guid in its lower-case, hyphenated form.
type GUID string

var guidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// ParseGUID reads a hyphenated GUID in either case.
func ParseGUID(s string) (GUID, error) {
	lower := strings.ToLower(s)
	if !guidForm.MatchString(lower) {
		return "", fmt.Errorf("%q is not a guid", s)
	}
	return GUID(lower), nil
}

// Tick is the resolution of Edm.DateTime.
const Tick = 100 * time.Nanosecond

// DateTimeForm writes an Edm.DateTime with all its ticks.
const DateTimeForm = "2006-01-02T15:04:05.0000000Z"

// ErrOutOfRange says that a value has the right form and lies beyond its type.
var ErrOutOfRange = errors.New("out of range")

// ParseDateTime reads an Edm.DateTime; one without an offset is in UTC. The service
// keeps years 1601 to 9999.
func ParseDateTime(s string) (time.Time, error) {
	t, err := time.Parse("2006-01-02T15:04:05.999999999Z07:00", s)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05.999999999", s)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a datetime", s)
	}
	t = t.UTC().Truncate(Tick)
	if t.Year() < 1601 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("%q: %w", s, ErrOutOfRange)
	}
	return t, nil
}

// compare orders two values of the same type. It reports false when their types
// differ, or when they have no order, as NaN has none.
func compare(a, b any) (int, bool) {
	switch a := a.(type) {
	case string:
		return ordered(a, b)
	case int32:
		return ordered(a, b)
	case int64:
		return ordered(a, b)
	case GUID:
		return ordered(a, b)
	case float64:
		order, same := ordered(a, b)
		other, _ := b.(float64)
		return order, same && !math.IsNaN(a) && !math.IsNaN(other)
	case bool:
		other, same := b.(bool)
		return cmp.Compare(rank(a), rank(other)), same
	case time.Time:
		other, same := b.(time.Time)
		return a.Compare(other), same
	case []byte:
		other, same := b.([]byte)
		return bytes.Compare(a, other), same
	}
	return 0, false
}

func ordered[T cmp.Ordered](a T, b any) (int, bool) {
	other, same := b.(T)
	return cmp.Compare(a, other), same
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}
