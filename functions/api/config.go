package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// configPath is where the configuration is, and schemaPath its schema.
const (
	configPath = "/api/config"
	schemaPath = configPath + "/schema.json"
)

// mostConfig is the largest document: that of 10,000 applications with a few targets
// each is 6 MiB. Every other body is one thing; this one is all of them.
const mostConfig = 8 << 20

// config answers the operations on the configuration as a whole.
type config struct {
	*api
	form  *configForm
	kinds []kind
}

func (a *api) registerConfig(h huma.API) {
	c := &config{api: a}
	c.kinds = c.table()
	c.form = newConfigForm(c.kinds)
	huma.Register(h, getConfigOperation(), c.get)
	huma.Register(h, putConfigOperation(h), c.put)
	h.OpenAPI().Paths[configPath].Put.RequestBody.Content = forms() // given before, huma would read the body by it
	huma.Register(h, getSchemaOperation(), c.getSchema)
}

// forms are those that the document is given and taken in. What it may hold is in its
// own schema, which has keys of a form that OpenAPI's schemas leave to others.
func forms() map[string]*huma.MediaType {
	document := &huma.MediaType{Schema: &huma.Schema{Description: "As " + schemaPath + " says"}}
	return map[string]*huma.MediaType{typeYAML: document, typeJSON: document}
}

func getConfigOperation() huma.Operation {
	o := operation("getConfig", http.MethodGet, configPath, "Everything that is configured, without secrets, as one YAML document")
	o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: forms()}}
	return o
}

func putConfigOperation(h huma.API) huma.Operation {
	o := operation("putConfig", http.MethodPut, configPath, "Create and change what a YAML document says, or with dryRun say what that would do")
	o.MaxBodyBytes = mostConfig + 1
	o.Responses = map[string]*huma.Response{"default": answerWith(h, "Error", "application/problem+json", configRefused{})}
	return o
}

func getSchemaOperation() huma.Operation {
	o := operation("getConfigSchema", http.MethodGet, schemaPath, "The JSON Schema of that document")
	o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{typeSchema: {Schema: &huma.Schema{}}}}}
	return o
}

// typeSchema is what JSON Schemas are answered as.
// https://json-schema.org/draft/2020-12/json-schema-core#section-14
const typeSchema = "application/schema+json"

// schemaAnswer is the JSON Schema as it is answered.
type schemaAnswer struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (c *config) getSchema(context.Context, *none) (*schemaAnswer, error) {
	schema, err := c.form.schema()
	if err != nil {
		return nil, problem(http.StatusInternalServerError, "the schema cannot be made: "+err.Error())
	}
	return &schemaAnswer{typeSchema, schema}, nil
}
