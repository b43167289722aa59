package yamldoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Write writes one entry of a mapping, in block style, with its key at a column and a
// comment behind the key, unless its value is there. Data is what Value.Data is; fields come in the order of
// their names.
func Write(to *bytes.Buffer, column int, key string, data any, comment string) error {
	document := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(key), nodeOf(data)}}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(document); err != nil {
		return err
	}
	first := true
	for line := range bytes.Lines(text.Bytes()) {
		if len(bytes.TrimSpace(line)) > 0 {
			to.WriteString(strings.Repeat(" ", column))
		}
		if alone, ok := bytes.CutSuffix(line, []byte(":\n")); ok && first && comment != "" {
			line = fmt.Appendf(alone, ": # %s\n", comment)
		}
		to.Write(line)
		first = false
	}
	return encoder.Close()
}

func nodeOf(data any) *yaml.Node {
	switch value := data.(type) {
	case map[string]any:
		node := &yaml.Node{Kind: yaml.MappingNode}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			node.Content = append(node.Content, scalar(key), nodeOf(value[key]))
		}
		return node
	case []any:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range value {
			node.Content = append(node.Content, nodeOf(item))
		}
		return node
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: value.String()}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatBool(value)}
	case string:
		return scalar(value)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: "null"}
}

// scalar writes a text so that every reader takes it for the same: those of YAML 1.1
// take 22:00 for a number and on for a truth value.
func scalar(text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	switch {
	case strings.Contains(text, "\n") && literal(text):
		node.Style = yaml.LiteralStyle
	case !plain.MatchString(text) || other.MatchString(text):
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

// plain is what needs no quotes, unless it is other than a text to some reader.
var (
	plain = regexp.MustCompile(`^[A-Za-z0-9_./$][A-Za-z0-9_./$ @+-]*$`)
	other = regexp.MustCompile(`(?i)^([0-9.+_-]*|[0-9][0-9.e+x_-]*|0x[0-9a-f_]*|y|n|yes|no|on|off|true|false|null|[0-9]{4}-[0-9].*)$| $|^\.`)
)

// literal reports whether the lines of a text can be written as they are.
func literal(text string) bool {
	if strings.TrimLeft(text, " \t\n") != text || strings.TrimSpace(text) == "" {
		return false
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimRight(line, " \t") != line || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) && r != '\t' }) {
			return false
		}
	}
	return true
}
