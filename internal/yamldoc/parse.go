package yamldoc

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parse parses a text that is one document. Nothing at all is null.
func parse(text []byte, offset int) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: 1, Column: 1}, nil
	} else if err != nil {
		return nil, located(err, offset)
	}
	if err := decoder.Decode(&more); err == nil {
		return nil, &Error{Position: Position{offset + more.Line, 1}, Detail: "must be one document: another begins here"}
	} else if !errors.Is(err, io.EOF) {
		return nil, located(err, offset)
	}
	return document.Content[0], nil
}

// lineOf is how the library begins its errors, where it knows the line.
var lineOf = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// located makes an Error of one of the library's.
func located(err error, offset int) *Error {
	words := err.Error()
	found := lineOf.FindStringSubmatch(words)
	line, _ := strconv.Atoi(found[1])
	return &Error{Position: Position{offset + max(line, 1), 0}, Detail: "is not YAML: " + strings.TrimPrefix(words, found[0])}
}
