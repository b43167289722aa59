package apiconnection_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/apiconnection"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	mail           = group + "/providers/Microsoft.Web/connections/mail"
	connectionHelp = "must be the resource id of an API connection: /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Web/connections/<name>"
	settingsHelp   = "must be an object with the settings connection, parameters, secrets and test"
	secretHelp     = "must be the identifier of a secret, without a version: https://<vault>.vault.azure.net/secrets/<name>"
)

func unconnected() *apiconnection.Target {
	return apiconnection.New(apiconnection.Config{StagingVault: "Staging"})
}

func TestSettingsAreDefaultedAndNormalised(t *testing.T) {
	for name, c := range map[string]struct{ given, want string }{
		"the test is required":    {`{"connection":"` + mail + `"}`, `{"connection":"` + mail + `","test":"required"}`},
		"null is the default":     {`{"connection":"` + mail + `","test":null,"parameters":null}`, `{"connection":"` + mail + `","test":"required"}`},
		"an id has one spelling":  {`{"connection":" ` + strings.ToUpper(group) + `/Providers/microsoft.web/CONNECTIONS/Mail"}`, `{"connection":"/subscriptions/` + subscription + `/resourceGroups/RG/providers/Microsoft.Web/connections/Mail","test":"required"}`},
		"everything can be said":  {`{"connection":"` + mail + `","parameters":{"a":"b"},"secrets":{"c":"https://safe.vault.azure.net/secrets/d"},"test":"skipped"}`, `{"connection":"` + mail + `","parameters":{"a":"b"},"secrets":{"c":"https://safe.vault.azure.net/secrets/d"},"test":"skipped"}`},
		"an empty value is a one": {`{"connection":"` + mail + `","parameters":{"a":""}}`, `{"connection":"` + mail + `","parameters":{"a":""},"test":"required"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := unconnected().CheckSettings(rotation.Application{}, rotation.Secret, json.RawMessage(c.given))
			require.Empty(t, problems)
			assert.JSONEq(t, c.want, string(got))
			again, problems := unconnected().CheckSettings(rotation.Application{}, rotation.Certificate, got)
			require.Empty(t, problems)
			assert.JSONEq(t, c.want, string(again), "what is normal stays")
		})
	}
}

func TestEveryProblemIsReported(t *testing.T) {
	type problems = []rotation.Problem
	with := func(more string) string { return `{"connection":"` + mail + `",` + more + `}` }
	for name, c := range map[string]struct {
		given string
		want  problems
	}{
		"settings are an object":          {`["x"]`, problems{{Detail: settingsHelp}, {Field: "connection", Detail: connectionHelp}}},
		"settings are needed":             {``, problems{{Detail: settingsHelp}, {Field: "connection", Detail: connectionHelp}}},
		"a connection is needed":          {`{}`, problems{{Field: "connection", Detail: connectionHelp}}},
		"a connection is an id":           {`{"connection":"mail"}`, problems{{Field: "connection", Detail: connectionHelp}}},
		"an id is a string":               {`{"connection":7}`, problems{{Field: "connection", Detail: connectionHelp}}},
		"an id is a connection's":         {`{"connection":"` + group + `/providers/Microsoft.Web/sites/mail"}`, problems{{Field: "connection", Detail: connectionHelp}}},
		"an id has nothing below":         {`{"connection":"` + mail + `/accessPolicies/x"}`, problems{{Field: "connection", Detail: connectionHelp}}},
		"an id is in a group":             {`{"connection":"/subscriptions/` + subscription + `/providers/Microsoft.Web/connections/mail"}`, problems{{Field: "connection", Detail: connectionHelp}}},
		"an id has no query":              {`{"connection":"` + mail + `?x=y"}`, problems{{Field: "connection", Detail: connectionHelp}}},
		"a subscription is a GUID":        {`{"connection":"/subscriptions/mine/resourceGroups/rg/providers/Microsoft.Web/connections/mail"}`, problems{{Field: "connection", Detail: connectionHelp}}},
		"other settings do not exist":     {with(`"vault":"x"`), problems{{Field: "vault", Detail: "is not a setting of an API connection: those are connection, parameters, secrets and test"}}},
		"parameters are strings":          {with(`"parameters":{"a":1}`), problems{{Field: "parameters", Detail: "must be an object of strings"}}},
		"secrets are strings":             {with(`"secrets":[]`), problems{{Field: "secrets", Detail: "must be an object of strings"}}},
		"a test is one of two":            {with(`"test":"maybe"`), problems{{Field: "test", Detail: `must be "required" or "skipped"`}}},
		"the client id is not to be set":  {with(`"parameters":{"TOKEN:CLIENTID":"x"}`), problems{{Field: "parameters.TOKEN:CLIENTID", Detail: "is taken from the application and cannot be set"}}},
		"the credential is rekey's":       {with(`"secrets":{"token:clientSecret":"https://safe.vault.azure.net/secrets/x"}`), problems{{Field: "secrets.token:clientSecret", Detail: "is taken from the application and cannot be set"}}},
		"a secret is a reference":         {with(`"secrets":{"key":"the key itself"}`), problems{{Field: "secrets.key", Detail: secretHelp}}},
		"a reference is to Azure":         {with(`"secrets":{"key":"https://safe.vault.azure.net.evil.example/secrets/x"}`), problems{{Field: "secrets.key", Detail: secretHelp}}},
		"a reference has no version":      {with(`"secrets":{"key":"https://safe.vault.azure.net/secrets/x/0123"}`), problems{{Field: "secrets.key", Detail: secretHelp}}},
		"the staging vault is not to see": {with(`"secrets":{"key":"https://sTaging.vault.azure.net/secrets/x"}`), problems{{Field: "secrets.key", Detail: "must not be in the staging vault, which holds the credentials of every application"}}},
		"a value comes from one place":    {with(`"parameters":{"Key":"x"},"secrets":{"key":"https://safe.vault.azure.net/secrets/x"}`), problems{{Field: "secrets.key", Detail: "is among the parameters as well"}}},
		"all of them": {`{"connection":"x","test":1,"z":1}`, problems{
			{Field: "z", Detail: "is not a setting of an API connection: those are connection, parameters, secrets and test"},
			{Field: "test", Detail: `must be "required" or "skipped"`}, {Field: "connection", Detail: connectionHelp}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, found := unconnected().CheckSettings(rotation.Application{}, rotation.Secret, json.RawMessage(c.given))
			assert.Equal(t, c.want, found)
		})
	}
}

func FuzzSettings(f *testing.F) {
	for _, seed := range []string{`{"connection":"` + mail + `"}`, `{"secrets":{"a":"https://safe.vault.azure.net/secrets/b"}}`, `{"connection":"/subscriptions//resourceGroups/"}`, `null`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, settings string) {
		got, problems := unconnected().CheckSettings(rotation.Application{}, rotation.Secret, json.RawMessage(settings))
		if len(problems) > 0 {
			return
		}
		again, problems := unconnected().CheckSettings(rotation.Application{}, rotation.Secret, got)
		assert.Empty(t, problems, "what was accepted is accepted")
		assert.JSONEq(t, string(got), string(again))
	})
}
