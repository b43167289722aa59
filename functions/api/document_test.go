package api_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/api"
)

type document struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Parameters  []struct{ Name, In string }
		Responses   map[string]any
	}
	Components struct{ Schemas map[string]any }
}

func (w *world) document() (d document, text string) {
	w.t.Helper()
	a := w.call("GET", "/api/openapi.json", "")
	require.Equal(w.t, 200, a.status)
	assert.Equal(w.t, "application/json", a.header.Get("Content-Type"))
	require.NoError(w.t, json.Unmarshal([]byte(a.body), &d))
	return d, a.body
}

func TestTheDocumentListsEveryOperation(t *testing.T) {
	w := newWorld(t)
	d, _ := w.document()
	assert.Equal(t, "3.1.0", d.OpenAPI)
	assert.Equal(t, "1.2.3", d.Info.Version)
	var operations []string
	ids := map[string]bool{}
	for path, item := range d.Paths {
		for method, o := range item {
			operations = append(operations, strings.ToUpper(method)+" "+path)
			assert.False(t, ids[o.OperationID], "operation id %q is there twice", o.OperationID)
			ids[o.OperationID] = true
			assert.NotEmpty(t, o.Summary, path)
			assert.Contains(t, o.Responses, "default", "problems are documented")
			for _, p := range o.Parameters {
				assert.Equal(t, p.In == "path", strings.Contains(path, "{"+p.Name+"}"), "%s of %s", p.Name, path)
			}
		}
	}
	slices.Sort(operations)
	assert.Equal(t, []string{
		"DELETE /api/applications/{appId}",
		"DELETE /api/applications/{appId}/targets/{targetId}",
		"DELETE /api/groups/{groupId}",
		"DELETE /api/keys/{id}",
		"DELETE /api/notifications/{id}",
		"DELETE /api/tasks/{id}",
		"GET /api/advice",
		"GET /api/applications",
		"GET /api/applications/{appId}",
		"GET /api/applications/{appId}/log",
		"GET /api/applications/{appId}/rotations",
		"GET /api/applications/{appId}/targets/{targetId}",
		"GET /api/config",
		"GET /api/config/schema.json",
		"GET /api/deadletters",
		"GET /api/deadletters/{entity}/{sequenceNumber}",
		"GET /api/dependencies",
		"GET /api/doctor",
		"GET /api/doctor/findings",
		"GET /api/groups",
		"GET /api/groups/{groupId}",
		"GET /api/health",
		"GET /api/integrations/{integration}/choices",
		"GET /api/inventory",
		"GET /api/inventory/{appId}",
		"GET /api/keys",
		"GET /api/log",
		"GET /api/notifications",
		"GET /api/notifications/{id}",
		"GET /api/rotations/{id}",
		"GET /api/settings",
		"GET /api/tasks",
		"GET /api/tasks/{id}",
		"POST /api/applications/{appId}/adopt",
		"POST /api/applications/{appId}/pause",
		"POST /api/applications/{appId}/resume",
		"POST /api/applications/{appId}/rollback",
		"POST /api/applications/{appId}/rotations",
		"POST /api/applications/{appId}/targets/{targetId}/check",
		"POST /api/deadletters/{entity}/{sequenceNumber}/discard",
		"POST /api/deadletters/{entity}/{sequenceNumber}/replay",
		"POST /api/deployments/{id}/{targetId}/resume",
		"POST /api/inventory/refresh",
		"POST /api/keys",
		"POST /api/notifications/{id}/test",
		"POST /api/pause",
		"POST /api/resume",
		"POST /api/rotations/{id}/cancel",
		"PUT /api/applications/{appId}",
		"PUT /api/applications/{appId}/targets/{targetId}",
		"PUT /api/config",
		"PUT /api/groups/{groupId}",
		"PUT /api/notifications/{id}",
		"PUT /api/settings",
		"PUT /api/tasks/{id}",
	}, operations)
	assert.Contains(t, d.Paths["/api/applications/{appId}"]["put"].Responses, "201")
}

func TestTheDocumentShowsTheDefaults(t *testing.T) {
	w := newWorld(t)
	w.must(201, "PUT", appPath, `{"policies":{"secret":{},"certificate":{"enabled":false}}}`)
	policies := w.must(200, "GET", appPath, "")["policies"].(map[string]any)
	d, _ := w.document()
	check := func(schema string, shown map[string]any) {
		properties := d.Components.Schemas[schema].(map[string]any)["properties"].(map[string]any)
		for field, value := range shown {
			if field == "waits" || value == nil || schema == "CertificatePolicy" && field == "enabled" {
				continue
			}
			assert.Equal(t, value, properties[field].(map[string]any)["default"], "%s.%s", schema, field)
		}
	}
	secret := policies["secret"].(map[string]any)
	check("SecretPolicy", secret)
	check("Waits", secret["waits"].(map[string]any))
	check("CertificatePolicy", policies["certificate"].(map[string]any))
}

func TestTheDocumentsReferencesLeadSomewhere(t *testing.T) {
	d, text := newWorld(t).document()
	references := strings.Split(text, `"$ref":"#/components/schemas/`)[1:]
	require.NotEmpty(t, references)
	for _, rest := range references {
		name, _, _ := strings.Cut(rest, `"`)
		assert.Contains(t, d.Components.Schemas, name)
	}
	assert.NotContains(t, text, "$schema")
}

func TestTheFunctionIsCalledOnItsRoute(t *testing.T) {
	text, err := os.ReadFile("function.json")
	require.NoError(t, err)
	var function struct {
		Bindings []struct {
			Type, Name, Direction, AuthLevel, Route string
			Methods                                 []string
		}
	}
	require.NoError(t, json.Unmarshal(text, &function))
	require.Len(t, function.Bindings, 2, "one trigger and one output, or the host does not forward requests")
	trigger, output := function.Bindings[0], function.Bindings[1]
	assert.Equal(t, "httpTrigger", trigger.Type)
	assert.Equal(t, "anonymous", trigger.AuthLevel)
	assert.Equal(t, api.Route, trigger.Route)
	assert.Equal(t, "http", output.Type)
	assert.Equal(t, "out", output.Direction)

	d, _ := newWorld(t).document()
	for path, item := range d.Paths {
		for method := range item {
			assert.Contains(t, trigger.Methods, method, path)
		}
	}
}
