package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rekey-dev/rekey/internal/yamldoc"
)

// someID generates ids of groups, tasks and targets, those among them that YAML takes
// for numbers and truth values.
var someID = rapid.OneOf(rapid.StringMatching(`[a-z0-9](-?[a-z0-9]){0,10}`), rapid.SampledFrom([]string{"true", "null", "1e5", "0x1", "no", "007"}))

// someText generates names and scripts.
var someText = rapid.OneOf(
	rapid.StringMatching(`[A-Za-z ,.'":#-]{1,30}`), rapid.StringMatching(`[a-z]( ?[a-z$'"{}|:#\t]){0,20}(\n {0,3}[a-z#-]{0,9}){0,4}\n?`),
	rapid.Map(rapid.StringN(1, 20, 40), func(s string) string { return "x" + strings.ToValidUTF8(s, "?") }),
)

func somePolicy(t *rapid.T, certificate bool) map[string]any {
	policy := map[string]any{}
	maybe := func(field string, value func() any) {
		if rapid.Bool().Draw(t, field) {
			policy[field] = value()
		}
	}
	low, high := 2, 90
	if certificate {
		low, high = 31, 1000
	}
	maybe("enabled", func() any { return rapid.Bool().Draw(t, "on") })
	maybe("lifetimeDays", func() any { return float64(rapid.IntRange(low*1000, high*1000).Draw(t, "days")) / 1000 })
	maybe("overlapHours", func() any { return rapid.Float64Range(0, 100).Draw(t, "hours") })
	maybe("maxLifetimeDays", func() any { return rapid.IntRange(100, 3000).Draw(t, "longest") })
	maybe("onUnverifiable", func() any { return rapid.SampledFrom([]string{"stop", "continue"}).Draw(t, "what") })
	maybe("onNearExpiry", func() any { return "checkDue" })
	maybe("waits", func() any { return map[string]any{"retryAfterHours": rapid.Float64Range(0.01, 5).Draw(t, "wait")} })
	return policy
}

func someApplication(t *rapid.T) map[string]any {
	policies := map[string]any{}
	if rapid.Bool().Draw(t, "secret") {
		policies["secret"] = somePolicy(t, false)
	}
	if rapid.Bool().Draw(t, "certificate") {
		policies["certificate"] = somePolicy(t, true)
	}
	app := map[string]any{"policies": policies, "paused": rapid.Bool().Draw(t, "paused")}
	targets := map[string]any{}
	for _, id := range rapid.SliceOfNDistinct(someID, 0, 3, rapid.ID).Draw(t, "targets") {
		targets[id] = map[string]any{
			"integration": "place", "kind": rapid.SampledFrom([]string{"secret", "certificate"}).Draw(t, "kind"),
			"enabled": rapid.Bool().Draw(t, "enabled"), "settings": map[string]any{"vault": someText.Draw(t, "vault")},
		}
	}
	app["targets"] = targets
	if rapid.Bool().Draw(t, "windows") {
		app["windows"] = []any{map[string]any{"days": []string{"monday"}, "from": "22:00", "to": "04:30", "timeZone": "Europe/Berlin"}}
	}
	return app
}

// someConfiguration generates a document in JSON.
func someConfiguration(t *rapid.T) string {
	groups, tasks, apps := map[string]any{}, map[string]any{}, map[string]any{}
	for i := range rapid.IntRange(0, 3).Draw(t, "applications") {
		apps[fmt.Sprintf("%08d-aaaa-4111-8111-111111111111", i)] = someApplication(t)
	}
	for _, id := range rapid.SliceOfNDistinct(someID, 0, 2, rapid.ID).Draw(t, "groups") {
		groups[id] = map[string]any{"name": "x" + rapid.StringMatching(`[a-z #:]{0,20}`).Draw(t, "name"), "team": "team_a", "active": rapid.Bool().Draw(t, "active"), "applications": []string{appID}}
	}
	for _, id := range rapid.SliceOfNDistinct(someID, 0, 2, rapid.ID).Draw(t, "tasks") {
		tasks[id] = map[string]any{"name": "x", "steps": []any{map[string]any{"name": "run", "runCommand": map[string]any{"vm": vm, "script": "x" + someText.Draw(t, "script")}}}}
	}
	notifications := map[string]any{}
	for _, id := range rapid.SliceOfNDistinct(someID, 0, 2, rapid.ID).Draw(t, "notifications") {
		notifications[id] = map[string]any{
			"name": "x", "active": rapid.Bool().Draw(t, "rings"), "channel": "mail", "mailbox": "rekey@contoso.example", "to": []string{"ops@contoso.example"},
			"events": rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"rotated", "failed", "expiring", "finding"}), 1, 4, rapid.ID).Draw(t, "events"),
			"days":   rapid.SliceOfNDistinct(rapid.IntRange(1, 90), 0, 3, rapid.ID).Draw(t, "warned"),
		}
	}
	text, err := json.Marshal(map[string]any{
		"version": 1, "groups": groups, "tasks": tasks, "notifications": notifications, "applications": apps,
		"settings": map[string]any{"paused": rapid.Bool().Draw(t, "all"), "logRetentionDays": rapid.IntRange(30, 3650).Draw(t, "kept")},
	})
	require.NoError(t, err)
	return string(text)
}

func TestWhateverIsConfiguredIsAppliedAsItWasExported(t *testing.T) {
	schema, x, y := publishedSchema(t), emptied(t), emptied(t)
	configure := func(r *rapid.T, w *world) {
		a := w.call("PUT", "/api/config?prune=true", someConfiguration(r))
		if strings.Contains(a.body, "kind cannot change") {
			r.Skip("a target of that name was there, of the other kind")
		}
		require.Equal(r, 200, a.status, a.body)
	}
	rapid.Check(t, func(r *rapid.T) {
		configure(r, x)
		exported := x.exportConfig()
		require.NoError(r, schema.Validate(plainData(t, exported)), exported)
		configure(r, y)
		a := y.applyWith("?prune=true", exported)
		if strings.Contains(a.body, "kind cannot change") {
			r.Skip("a target of that name was there, of the other kind")
		}
		require.Equal(r, 200, a.status, a.body+exported)
		require.Equal(r, exported, y.exportConfig())
		require.Equal(r, x.call("GET", "/api/config", "").header.Get("ETag"), y.call("GET", "/api/config", "").header.Get("ETag"))

		before := y.everything()
		require.Empty(r, y.applyWith("?prune=true", exported).told(t))
		require.Equal(r, before, y.everything())
	})
}

// publishedSchema is the schema as another implementation reads it.
func publishedSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text := newWorld(t).call("GET", "/api/config/schema.json", "").body
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("schema.json", document))
	schema, err := compiler.Compile("schema.json")
	require.NoError(t, err)
	return schema
}

// plainData is a document as a validator takes it.
func plainData(t *testing.T, text string) any {
	t.Helper()
	root, err := yamldoc.Read([]byte(text))
	require.NoError(t, err)
	value, wrong := root.Value()
	require.Empty(t, wrong)
	return value.Data
}

func TestTheSchemaSaysWhatIsTaken(t *testing.T) {
	schema := publishedSchema(t)
	assert.NoError(t, schema.Validate(plainData(t, exportedYAML)))
	assert.Equal(t, 2020, schema.DraftVersion)
	const application = "applications:\n  " + appID + ":\n    policies: {secret: {}}\n"
	for name, document := range map[string]string{
		"nothing":               "version: 1\n",
		"sections of nothing":   "groups:\ntasks: {}\n",
		"an application":        application,
		"targets":               application + "    targets:\n      vault: {integration: place, kind: secret, settings: {vault: v}}\n",
		"the place of itself":   "$schema: /api/config/schema.json\n",
		"a token that there is": "groups:\n  acme: {name: a, team: team_a, hasToken: true}\n",
	} {
		t.Run(name, func(t *testing.T) {
			assert.NoError(t, schema.Validate(plainData(t, document)))
			assert.Equal(t, 200, emptied(t).apply(document).status)
		})
	}
	for name, document := range map[string]string{
		"an unknown section":       "group: {}\n",
		"another version":          "version: 2\n",
		"an id that is none":       "applications:\n  shop: {policies: {}}\n",
		"a target id that is none": application + "    targets:\n      A B: {integration: place, kind: secret}\n",
		"a token":                  "groups:\n  acme: {name: a, team: team_a, accessToken: x}\n",
		"a missing field":          "groups:\n  acme: {name: a}\n",
		"another kind":             application + "    targets:\n      vault: {integration: place, kind: password}\n",
		"another type":             application + "    paused: 1\n",
		"too long a time":          "applications:\n  " + appID + ":\n    policies: {secret: {lifetimeDays: 100000}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			assert.Error(t, schema.Validate(plainData(t, document)))
			assert.Equal(t, 422, emptied(t).apply(document).status)
		})
	}
}

// FuzzConfiguration applies any text. It is taken, and then says nothing new the second
// time, or refused with a line for everything, and nothing changed.
func FuzzConfiguration(f *testing.F) {
	for _, text := range []string{exportedYAML, bomb(), "groups:\n  acme: {name: a, team: team_a}\n", "a: &a [*a]", `{"applications":{"` + appID + `":{"policies":{}}}}`, "settings: {paused: true}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := emptied(t)
		before := w.everything()
		a := w.apply(text)
		if text == "" {
			require.Equal(t, 400, a.status)
			return
		}
		if a.status == 200 {
			assert.Empty(t, w.apply(text).told(t))
			return
		}
		require.Contains(t, []int{413, 422}, a.status, a.body)
		require.Equal(t, before, w.everything())
		for _, e := range a.decoded(t)["errors"].([]any) {
			assert.Positive(t, e.(map[string]any)["line"], a.body)
		}
	})
}
