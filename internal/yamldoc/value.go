package yamldoc

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The limits of one value. Aliases could make of a small text more than fits into any
// memory, and of one that contains itself no end.
const (
	mostValues = 20_000
	deepest    = 50
)

// Value is what a section holds.
type Value struct {
	// Data is what encoding/json would make of it, with json.Number for numbers.
	Data any

	at     Position
	offset int
	node   *yaml.Node
}

// Value parses the section. All that is wrong with it comes back.
func (s Section) Value() (Value, []*Error) {
	s, err := s.parsed()
	if err != nil {
		return Value{}, []*Error{err.(*Error)}
	}
	r := &reader{offset: s.offset}
	v := Value{r.read(s.node, "", 0), s.Position, s.offset, s.node}
	if r.tooMuch {
		r.errors = append(r.errors, &Error{s.Position, "", fmt.Sprintf(
			"must have %d values at most, aliases followed, nested %d deep at most", mostValues, deepest)})
	}
	return v, r.errors
}

// reader turns nodes into data.
type reader struct {
	offset, values int
	tooMuch        bool
	errors         []*Error
}

func (r *reader) wrong(node *yaml.Node, field, format string, args ...any) {
	r.errors = append(r.errors, &Error{Position{r.offset + node.Line, node.Column}, field, fmt.Sprintf(format, args...)})
}

func (r *reader) read(node *yaml.Node, field string, depth int) any {
	r.values++
	if r.tooMuch = r.tooMuch || r.values > mostValues || depth > deepest; r.tooMuch {
		return nil
	}
	switch node.Kind {
	case yaml.AliasNode:
		return r.read(node.Alias, field, depth+1)
	case yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		for i, item := range node.Content {
			list = append(list, r.read(item, field+"["+strconv.Itoa(i)+"]", depth+1))
		}
		return list
	case yaml.MappingNode:
		return r.mapping(node, field, depth)
	}
	return r.scalar(node, field)
}

func (r *reader) mapping(node *yaml.Node, field string, depth int) any {
	fields := make(map[string]any, len(node.Content)/2)
	lines := make(map[string]int, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, name := node.Content[i], node.Content[i].Value
		within := strings.TrimPrefix(field+"."+name, ".")
		switch first, twice := lines[name]; {
		case key.Kind != yaml.ScalarNode:
			r.wrong(key, field, "must have texts as names of fields")
		case key.ShortTag() == "!!merge":
			r.wrong(key, field, "must not have merge keys (<<): name every field")
		case twice:
			r.wrong(key, within, "is there twice: first in line %d", r.offset+first)
		default:
			lines[name] = key.Line
			fields[name] = r.read(node.Content[i+1], within, depth+1)
		}
	}
	return fields
}

func (r *reader) scalar(node *yaml.Node, field string) any {
	switch tag := node.ShortTag(); tag {
	case "!!str", "!!timestamp":
		return node.Value
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(node.Value, "true")
	case "!!int", "!!float":
		return r.number(node, field)
	default:
		r.wrong(node, field, "must not have the tag %s", tag)
		return nil
	}
}

// number keeps a number as it is written, where JSON writes it so as well.
func (r *reader) number(node *yaml.Node, field string) any {
	if json.Valid([]byte(node.Value)) {
		return json.Number(node.Value)
	}
	var number float64
	if err := node.Decode(&number); err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		r.wrong(node, field, "must be a number that JSON can write")
		return nil
	}
	return json.Number(strconv.FormatFloat(number, 'f', -1, 64))
}
