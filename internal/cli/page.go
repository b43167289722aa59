package cli

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// page is an answer as people see it.
type page struct {
	now    time.Time
	zone   *time.Location
	colour bool
	text   bytes.Buffer
}

// column is one column of a table, or one line of a list of fields.
type column struct {
	head  string
	field string // a path in the record
	as    func(*page, any) string
}

func (c column) cell(p *page, r record) string {
	if c.as == nil {
		return r.text(c.field)
	}
	return c.as(p, r.at(c.field))
}

// table writes records in columns. A column that is empty for all is left out, and
// without records there is a word instead.
func (p *page) table(records []record, none string, columns ...column) {
	if len(records) == 0 {
		p.line("%s", none)
		return
	}
	rows := make([][]string, len(records)+1)
	for _, c := range columns {
		cells, filled := make([]string, len(records)), false
		for i, r := range records {
			cells[i] = c.cell(p, r)
			filled = filled || cells[i] != ""
		}
		if !filled {
			continue
		}
		rows[0] = append(rows[0], c.head)
		for i, cell := range cells {
			rows[i+1] = append(rows[i+1], cell)
		}
	}
	p.aligned(rows)
}

// fields writes what is not empty of one record, a line each.
func (p *page) fields(r record, columns ...column) {
	var rows [][]string
	for _, c := range columns {
		if cell := c.cell(p, r); cell != "" {
			rows = append(rows, []string{c.head, cell})
		}
	}
	p.aligned(rows)
}

func (p *page) aligned(rows [][]string) {
	widths := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(p.coloured(cell))
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		p.line("%s", strings.TrimRight(line.String(), " "))
	}
}

// title begins a part of the page.
func (p *page) title(text string) {
	p.line("\n%s", text)
}

func (p *page) line(format string, args ...any) {
	_, _ = fmt.Fprintf(&p.text, format+"\n", args...)
}

// tones are the colours of the words that say how something stands.
var tones = map[string]string{
	"failed": "31", "incomplete": "31", "error": "31", "bad": "31", "expired": "31",
	"completed": "32", "confirmed": "32", "current": "32", "ok": "32", "removed": "32",
	"running": "33", "pending": "33", "requested": "33", "staged": "33", "verified": "33", "published": "33",
	"waiting": "33", "removing": "33", "warning": "33", "unresolved": "33", "skipped": "33",
}

func (p *page) coloured(cell string) string {
	tone, known := tones[cell]
	if !p.colour || !known {
		return cell
	}
	return "\x1b[" + tone + "m" + cell + "\x1b[0m"
}
