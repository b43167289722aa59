package yamldoc

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Position is a place in a text. Both count from 1; a column of 0 is not known.
type Position struct{ Line, Column int }

// Error is one thing that is wrong with a text.
type Error struct {
	Position
	Field  string // the path of what is wrong, inside of what was read
	Detail string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Detail) }

// At returns where something stands, by its path: "policies.secret.waits",
// "steps[0].name". Of something that is not there, it is what would hold it.
func (v Value) At(path string) Position {
	at, node := v.at, v.node
	for path != "" && node != nil {
		key, next, rest := step(resolved(node), path)
		if next == nil {
			break
		}
		at = Position{v.offset + key.Line, key.Column}
		node, path = next, strings.TrimPrefix(rest, ".")
	}
	return at
}

// step goes one part of a path down: to the longest key, or the index, that the path
// begins with.
func step(in *yaml.Node, path string) (key, value *yaml.Node, rest string) {
	if index, after, ok := strings.Cut(strings.TrimPrefix(path, "["), "]"); ok && in.Kind == yaml.SequenceNode && path[0] == '[' {
		if i, err := strconv.Atoi(index); err == nil && i >= 0 && i < len(in.Content) {
			return in.Content[i], in.Content[i], after
		}
		return nil, nil, ""
	}
	longest := -1
	for i := 0; in.Kind == yaml.MappingNode && i+1 < len(in.Content); i += 2 {
		after, ok := strings.CutPrefix(path, in.Content[i].Value)
		if ok && len(in.Content[i].Value) > longest && (after == "" || after[0] == '.' || after[0] == '[') {
			longest, key, value, rest = len(in.Content[i].Value), in.Content[i], in.Content[i+1], after
		}
	}
	return key, value, rest
}

// resolved follows an alias.
func resolved(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
