package api

import (
	"maps"
	"reflect"
	"slices"
	"unicode/utf8"
)

// differences names the fields in which two things differ, inside of objects as well,
// in the order of their names. Lists are compared as a whole.
func differences(old, wanted fields) []ConfigField { return differ("", old, wanted) }

func differ(within string, old, wanted fields) (all []ConfigField) {
	names := map[string]bool{}
	for name := range old {
		names[name] = true
	}
	for name := range wanted {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, was := old[name].(fields)
		after, is := wanted[name].(fields)
		switch {
		case was && is:
			all = append(all, differ(joined(within, name), before, after)...)
		case !reflect.DeepEqual(old[name], wanted[name]) || has(old, name) != has(wanted, name):
			all = append(all, ConfigField{joined(within, name), shortened(old[name]), shortened(wanted[name])})
		}
	}
	return all
}

func has(f fields, name string) bool { _, ok := f[name]; return ok }

// longestShown is how much of a text a plan shows: enough to see what it is.
const longestShown = 200

// shortened cuts long texts, a task's scripts above all.
func shortened(value any) any {
	switch v := value.(type) {
	case string:
		if utf8.RuneCountInString(v) > longestShown {
			return string([]rune(v)[:longestShown]) + "…"
		}
	case []any:
		list := make([]any, len(v))
		for i, inner := range v {
			list[i] = shortened(inner)
		}
		return list
	case fields:
		all := fields{}
		for name, inner := range v {
			all[name] = shortened(inner)
		}
		return all
	}
	return value
}
