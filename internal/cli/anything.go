package cli

import (
	"maps"
	"slices"
	"strings"
)

// showAnything shows a record of which no more is known than its names: what is simple
// in lines, and each list of objects as a table.
func showAnything(p *page, r record) {
	names := namesIn(r)
	var simple []column
	for _, name := range names {
		if r.list(name) == nil {
			simple = append(simple, column{name + ":", name, guessed(name)})
		}
	}
	p.fields(r, simple...)
	for _, name := range names {
		if list := r.list(name); list != nil {
			p.title(strings.ToUpper(name))
			p.table(list, "", columnsOf(list)...)
		}
	}
}

// columnsOf are all names in some records.
func columnsOf(records []record) (columns []column) {
	all := record{}
	for _, r := range records {
		maps.Copy(all, r)
	}
	for _, name := range namesIn(all) {
		columns = append(columns, column{strings.ToUpper(name), name, guessed(name)})
	}
	return columns
}

// namesIn are the names in a record, what tells records apart first.
func namesIn(r record) []string {
	first := []string{"id", "kind", "name", "action"}
	return slices.SortedFunc(maps.Keys(r), func(a, b string) int {
		i, j := slices.Index(first, a), slices.Index(first, b)
		switch {
		case i >= 0 && j >= 0:
			return i - j
		case i >= 0:
			return -1
		case j >= 0:
			return 1
		}
		return strings.Compare(a, b)
	})
}

// guessed shows as a time what is called like one.
func guessed(name string) func(*page, any) string {
	for _, end := range []string{"At", "expires", "created", "lastUsed", "since"} {
		if strings.HasSuffix(name, end) {
			return when
		}
	}
	return nil
}
