package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// configVersion is the version of the document's form. It rises when a document of
// the form before means something else.
const configVersion = 1

// configForm is the form of the document, made of the types that it is decoded into:
// the schema that is published is the one that is held against.
type configForm struct {
	registry huma.Registry
	root     *huma.Schema
	kinds    map[string]*huma.Schema // of one thing of a kind
	ids      map[string]*huma.Schema
}

func newConfigForm(kinds []kind) *configForm {
	f := &configForm{
		registry: huma.NewMapRegistry("#/$defs/", huma.DefaultSchemaNamer),
		kinds:    map[string]*huma.Schema{}, ids: map[string]*huma.Schema{},
	}
	one := float64(configVersion)
	f.root = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Properties: map[string]*huma.Schema{
		"$schema": {Type: huma.TypeString, Description: "Where this schema is, for editors"},
		"version": {Type: huma.TypeInteger, Minimum: &one, Maximum: &one, Description: "The version of this form; left out, it is 1"},
	}}
	for _, k := range kinds {
		form := f.registry.Schema(reflect.TypeOf(k.form), true, k.name)
		f.kinds[k.name] = form
		if k.ids == nil {
			f.root.Properties[k.name] = form
			continue
		}
		f.ids[k.name] = f.registry.Schema(reflect.TypeOf(k.ids), false, k.name)
		f.root.Properties[k.name] = mapOf(form, f.ids[k.name], k.doc)
	}
	documentDefaults(f.registry.Map())
	targets := f.registry.Map()["ConfiguredApplication"].Properties["targets"]
	f.ids["targets"] = f.registry.Schema(reflect.TypeFor[targetID](), false, "targets")
	targets.Extensions = map[string]any{"propertyNames": f.ids["targets"]}
	f.root.PrecomputeMessages()
	for _, ids := range f.ids {
		ids.PrecomputeMessages()
	}
	return f
}

func mapOf(form, ids *huma.Schema, doc string) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Nullable: true, AdditionalProperties: form, Description: doc,
		Extensions: map[string]any{"propertyNames": ids},
	}
}

// check returns what is wrong with one thing of a kind.
func (f *configForm) check(kind string, data any) []rotation.Problem {
	return f.against(f.kinds[kind], data)
}

// checkID returns what is wrong with an id.
func (f *configForm) checkID(kind, id string) []rotation.Problem {
	return f.against(f.ids[kind], id)
}

// checkTargetID does the same for the id of a target.
func (f *configForm) checkTargetID(id string) []rotation.Problem {
	return f.against(f.ids["targets"], id)
}

func (f *configForm) against(form *huma.Schema, data any) (problems []rotation.Problem) {
	var result huma.ValidateResult
	huma.Validate(f.registry, form, huma.NewPathBuffer([]byte{}, 0), huma.ModeWriteToServer, floating(data), &result)
	for _, err := range result.Errors {
		detail, ok := err.(*huma.ErrorDetail)
		if !ok {
			detail = &huma.ErrorDetail{Message: err.Error()}
		}
		reword(detail)
		if detail.Message == worded("unexpected property") {
			detail.Message = "is not a field here; the fields are in " + schemaPath
		}
		problems = append(problems, rotation.Problem{Field: strings.TrimPrefix(detail.Location, "."), Detail: detail.Message})
	}
	return problems
}

// floating returns data with the numbers that huma knows.
func floating(data any) any {
	switch value := data.(type) {
	case map[string]any:
		all := make(map[string]any, len(value))
		for name, inner := range value {
			all[name] = floating(inner)
		}
		return all
	case []any:
		all := make([]any, len(value))
		for i, inner := range value {
			all[i] = floating(inner)
		}
		return all
	case json.Number:
		number, _ := value.Float64() // out of range is infinite, and so out of every limit
		return number
	}
	return data
}

// schema is the published JSON Schema.
// https://json-schema.org/draft/2020-12
func (f *configForm) schema() ([]byte, error) {
	root, err := json.Marshal(f.root)
	if err != nil {
		return nil, err
	}
	defs, err := json.Marshal(f.registry)
	if err != nil {
		return nil, err
	}
	head := fmt.Appendf(nil, `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"The configuration of rekey","$defs":%s,`, defs)
	return append(head, bytes.TrimPrefix(root, []byte("{"))...), nil
}
