package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// changed says in words which fields of a record a person changed, and from what to what:
// "secret.lifetime from 21 to 30 days". Names of fields are those of the rows.
func changed(before, after any) string {
	var words []string
	compare("", reflect.ValueOf(before), reflect.ValueOf(after), func(field, text string) {
		words = append(words, strings.TrimPrefix(field, ".")+" "+text)
	})
	if len(words) == 0 {
		return "nothing changed"
	}
	return strings.Join(words, "; ")
}

// compare tells of every difference within two values of one type.
func compare(field string, before, after reflect.Value, tell func(field, text string)) {
	switch {
	case reflect.DeepEqual(before.Interface(), after.Interface()), isEmpty(before) && isEmpty(after):
	case before.Type() == reflect.TypeFor[time.Duration]():
		tell(field, fromTo(time.Duration(before.Int()), time.Duration(after.Int())))
	case before.Type() == reflect.TypeFor[json.RawMessage]():
		compareNames(field, before.Bytes(), after.Bytes(), tell)
	case before.Kind() == reflect.Struct && before.NumField() > 0:
		for name, old := range fields(before) {
			compare(field+"."+name, old, fieldNamed(after, name), tell)
		}
	case before.Kind() == reflect.Map:
		compareMaps(field, before, after, tell)
	case before.Type() == reflect.TypeFor[[]string]():
		tell(field, listWords(before.Interface().([]string), after.Interface().([]string)))
	case before.Kind() == reflect.Slice, before.Kind() == reflect.Array:
		tell(field, "changed")
	default:
		tell(field, fmt.Sprintf("from %s to %s", quoted(before), quoted(after)))
	}
}

// isEmpty reports whether a list or a map has nothing in it, whatever kind of nothing.
func isEmpty(v reflect.Value) bool {
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

func fieldNamed(v reflect.Value, asked string) (found reflect.Value) {
	for name, field := range fields(v) {
		if name == asked {
			found = field
		}
	}
	return found
}

// compareMaps tells of entries that came, went or changed, by their keys.
func compareMaps(field string, before, after reflect.Value, tell func(field, text string)) {
	keys := map[string]reflect.Value{}
	for _, key := range slices.Concat(before.MapKeys(), after.MapKeys()) {
		keys[key.String()] = key
	}
	prefix := strings.TrimSuffix(field, ".policies")
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		old, changed := before.MapIndex(keys[name]), after.MapIndex(keys[name])
		switch {
		case !old.IsValid():
			tell(prefix+"."+name, "added")
		case !changed.IsValid():
			tell(prefix+"."+name, "removed")
		default:
			compare(prefix+"."+name, old, changed, tell)
		}
	}
}

// compareNames tells which fields of a JSON object differ, and no values: what a place
// is told is for that place.
func compareNames(field string, before, after []byte, tell func(field, text string)) {
	var old, changed map[string]json.RawMessage
	if json.Unmarshal(before, &old) != nil || json.Unmarshal(after, &changed) != nil {
		tell(field, "changed")
		return
	}
	names := maps.Clone(old)
	maps.Copy(names, changed)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if string(old[name]) != string(changed[name]) {
			tell(field+"."+name, "changed")
		}
	}
}

// listWords say what was added to a list and taken from it.
func listWords(before, after []string) string {
	var words []string
	without := func(all, others []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(others, s) })
	}
	if added := without(after, before); len(added) > 0 {
		words = append(words, "with "+strings.Join(added, ", "))
	}
	if gone := without(before, after); len(gone) > 0 {
		words = append(words, "without "+strings.Join(gone, ", "))
	}
	return cmp.Or(strings.Join(words, " and "), "in another order")
}

// fromTo writes two durations in the largest unit that both are whole numbers of.
func fromTo(before, after time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "days"}, {time.Hour, "hours"}, {time.Minute, "minutes"}, {time.Second, "seconds"}} {
		if before%unit.size == 0 && after%unit.size == 0 {
			return fmt.Sprintf("from %d to %d %s", before/unit.size, after/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("from %s to %s", before, after)
}

func quoted(v reflect.Value) string {
	if v.Kind() == reflect.String {
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprint(v.Interface())
}
