package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// record is an object of an answer. Tables take from it what they know and leave the
// rest, so that an installation may be newer than this program.
type record map[string]any

// at returns what is at a path of names with dots between them, or nil.
func (r record) at(path string) any {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return r[name]
	}
	return r.of(name).at(rest)
}

// of returns an object, or an empty one.
func (r record) of(path string) record {
	object, _ := r.at(path).(map[string]any)
	return object
}

// list returns the objects of a list.
func (r record) list(path string) (all []record) {
	values, _ := r.at(path).([]any)
	for _, v := range values {
		if object, ok := v.(map[string]any); ok {
			all = append(all, object)
		}
	}
	return all
}

func (r record) text(path string) string { return textOf(r.at(path)) }

// textOf writes a value in one line. An object's is that of its name.
func textOf(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return inLine(v)
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []any:
		all := make([]string, len(v))
		for i, one := range v {
			all[i] = textOf(one)
		}
		return strings.Join(all, ", ")
	case map[string]any:
		for _, name := range []string{"name", "id", "detail"} {
			if text := textOf(v[name]); text != "" {
				return text
			}
		}
		return ""
	}
	return fmt.Sprint(value)
}

// plain takes from a text everything that steers a terminal: texts come from outside,
// and whoever may name an application could write on the terminal of whoever lists it.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar):
			return '·'
		}
		return r
	}, text)
}

func inLine(text string) string {
	return strings.Join(strings.FieldsFunc(plain(text), func(r rune) bool { return r == '\n' }), " ")
}
