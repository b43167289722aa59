package yamldoc

import (
	"bytes"
	"iter"
	"regexp"
	"strings"
)

// split takes the entries of a block mapping apart without parsing them. Where that
// is hard to see it is stuck at a line, and the parser decides.
func (s Section) split() (entries []Entry, stuck int) {
	inner, indent, begun := s, -1, 0
	if s.keyed && !inner.dropKey() {
		return nil, s.offset + 1
	}
	for line := range lines(inner.text) {
		end := begun + len(line.text)
		switch width, content := line.indented(); {
		case content == "" || content[0] == '#' || content == "---" && indent < 0 && !s.keyed:
		case indent >= 0 && width > indent, width == indent && (content == "-" || strings.HasPrefix(content, "- ")):
			if len(entries) == 0 {
				return nil, inner.offset + line.number
			}
		case indent >= 0 && width < indent:
			return nil, inner.offset + line.number
		default:
			key := blockKey.FindStringSubmatch(content)
			if key == nil {
				return nil, inner.offset + line.number
			}
			indent = width
			entries = append(entries, Entry{strings.Trim(key[1], `"'`), Section{
				Position: Position{inner.offset + line.number, width + 1},
				text:     inner.text[begun:begun], offset: inner.offset + line.number - 1, keyed: true,
			}})
		}
		if last := len(entries) - 1; last >= 0 {
			own := &entries[last].text
			*own = (*own)[: len(*own)+len(line.text) : cap(*own)]
		}
		begun = end
	}
	if len(entries) == 0 {
		return nil, s.offset + 1
	}
	return entries, 0
}

// blockKey is a key, the only thing on its line or followed by its value.
var blockKey = regexp.MustCompile(`^([A-Za-z0-9$_][A-Za-z0-9$_-]*|"[A-Za-z0-9$_-]+"|'[A-Za-z0-9$_-]+'):(?:\s|$)`)

// alone is a key with nothing but a comment on its line.
var alone = regexp.MustCompile(`^[^#\s]+:\s*(?:#.*)?$`)

// dropKey takes the line with the key off, if the value begins on the next.
func (s *Section) dropKey() bool {
	line, rest, found := bytes.Cut(s.text, []byte("\n"))
	if !found || !alone.Match(bytes.TrimSpace(line)) {
		return false
	}
	s.text, s.offset = rest, s.offset+1
	return true
}

// line is one line of a text, with its end.
type line struct {
	number int
	text   []byte
}

func lines(text []byte) iter.Seq[line] {
	return func(yield func(line) bool) {
		number := 0
		for l := range bytes.Lines(text) {
			number++
			if !yield(line{number, l}) {
				return
			}
		}
	}
}

// indented returns by how many blanks a line is indented, and what follows them.
func (l line) indented() (width int, content string) {
	inner := bytes.TrimLeft(l.text, " ")
	return len(l.text) - len(inner), string(bytes.TrimRight(inner, " \t\r\n"))
}

// oneDocument refuses a text with more than one document, and directives. At the
// beginning of a line their marks mean nothing else, not even inside a text.
// https://yaml.org/spec/1.2.2/#912-document-markers
func oneDocument(text []byte) error {
	begun := false
	for l := range lines(text) {
		_, content := l.indented()
		mark := l.text[0] != ' ' && (content == "---" || content == "..." || strings.HasPrefix(content, "--- ") || strings.HasPrefix(content, "... "))
		switch {
		case content == "" || content[0] == '#':
		case l.text[0] == '%' && !begun:
			return &Error{Position: Position{l.number, 1}, Detail: "must not have directives"}
		case mark && (begun || content != "---"):
			return &Error{Position: Position{l.number, 1}, Detail: "must be one document: another begins here"}
		default:
			begun = true
		}
	}
	return nil
}
