package yamldoc

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// MostAtOnce is how many bytes are parsed at once.
const MostAtOnce = 256 << 10

// Section is a part of a document, parsed or not yet.
type Section struct {
	Position
	text   []byte     // whole lines: a key with its value, or the document
	offset int        // how many lines are before the text, or before what was parsed
	keyed  bool       // the text begins with the key
	node   *yaml.Node // the value, once it is parsed
}

// Entry is a key of a mapping with its value. The value's position is the key's.
type Entry struct {
	Key string
	Section
}

// Read begins to read a document. Its errors are Errors.
func Read(text []byte) (Section, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	whole := Section{Position: Position{1, 1}, text: text}
	if len(text) > MostAtOnce {
		return whole, oneDocument(text)
	}
	return whole.parsed()
}

// ReadJSON begins to read a document in JSON, in whose texts a few characters may stand
// as they are that YAML wants to be escaped.
// https://yaml.org/spec/1.2.2/#51-character-set
func ReadJSON(text []byte) (Section, error) {
	if bytes.ContainsFunc(text, unprintable) {
		var escaped bytes.Buffer
		for _, r := range string(text) {
			if unprintable(r) {
				fmt.Fprintf(&escaped, `\u%04x`, r)
			} else {
				escaped.WriteRune(r)
			}
		}
		text = escaped.Bytes()
	}
	return Read(text)
}

func unprintable(r rune) bool {
	return r >= 0x7f && r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff
}

// Entries returns the entries of a mapping; null is an empty one. Keys that are there
// twice are returned twice. Its error is an Error.
func (s Section) Entries() ([]Entry, error) {
	if s.node == nil {
		entries, stuck := s.split()
		if stuck == 0 {
			return entries, nil
		}
		var err error
		if s, err = s.parsed(); err != nil {
			return nil, err
		}
	}
	node := resolved(s.node)
	if isNull(node) {
		return nil, nil
	}
	if node.Kind != yaml.MappingNode {
		return nil, &Error{Position: s.Position, Detail: "must be an object"}
	}
	entries := make([]Entry, 0, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode {
			return nil, &Error{Position: Position{s.offset + key.Line, key.Column}, Detail: "must have texts as names of fields"}
		}
		at := Position{s.offset + key.Line, key.Column}
		entries = append(entries, Entry{key.Value, Section{Position: at, offset: s.offset, node: node.Content[i+1]}})
	}
	return entries, nil
}

// parsed returns the section with its text parsed.
func (s Section) parsed() (Section, error) {
	if s.node != nil {
		return s, nil
	}
	if len(s.text) > MostAtOnce {
		_, stuck := s.split()
		return s, &Error{Position: Position{max(stuck, s.Line), 0}, Detail: fmt.Sprintf(
			"is part of what is larger than %d KiB, and must be in block style there: one field a line, indented by blanks", MostAtOnce>>10)}
	}
	node, err := parse(s.text, s.offset)
	if err != nil {
		return s, err
	}
	if s.keyed {
		if node.Kind != yaml.MappingNode || len(node.Content) != 2 {
			return s, &Error{Position: s.Position, Detail: "is not a field with a value"}
		}
		node = node.Content[1]
	}
	s.node, s.text = node, nil
	return s, nil
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}
