package devops_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/devops"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func check(settings string) (string, []rotation.Problem) {
	checked, problems := devops.New(devops.Config{}).CheckSettings(rotation.Application{}, rotation.Certificate, json.RawMessage(settings))
	return string(checked), problems
}

func TestSettingsAreNormalised(t *testing.T) {
	for name, c := range map[string]struct{ given, want string }{
		"names": {
			`{"organization":" fabrikam ","project":" Web shop","serviceConnection":"Azure (prod) "}`,
			`{"organization":"fabrikam","project":"Web shop","serviceConnection":"Azure (prod)"}`,
		},
		"an address and ids": {
			`{"organization":"https://dev.azure.com/fabrikam/Web","project":"AAAAAAAA-1111-4111-8111-111111111111","serviceConnection":"BBBBBBBB-1111-4111-8111-111111111111"}`,
			`{"organization":"fabrikam","project":"aaaaaaaa-1111-4111-8111-111111111111","serviceConnection":"bbbbbbbb-1111-4111-8111-111111111111"}`,
		},
		"an old address": {
			`{"organization":"https://Fabrikam.visualstudio.com/","project":"Größe","serviceConnection":"x"}`,
			`{"organization":"fabrikam","project":"Größe","serviceConnection":"x"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := check(c.given)
			require.Empty(t, problems)
			assert.Equal(t, c.want, got)
			again, problems := check(got)
			require.Empty(t, problems)
			assert.Equal(t, got, again, "what is stored is read again")
		})
	}
}

func TestEveryProblemIsNamed(t *testing.T) {
	const (
		organization = "must be the name of an organization, as in https://dev.azure.com/<name>"
		project      = "must be the name or the id of a project"
		connection   = "must be the id of a service connection, or its name if that has no comma"
	)
	for given, want := range map[string][]rotation.Problem{
		`[]`: {{Detail: "must be an object with the settings organization, project and serviceConnection"},
			{Field: "organization", Detail: organization}, {Field: "project", Detail: project}, {Field: "serviceConnection", Detail: connection}},
		`{"organization":1,"secret":"x"}`: {{Field: "organization", Detail: "must be a string"},
			{Field: "secret", Detail: "is not a setting of an Azure DevOps target: those are organization, project and serviceConnection"},
			{Field: "project", Detail: project}, {Field: "serviceConnection", Detail: connection}},
		`{"organization":"a/../b","project":"..","serviceConnection":"a,b"}`: {{Field: "organization", Detail: organization},
			{Field: "project", Detail: project}, {Field: "serviceConnection", Detail: connection}},
		`{"organization":"http://dev.azure.com/x","project":"a/b","serviceConnection":"\u0000"}`: {{Field: "organization", Detail: organization},
			{Field: "project", Detail: project}, {Field: "serviceConnection", Detail: connection}},
		`{"organization":"https://evil.example/x","project":"_x","serviceConnection":"` + strings.Repeat("x", 257) + `"}`: {{Field: "organization", Detail: organization},
			{Field: "project", Detail: project}, {Field: "serviceConnection", Detail: connection}},
	} {
		_, problems := check(given)
		assert.Equal(t, want, problems, given)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add(`{"organization":"https://dev.azure.com/fabrikam","project":"Web","serviceConnection":"azure"}`)
	f.Add(`{"organization":"https://%zz","project":null,"serviceConnection":1}`)
	f.Fuzz(func(t *testing.T, settings string) {
		stored, problems := check(settings)
		if len(problems) > 0 {
			return
		}
		again, problems := check(stored)
		require.Empty(t, problems)
		assert.Equal(t, stored, again)
	})
}
