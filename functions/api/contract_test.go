package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/api"
)

// contract is what the API publishes of itself. Every answer that a test of this
// package gets is held against it.
type contract struct {
	published any
	paths     map[*regexp.Regexp]string
	compiler  *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema
}

const published = "https://rekey.example/openapi.json"

// contractOf reads the document once: it is the same in every world.
var contractOf = sync.OnceValue(func() *contract {
	answer := httptest.NewRecorder()
	api.New(api.Config{Open: true, Version: "1.2.3"}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	document, err := jsonschema.UnmarshalJSON(answer.Body)
	if err != nil {
		panic(err)
	}
	c := &contract{published: document, paths: map[*regexp.Regexp]string{}, compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	if err := c.compiler.AddResource(published, document); err != nil {
		panic(err)
	}
	for path := range document.(map[string]any)["paths"].(map[string]any) {
		c.paths[regexp.MustCompile("^"+regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "[^/]+")+"$")] = path
	}
	return c
})

// hold holds one answer against what the document says of it. What was asked at a path
// or by a method that is not there is answered with a problem, which it says nothing of.
func (c *contract) hold(t testing.TB, r *http.Request, status int, media, body string) {
	t.Helper()
	media, _, _ = strings.Cut(media, ";")
	operation, ok := c.operation(r)
	if !ok {
		return
	}
	name := "default"
	if status < 300 {
		name = strconv.Itoa(status)
	}
	answer, said := operation.at("responses", name)
	if !assert.True(t, said, "%s %s answers %d, which the document does not say", r.Method, r.URL.Path, status) || body == "" {
		return
	}
	content, said := answer.at("content", media)
	if !assert.True(t, said, "%s %s answers %d as %s, which the document does not say", r.Method, r.URL.Path, status, media) || !strings.HasSuffix(media, "json") || strings.HasSuffix(media, "ndjson") {
		return
	}
	if _, said := content.at("schema"); said {
		c.validate(t, r, content.pointer+"/schema", body)
	}
}

func (c *contract) validate(t testing.TB, r *http.Request, pointer, body string) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	require.NoError(t, err)
	assert.NoError(t, c.schema(t, pointer).Validate(value), "%s %s", r.Method, r.URL.Path)
}

func (c *contract) schema(t testing.TB, pointer string) *jsonschema.Schema {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.schemas[pointer] == nil {
		schema, err := c.compiler.Compile(published + "#" + pointer)
		require.NoError(t, err)
		c.schemas[pointer] = schema
	}
	return c.schemas[pointer]
}

func (c *contract) operation(r *http.Request) (node, bool) {
	for form, path := range c.paths {
		if form.MatchString(r.URL.EscapedPath()) {
			return node{c.published, ""}.at("paths", path, strings.ToLower(r.Method))
		}
	}
	return node{}, false
}

// node is a part of the document, and where it is.
type node struct {
	value   any
	pointer string
}

func (n node) at(names ...string) (node, bool) {
	for _, name := range names {
		fields, _ := n.value.(map[string]any)
		value, ok := fields[name]
		if !ok {
			return n, false
		}
		n = node{value, n.pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)}
	}
	return n, true
}

// TestTheDocumentIsOpenAPI holds the document against the schema that the OpenAPI
// Initiative publishes (https://spec.openapis.org/oas/3.1/schema/2022-10-07, Apache 2.0).
func TestTheDocumentIsOpenAPI(t *testing.T) {
	text, err := os.ReadFile("testdata/openapi-3.1.schema.json")
	require.NoError(t, err)
	var schema any
	require.NoError(t, json.Unmarshal(text, &schema))
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("https://spec.openapis.org/oas/3.1/schema/2022-10-07", schema))
	rules, err := compiler.Compile("https://spec.openapis.org/oas/3.1/schema/2022-10-07")
	require.NoError(t, err)
	assert.NoError(t, rules.Validate(contractOf().published))
}
