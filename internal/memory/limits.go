package memory

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/rekey-dev/rekey/internal/engine"
)

// The limits of Table Storage, so that a test in memory meets them too:
// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
const (
	maxKey        = 1 << 10 // bytes in UTF-16
	maxProperty   = 64 << 10
	maxProperties = 252
	tick          = 100 * time.Nanosecond
)

// checkLimits refuses changes that are not one write, or too much for one.
func checkLimits(changes []engine.Change) error {
	if len(changes) == 0 || len(changes) > engine.MaxChanges {
		return fmt.Errorf("memory: write: %d changes: must be from 1 to %d", len(changes), engine.MaxChanges)
	}
	seen := map[string]bool{}
	for _, change := range changes {
		if partitionOf(change.Key) != partitionOf(changes[0].Key) {
			return fmt.Errorf("memory: write %s %q: all changes must be in one partition of one table", change.Table, change.Row)
		}
		if seen[change.Row] {
			return fmt.Errorf("memory: write %s %q: a row must be named once", change.Table, change.Row)
		}
		seen[change.Row] = true
		if err := checkRow(change); err != nil {
			return fmt.Errorf("memory: write %s %q: %w", change.Table, change.Row, err)
		}
	}
	return nil
}

func checkRow(change engine.Change) error {
	for _, key := range []string{change.Partition, change.Row} {
		if size(key) > maxKey || strings.ContainsFunc(key, isForbiddenInKey) {
			return fmt.Errorf("key %q: must have at most 1 KiB, and no slash, backslash, #, ? or control character", key)
		}
	}
	if len(change.Properties) > maxProperties {
		return fmt.Errorf("%d properties: must be at most %d", len(change.Properties), maxProperties)
	}
	for name, value := range change.Properties {
		switch value := value.(type) {
		case bool, int64, time.Time:
		case string:
			if size(value) > maxProperty {
				return fmt.Errorf("property %q: %d bytes in UTF-16: must be at most %d", name, size(value), maxProperty)
			}
		default:
			return fmt.Errorf("property %q: a %T: must be a string, a bool, an int64 or a time.Time", name, value)
		}
	}
	return nil
}

func isForbiddenInKey(r rune) bool { return strings.ContainsRune(`/\#?`, r) || unicode.IsControl(r) }

// size is the room that a text takes in Table Storage.
func size(text string) int { return 2 * len(utf16.Encode([]rune(text))) }

// stored is a value as it is read again: times have a resolution of 100 ns and no zone.
func stored(value any) any {
	if t, ok := value.(time.Time); ok {
		return t.UTC().Truncate(tick)
	}
	return value
}
