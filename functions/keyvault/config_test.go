package keyvault_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/keyvault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	vaultHelp = "must be the name of a Key Vault, or its resource id /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.KeyVault/vaults/<name>"
	nameHelp  = "must be 1 to 127 letters, digits and hyphens, as Key Vault demands of a name"
	grantHelp = `must be "officer", "user" or "none"`
)

func target() *keyvault.Target { return keyvault.New(keyvault.Config{StagingVault: "Staging"}) }

var shop = rotation.Application{AppID: "6f1d1f5e-0c9a-4b55-9d55-2a0f6a1b7c42", Name: "Web shop"}

func TestSettingsAreDefaultedAndNormalised(t *testing.T) {
	for name, c := range map[string]struct{ given, want string }{
		"the name is the application's":       {`{"vault":"safe"}`, `{"vault":"safe","name":"Web-shop","grant":"officer"}`},
		"everything can be said":              {`{"vault":"my-safe","name":"db","grant":"user"}`, `{"vault":"my-safe","name":"db","grant":"user"}`},
		"null and nothing are the default":    {`{"vault":"safe","name":null,"grant":""}`, `{"vault":"safe","name":"Web-shop","grant":"officer"}`},
		"spaces around a vault are a mistake": {`{"vault":" safe "}`, `{"vault":"safe","name":"Web-shop","grant":"officer"}`},
		"a resource id has one spelling": {
			`{"vault":"/SUBSCRIPTIONS/ABCDEF00-2222-4333-8444-555555555555/resourcegroups/Rg(1)/providers/microsoft.keyvault/VAULTS/Safe"}`,
			`{"vault":"/subscriptions/abcdef00-2222-4333-8444-555555555555/resourceGroups/Rg(1)/providers/Microsoft.KeyVault/vaults/Safe","name":"Web-shop","grant":"officer"}`,
		},
		"on the staging vault nobody gets anything": {`{"vault":"staging"}`, `{"vault":"staging","name":"Web-shop","grant":"none"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := target().CheckSettings(shop, rotation.Secret, json.RawMessage(c.given))
			require.Empty(t, problems)
			assert.JSONEq(t, c.want, string(got))
			again, problems := target().CheckSettings(shop, rotation.Secret, got)
			require.Empty(t, problems)
			assert.JSONEq(t, c.want, string(again), "what is normal stays")
		})
	}
}

func TestEveryProblemIsReported(t *testing.T) {
	for name, c := range map[string]struct {
		given string
		want  []rotation.Problem
	}{
		"settings are an object":      {`["safe"]`, []rotation.Problem{{Detail: "must be an object with the settings vault, name, grant, format and template"}, {Field: "vault", Detail: vaultHelp}}},
		"settings are needed":         {``, []rotation.Problem{{Detail: "must be an object with the settings vault, name, grant, format and template"}, {Field: "vault", Detail: vaultHelp}}},
		"a vault is needed":           {`{}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"a vault has 3 letters":       {`{"vault":"ab"}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"a vault has 24 at most":      {`{"vault":"a123456789012345678901234"}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"hyphens stand alone":         {`{"vault":"my--safe"}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"a vault is no address":       {`{"vault":"https://safe.vault.azure.net"}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"a vault is no host":          {`{"vault":"safe.evil.example"}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"an id is a vault's":          {`{"vault":"/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Web/sites/safe"}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"an id is a vault itself":     {`{"vault":"/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/safe/secrets/db"}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"an id has a subscription":    {`{"vault":"/subscriptions/a/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/safe"}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"a group is no shell command": {`{"vault":"/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/$(reboot)/providers/Microsoft.KeyVault/vaults/safe"}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"an id has a group":           {`{"vault":"/subscriptions/11111111-2222-4333-8444-555555555555/providers/Microsoft.KeyVault/vaults/safe"}`, []rotation.Problem{{Field: "vault", Detail: vaultHelp}}},
		"all at once": {`{"valut":"safe","name":"a_b","grant":"owner","Grant":"user"}`, []rotation.Problem{
			{Field: "Grant", Detail: "is not a setting of a Key Vault target: those are vault, name, grant, format and template"},
			{Field: "valut", Detail: "is not a setting of a Key Vault target: those are vault, name, grant, format and template"},
			{Field: "name", Detail: nameHelp}, {Field: "vault", Detail: vaultHelp}, {Field: "grant", Detail: grantHelp},
		}},
		"strings are strings": {`{"vault":1,"name":["db"],"grant":true}`, []rotation.Problem{
			{Field: "grant", Detail: "must be a string"}, {Field: "name", Detail: "must be a string"}, {Field: "vault", Detail: "must be a string"},
		}},
		"the staging vault is closed to applications": {`{"vault":"staging","grant":"user"}`, []rotation.Problem{
			{Field: "grant", Detail: `must be "none": this is the staging vault, which holds the credentials of every application`},
		}},
		"in the staging vault rekey's own names are its own": {`{"vault":"STAGING","name":"Rekey-6f1d1f5e-0c9a-4b55-9d55-2a0f6a1b7c42-secret-1-1"}`, []rotation.Problem{
			{Field: "name", Detail: `must not begin with "rekey-" in the staging vault, where such names are rekey's own`},
		}},
		"so it is by its id": {`{"vault":"/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/STAGING","grant":"officer"}`, []rotation.Problem{
			{Field: "grant", Detail: `must be "none": this is the staging vault, which holds the credentials of every application`},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := target().CheckSettings(shop, rotation.Secret, json.RawMessage(c.given))
			assert.Equal(t, c.want, problems)
			assert.Nil(t, got)
		})
	}
}

func TestFormatAndTemplateFitTheKind(t *testing.T) {
	const places = "those are {{credential}}, {{clientId}}, {{tenantId}} and {{keyId}}"
	for name, c := range map[string]struct {
		kind  rotation.Kind
		given string
		want  string
		wrong []rotation.Problem
	}{
		"a certificate is a PFX": {rotation.Certificate, `{"vault":"safe"}`, `{"vault":"safe","name":"Web-shop","grant":"officer","format":"pfx"}`, nil},
		"it may be a PEM with a template": {rotation.Certificate, `{"vault":"safe","format":"pem","template":"x{{credential}}"}`,
			`{"vault":"safe","name":"Web-shop","grant":"officer","format":"pem","template":"x{{credential}}"}`, nil},
		"a secret may have a template": {rotation.Secret, `{"vault":"safe","template":"{{clientId}}:{{credential}}"}`,
			`{"vault":"safe","name":"Web-shop","grant":"officer","template":"{{clientId}}:{{credential}}"}`, nil},
		"a secret has no format": {rotation.Secret, `{"vault":"safe","format":"pem"}`, "",
			[]rotation.Problem{{Field: "format", Detail: `is for targets of the kind "certificate"`}}},
		"a format is one of three": {rotation.Certificate, `{"vault":"safe","format":"jks"}`, "",
			[]rotation.Problem{{Field: "format", Detail: `must be "pfx", "pem" or "cer"`}}},
		"a certificate of the vault has no template": {rotation.Certificate, `{"vault":"safe","template":"{{credential}}"}`, "",
			[]rotation.Problem{{Field: "template", Detail: `is for secrets: a certificate is one in the format "pem" or "cer"`}}},
		"a template has the credential": {rotation.Secret, `{"vault":"safe","template":"{{clientId}}"}`, "",
			[]rotation.Problem{{Field: "template", Detail: "must contain {{credential}}"}}},
		"a template has known places": {rotation.Secret, `{"vault":"safe","template":"{{credential}}{{user}}"}`, "",
			[]rotation.Problem{{Field: "template", Detail: "{{user}} is not a placeholder: " + places}}},
		"a template is not too long": {rotation.Secret, `{"vault":"safe","template":"{{credential}}` + strings.Repeat("x", 10_000) + `"}`, "",
			[]rotation.Problem{{Field: "template", Detail: "must have at most 10000 characters"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := target().CheckSettings(shop, c.kind, json.RawMessage(c.given))
			assert.Equal(t, c.wrong, problems)
			if c.wrong == nil {
				assert.JSONEq(t, c.want, string(got))
			}
		})
	}
}

func TestAnApplicationsNameIsMadeLegal(t *testing.T) {
	for name, want := range map[string]string{
		"billing":                           "billing",
		"Already-Legal--42":                 "Already-Legal--42",
		"Web shop (prod)":                   "Web-shop-prod",
		"a_b.c/d":                           "a-b-c-d",
		"  spaces  ":                        "spaces",
		"Zürich":                            "Z-rich",
		"会計":                                shop.AppID,
		"":                                  shop.AppID,
		"!!!":                               shop.AppID,
		"-":                                 "-",
		"../../secrets":                     "secrets",
		strings.Repeat("x", 127):            strings.Repeat("x", 127),
		strings.Repeat("x", 128):            strings.Repeat("x", 127),
		strings.Repeat("x", 126) + " y":     strings.Repeat("x", 126),
		"<script>alert(1)</script>":         "script-alert-1-script",
		"tab\tand\nnewline":                 "tab-and-newline",
		"trailing hyphen-legal-":            "trailing-hyphen-legal",
		"emoji 🔑 key":                       "emoji-key",
		"https://example.com/app?query=1#f": "https-example-com-app-query-1-f",
	} {
		t.Run(name, func(t *testing.T) {
			app := shop
			app.Name = name
			got, problems := target().CheckSettings(app, rotation.Secret, json.RawMessage(`{"vault":"safe"}`))
			require.Empty(t, problems)
			var s keyvault.Settings
			require.NoError(t, json.Unmarshal(got, &s))
			assert.Equal(t, want, s.Name)
		})
	}
}

func FuzzSettingsAreLegalOrRefused(f *testing.F) {
	f.Add(`{"vault":"safe"}`, "Web shop")
	f.Add(`{"vault":"/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/safe","name":"db"}`, "会計")
	f.Add(`{"vault":"safe","grant":"owner"`, "")
	f.Add(`{"vault":"safe","format":"pem","template":"{{credential}}"}`, "")
	f.Fuzz(func(t *testing.T, settings, name string) {
		app := shop
		app.Name = name
		for _, kind := range rotation.Kinds() {
			got, problems := target().CheckSettings(app, kind, json.RawMessage(settings))
			if len(problems) > 0 {
				assert.Nil(t, got)
				continue
			}
			var s keyvault.Settings
			require.NoError(t, json.Unmarshal(got, &s))
			assert.Regexp(t, `^[0-9a-zA-Z-]{1,127}$`, s.Name)
			assert.Regexp(t, `^(/subscriptions/.+/)?[0-9a-zA-Z-]{3,24}$`, s.Vault)
			again, problems := target().CheckSettings(app, kind, got)
			assert.Empty(t, problems)
			assert.JSONEq(t, string(got), string(again))
		}
	})
}
