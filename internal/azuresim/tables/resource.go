package tables

import (
	"net/url"
	"regexp"
	"strings"
)

// resource is what an address names.
// https://learn.microsoft.com/rest/api/storageservices/addressing-table-service-resources
type resource struct {
	kind  resourceKind
	table string // empty for the list of tables
	key   key
}

type resourceKind int

const (
	service  resourceKind = iota // /account
	listing                      // /account/Tables, /account/Tables('name')
	entities                     // /account/name, /account/name()
	entity                       // /account/name(PartitionKey='…',RowKey='…')
	batch                        // /account/$batch
)

const literal = `'((?:[^']|'')*)'`

var (
	callForm     = regexp.MustCompile(`(?s)^([^()]+)(?:\((.*)\))?$`)
	literalForm  = regexp.MustCompile(`(?s)^` + literal + `$`)
	keyForm      = regexp.MustCompile(`(?s)^PartitionKey=` + literal + `, ?RowKey=` + literal + `$`)
	swappedForms = regexp.MustCompile(`(?s)^RowKey=` + literal + `, ?PartitionKey=` + literal + `$`)
)

// parseResource reads the path of an address, as it was sent.
func parseResource(escaped string) (resource, error) {
	rest, ok := strings.CutPrefix(escaped, "/"+accountName)
	if !ok || rest != "" && rest[0] != '/' {
		return resource{}, errInvalidURI
	}
	path, err := url.PathUnescape(strings.TrimPrefix(rest, "/"))
	switch {
	case err != nil:
		return resource{}, errInvalidURI
	case path == "":
		return resource{kind: service}, nil
	case path == "$batch":
		return resource{kind: batch}, nil
	}
	call := callForm.FindStringSubmatch(path)
	if call == nil {
		return resource{}, errInvalidURI
	}
	if call[1] == "Tables" {
		return parseListing(call[2])
	}
	return parseEntities(call[1], call[2])
}

func parseListing(argument string) (resource, error) {
	if argument == "" {
		return resource{kind: listing}, nil
	}
	name := literalForm.FindStringSubmatch(argument)
	if name == nil {
		return resource{}, errInvalidURI
	}
	return resource{kind: listing, table: unquote(name[1])}, nil
}

func parseEntities(table, argument string) (resource, error) {
	if argument == "" {
		return resource{kind: entities, table: table}, nil
	}
	if keys := keyForm.FindStringSubmatch(argument); keys != nil {
		return resource{kind: entity, table: table, key: key{unquote(keys[1]), unquote(keys[2])}}, nil
	}
	if keys := swappedForms.FindStringSubmatch(argument); keys != nil {
		return resource{kind: entity, table: table, key: key{unquote(keys[2]), unquote(keys[1])}}, nil
	}
	return resource{}, errInvalidURI
}

func unquote(text string) string { return strings.ReplaceAll(text, "''", "'") }
