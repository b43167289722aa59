package api

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// document serves the OpenAPI document, made when it is first asked for.
func document(o *huma.OpenAPI) http.Handler {
	documentDefaults(o.Components.Schemas.Map())
	documentCreation(o.Paths)
	text := sync.OnceValues(func() ([]byte, error) { return json.Marshal(o) })
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		document, err := text()
		if err != nil {
			write(w, problem(http.StatusInternalServerError, "the document cannot be made: "+err.Error()))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document)
	})
}

// secured says how to come in, and which role each operation takes.
func secured(o *huma.OpenAPI) {
	o.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"entra": {Type: "http", Scheme: "bearer", BearerFormat: "JWT",
			Description: "An access token of Microsoft Entra ID for rekey's app registration, with one of its app roles"},
		"apiKey":     {Type: "apiKey", In: "header", Name: "X-Api-Key", Description: "An API key that an administrator made"},
		"appService": {Type: "apiKey", In: "cookie", Name: "AppServiceAuthSession", Description: "The session of a browser that signed in by App Service authentication"},
	}
	ways := []map[string][]string{{"entra": {}}, {"apiKey": {}}, {"appService": {}}}
	for path, item := range o.Paths {
		for method, operation := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post, http.MethodDelete: item.Delete,
		} {
			if operation == nil {
				continue
			}
			rule := rules[method+" "+path]
			operation.Security = ways
			operation.Description = rule.String()
			if rule == everybody {
				operation.Security = []map[string][]string{} // overrides what would be for all
			}
		}
	}
}

// documentDefaults shows the domain's defaults, so that the document cannot
// differ from them.
func documentDefaults(schemas map[string]*huma.Schema) {
	for name, defaults := range map[string]any{
		"SecretPolicy":      secretPolicyOf(rotation.DefaultPolicy(rotation.Secret)),
		"CertificatePolicy": certificatePolicyOf(rotation.DefaultPolicy(rotation.Certificate)),
		"Waits":             waitsOf(rotation.DefaultWaits()),
	} {
		for field, value := range fieldsOf(defaults) {
			if property := schemas[name].Properties[field]; property.Ref == "" {
				property.Default = value
			}
		}
	}
}

// documentCreation adds what huma cannot know: every PUT of one thing also creates.
func documentCreation(paths map[string]*huma.PathItem) {
	for path, item := range paths {
		if item.Put != nil && path != configPath {
			created := *item.Put.Responses["200"]
			created.Description = "Created"
			item.Put.Responses["201"] = &created
		}
	}
}

// fieldsOf returns a record as its JSON has it.
func fieldsOf(record any) (fields map[string]any) {
	text, err := json.Marshal(record)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		panic("api: " + err.Error()) // a type of ours that JSON does not know
	}
	return fields
}
