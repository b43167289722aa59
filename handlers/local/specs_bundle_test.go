//go:build specs

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// bundle is one official description with everything that it refers to in other
// files, which the converter to OpenAPI 3 does not follow.
type bundle struct {
	definitions map[string]any
	parameters  map[string]any
	done        map[string]bool
}

// loadDescription reads a Swagger 2.0 file and returns a router over its operations.
func loadDescription(file string) (routers.Router, *openapi3.T, error) {
	b := &bundle{definitions: map[string]any{}, parameters: map[string]any{}, done: map[string]bool{}}
	doc, err := b.read(file)
	if err != nil {
		return nil, nil, err
	}
	doc["definitions"], doc["parameters"] = b.definitions, b.parameters
	doc["paths"] = anyScope(doc["paths"])
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, nil, err
	}
	var two openapi2.T
	if err := json.Unmarshal(text, &two); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	three, err := openapi2conv.ToV3(&two)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	three.Servers = nil // any host: a vault has its own
	router, err := gorillamux.NewRouter(three)
	return router, three, err
}

// read reads a file and what it refers to; references become local ones.
func (b *bundle) read(file string) (map[string]any, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if b.done[file] {
		return doc, nil
	}
	b.done[file] = true
	if err := b.rewrite(doc, file); err != nil {
		return nil, err
	}
	for kind, into := range map[string]map[string]any{"definitions": b.definitions, "parameters": b.parameters} {
		all, _ := doc[kind].(map[string]any)
		for name, one := range all {
			into[localName(file, name)] = one
		}
	}
	return doc, nil
}

var notAWord = regexp.MustCompile(`[^A-Za-z0-9]+`)

func localName(file, name string) string {
	return notAWord.ReplaceAllString(filepath.Base(filepath.Dir(file))+"_"+filepath.Base(file)+"_"+name, "_")
}

// rewrite makes every reference local and reads the files that are referred to.
// It leaves out examples, which are files of another form.
func (b *bundle) rewrite(node any, file string) error {
	switch n := node.(type) {
	case []any:
		for _, one := range n {
			if err := b.rewrite(one, file); err != nil {
				return err
			}
		}
	case map[string]any:
		if n["additionalProperties"] == false {
			delete(n, "additionalProperties") // parts of an allOf would exclude each other's
		}
		delete(n, "x-ms-examples")
		delete(n, "example")
		if ref, ok := n["$ref"].(string); ok {
			local, err := b.localise(ref, file)
			n["$ref"] = local
			return err
		}
		for _, one := range n {
			if err := b.rewrite(one, file); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bundle) localise(ref, file string) (string, error) {
	other, pointer, _ := strings.Cut(ref, "#/")
	if other != "" {
		file = found(filepath.Join(filepath.Dir(file), other))
	}
	kind, name, _ := strings.Cut(pointer, "/")
	if _, err := b.read(file); errors.Is(err, os.ErrNotExist) {
		b.undescribed(kind, localName(file, name))
	} else if err != nil {
		return "", err
	}
	return "#/" + kind + "/" + localName(file, name), nil
}

// undescribed stands for what is in a file that is not there: anything is right.
func (b *bundle) undescribed(kind, name string) {
	if kind == "parameters" {
		b.parameters[name] = map[string]any{"name": name, "in": "header", "type": "string"}
		return
	}
	b.definitions[name] = map[string]any{}
}

// found is where a file really is: what all descriptions share is kept once.
func found(file string) string {
	if _, err := os.Stat(file); err == nil {
		return file
	}
	_, rest, shared := strings.Cut(file, "common-types/")
	if !shared {
		return file
	}
	return filepath.Join(specsFolder(), "azure-common-types", "common-types", rest)
}

// anyScope lets {scope} stand for any number of segments, as Resource Manager does.
func anyScope(paths any) any {
	all, _ := paths.(map[string]any)
	changed := map[string]any{}
	for path, item := range all {
		changed[strings.NewReplacer("/{scope}", "/{scope:.+}").Replace(path)] = item
	}
	return changed
}
