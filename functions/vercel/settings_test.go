package vercel_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/vercel"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func check(kind rotation.Kind, settings string) (json.RawMessage, []rotation.Problem) {
	return vercel.New(vercel.Config{}).CheckSettings(rotation.Application{}, kind, json.RawMessage(settings))
}

func TestSettingsGetTheirDefaults(t *testing.T) {
	for kind, format := range map[rotation.Kind]string{rotation.Secret: "", rotation.Certificate: `,"format":"pem"`} {
		got, problems := check(kind, `{"project":"shop","variable":"DB","environments":["production"],"template":null}`)
		require.Empty(t, problems)
		assert.JSONEq(t, `{"project":"shop","variable":"DB","environments":["production"],"sensitive":false,"redeploy":[],"template":"{{credential}}"`+format+`}`, string(got))
	}
}

func TestSettingsThatAreRefused(t *testing.T) {
	with := func(field, value string) string {
		fields := map[string]json.RawMessage{
			"project": []byte(`"shop"`), "variable": []byte(`"DB"`), "environments": []byte(`["production","development"]`),
		}
		fields[field] = json.RawMessage(value)
		text, _ := json.Marshal(fields) // raw JSON has no error
		return string(text)
	}
	const environments = "must be production, preview, development, or the slug or id of a custom environment"
	for name, c := range map[string]struct{ settings, field, detail string }{
		"no object":                      {`[]`, "", "must be an object with the settings project, variable and environments"},
		"an unknown one":                 {with("colour", `"red"`), "colour", "is not a setting of a Vercel target: those are environments, format, project, redeploy, sensitive, template, variable"},
		"a project that is a path":       {with("project", `"../teams"`), "project", "must be a project's id or name"},
		"a project that is only dots":    {with("project", `".."`), "project", "must be a project's id or name"},
		"a variable with a hyphen":       {with("variable", `"DB-URL"`), "variable", "must be 1 to 256 letters, digits and underscores, and not begin with a digit"},
		"a variable that is no text":     {with("variable", `7`), "variable", "must be a string"},
		"no environment":                 {with("environments", `[]`), "environments", "must name at least one of production, preview, development and the project's own"},
		"environments that are no list":  {with("environments", `"production"`), "environments", "must be a list of names"},
		"an environment in capitals":     {with("environments", `["Production"]`), "environments", environments},
		"an environment twice":           {with("environments", `["preview","preview"]`), "environments", "must name no environment twice"},
		"sensitive on machines":          {with("sensitive", `true`), "sensitive", "must be false where development is among the environments: Vercel keeps no sensitive values there"},
		"sensitive in words":             {with("sensitive", `"yes"`), "sensitive", "must be true or false"},
		"machines redeployed":            {with("redeploy", `["development"]`), "redeploy", "must not name development: it has no deployments"},
		"what is not chosen, redeployed": {with("redeploy", `["preview"]`), "redeploy", "must name only what is among the environments"},
		"redeployed twice":               {with("redeploy", `["production","production"]`), "redeploy", "must name no environment twice"},
		"a placeholder that is none":     {with("template", `"{{secret}}"`), "template", "{{secret}} is not a placeholder: those are {{credential}}, {{clientId}}, {{tenantId}} and {{keyId}}"},
		"a template without credential":  {with("template", `"{{clientId}}"`), "template", "must contain {{credential}}"},
		"a format for a secret":          {with("format", `"pem"`), "format", "is for certificates only"},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := check(rotation.Secret, c.settings)
			assert.Nil(t, got)
			assert.Equal(t, []rotation.Problem{{Field: c.field, Detail: c.detail}}, problems)
		})
	}
	_, problems := check(rotation.Certificate, with("format", `"jks"`))
	assert.Equal(t, []rotation.Problem{{Field: "format", Detail: `must be "pem", "pfx" or "cer"`}}, problems)
}

func TestAllProblemsAreReportedTogether(t *testing.T) {
	_, problems := check(rotation.Secret, `{"colour":1}`)
	fields := []string{}
	for _, p := range problems {
		fields = append(fields, p.Field)
	}
	assert.Equal(t, []string{"colour", "project", "variable", "environments"}, fields)
}

func FuzzSettingsAreLegalOrRefused(f *testing.F) {
	f.Add(`{"project":"shop","variable":"DB","environments":["production","env_1a"],"redeploy":["production"]}`)
	f.Add(`{"project":"shop","variable":"DB","environments":["development"],"sensitive":true}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, settings string) {
		for _, kind := range rotation.Kinds() {
			got, problems := check(kind, settings)
			if len(problems) > 0 {
				assert.Nil(t, got)
				continue
			}
			again, problems := check(kind, string(got))
			assert.Empty(t, problems)
			assert.JSONEq(t, string(got), string(again))
		}
	})
}
