package api_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/api"
)

// configured is a world with something of every kind.
func configured(t testing.TB) *world {
	kept := &tokens{kept: map[string]string{}}
	w := newWorld(t, func(c *api.Config) {
		c.Engine.Tokens = kept
		c.Integrations["vercel"] = &vercel{}
	})
	w.must(201, "PUT", groupBase, withToken(acme))
	w.must(201, "PUT", taskPath, `{"name":"Deliver","steps":[{"name":"restart","runCommand":{"vm":"`+vm+`","script":"# says hello\necho 'on'\n","shell":"bash"}}]}`)
	w.must(201, "PUT", appPath, `{"policies":{"secret":{"lifetimeDays":30,"waits":{"retryAfterHours":0.5}},"certificate":{}},"windows":[{"days":["sunday"],"from":"22:00","to":"04:00","timeZone":"Europe/Berlin"}]}`)
	w.must(201, "PUT", appPath+"/targets/vault", `{"integration":"place","kind":"secret","settings":{"vault":"v"}}`)
	w.must(201, "PUT", appPath+"/targets/careful", `{"integration":"careful","kind":"certificate","enabled":false,"settings":{"a":1.50,"b":null,"c":["on","22:00",""]}}`)
	return w
}

const exportedYAML = `# yaml-language-server: $schema=/api/config/schema.json
# What is configured in rekey, without secrets: GET /api/config gives it, PUT takes it.
# A field that is left out has its default; a thing that is left out stays as it is.
version: 1
settings:
  logRetentionDays: 365
  paused: false
groups:
  acme:
    applications:
      - 11111111-aaaa-4111-8111-111111111111
    hasToken: true
    name: Acme
    team: team_acme
tasks:
  deliver:
    name: Deliver
    steps:
      - name: restart
        runCommand:
          format: pem
          script: |
            # says hello
            echo 'on'
          shell: bash
          vm: /subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-1
        timeoutMinutes: 30
notifications: {}
applications:
  11111111-aaaa-4111-8111-111111111111: # Shop
    policies:
      certificate: {}
      secret:
        lifetimeDays: 30
        waits:
          retryAfterHours: 0.5
    targets:
      careful:
        enabled: false
        integration: careful
        kind: certificate
        settings:
          a: 1.50
          b: null
          c:
            - "on"
            - "22:00"
            - ""
      vault:
        integration: place
        kind: secret
        settings:
          name: Shop
          vault: v
    windows:
      - days:
          - sunday
        from: "22:00"
        timeZone: Europe/Berlin
        to: "04:00"
`

func TestEverythingThatIsConfiguredIsExported(t *testing.T) {
	w := configured(t)
	a := w.call("GET", "/api/config", "")
	require.Equal(t, 200, a.status, a.body)
	assert.Equal(t, "application/yaml", a.header.Get("Content-Type"))
	assert.Equal(t, exportedYAML, a.body)
	assert.NotContains(t, a.body, token)
	again := w.call("GET", "/api/config", "")
	assert.Equal(t, a.header.Get("ETag"), again.header.Get("ETag"))

	inJSON := w.call("GET", "/api/config", "", "Accept", "application/json")
	assert.Equal(t, "application/json", inJSON.header.Get("Content-Type"))
	assert.Equal(t, a.header.Get("ETag"), inJSON.header.Get("ETag"))
	policies := inJSON.decoded(t)["applications"].(map[string]any)[appID].(map[string]any)["policies"]
	assert.Equal(t, map[string]any{"certificate": map[string]any{}, "secret": map[string]any{"lifetimeDays": 30.0, "waits": map[string]any{"retryAfterHours": 0.5}}}, policies)

	w.must(200, "POST", appPath+"/pause", "")
	assert.NotEqual(t, a.header.Get("ETag"), w.call("GET", "/api/config", "").header.Get("ETag"))
}

func TestNothingIsConfigured(t *testing.T) {
	w := newWorld(t)
	a := w.call("GET", "/api/config", "")
	assert.Contains(t, a.body, "\ngroups: {}\ntasks: {}\nnotifications: {}\napplications: {}\n")
	assert.Equal(t, map[string]any{
		"$schema": "/api/config/schema.json", "version": 1.0, "settings": map[string]any{"paused": false, "logRetentionDays": 365.0},
		"groups": map[string]any{}, "tasks": map[string]any{}, "notifications": map[string]any{}, "applications": map[string]any{},
	}, w.call("GET", "/api/config", "", "Accept", "application/json").decoded(t))
}

func TestTheSchemaIsPublished(t *testing.T) {
	w := newWorld(t)
	a := w.call("GET", "/api/config/schema.json", "")
	require.Equal(t, 200, a.status)
	assert.Equal(t, "application/schema+json", a.header.Get("Content-Type"))
	assert.Equal(t, "https://json-schema.org/draft/2020-12/schema", a.decoded(t)["$schema"])
}

func TestTheDocumentInThePageIsApplied(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, example)
	w := newWorld(t)
	document := strings.ReplaceAll(string(example[1]), "11111111-aaaa-4111-8111-111111111111", appID)
	a := w.apply(document)
	require.Equal(t, 200, a.status, a.body)
	assert.Len(t, a.told(t), 3)
	assert.Empty(t, w.apply(document).told(t))
}
