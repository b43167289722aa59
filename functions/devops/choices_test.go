package devops_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestOrganizationsAreListedBesidesTheConfiguredOnes(t *testing.T) {
	w := start(t, simulated.Options{}, "fabrikam", "Contoso")
	choices, err := w.target.Choices(t.Context(), "organization", nil)
	require.NoError(t, err)
	assert.Equal(t, []rotation.Choice{{Value: "Contoso", Name: "Contoso"}, {Value: "Fabrikam", Name: "Fabrikam"}}, choices)
}

func TestOrganizationsThatAreNotListedCanBeConfigured(t *testing.T) {
	w := start(t, simulated.Options{NoProfiles: true}, "Contoso")
	choices, err := w.target.Choices(t.Context(), "organization", nil)
	require.NoError(t, err)
	assert.Equal(t, []rotation.Choice{{Value: "Contoso", Name: "Contoso"}}, choices)

	w = start(t, simulated.Options{NoProfiles: true})
	_, err = w.target.Choices(t.Context(), "organization", nil)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "devops: read rekey's own profile: 404 ProfileDoesNotExistException: ")
	assert.Contains(t, err.Error(), "; Azure DevOps lists no organizations for rekey's identity: write the organization's name into the settings")
}

func TestProjectsAreListedToTheEnd(t *testing.T) {
	w := start(t, simulated.Options{PageSize: 1})
	choices, err := w.target.Choices(t.Context(), "project", map[string]string{"organization": "https://dev.azure.com/fabrikam"})
	require.NoError(t, err)
	require.Len(t, choices, 2)
	assert.Equal(t, "Floor", choices[0].Name)
	assert.Equal(t, "Web shop", choices[1].Name)
	assert.Len(t, choices[1].Value, 36, "an id, which a new name does not change")
}

func TestConnectionsSayWhyTheyCannotBeUsed(t *testing.T) {
	w := start(t, simulated.Options{})
	keyless := w.add(simulated.Connection{Name: "Keyless", Scheme: simulated.SchemeFederation, Parameters: map[string]string{"serviceprincipalid": w.app.AppID}})
	theirs := w.add(simulated.Connection{Name: "theirs", Parameters: map[string]string{"serviceprincipalid": another, "tenantid": tenant, "serviceprincipalkey": "x"}})
	w.add(simulated.Connection{Name: "git", Type: "github"})
	chosen := map[string]string{"organization": "Fabrikam", "project": "Web shop", "appId": w.app.AppID}
	choices, err := w.target.Choices(t.Context(), "serviceConnection", chosen)
	require.NoError(t, err)
	assert.Equal(t, []rotation.Choice{
		{Value: w.connection, Name: "azure (prod)"},
		{Value: keyless, Name: "Keyless", Unusable: "it uses workload identity federation and needs no secret"},
		{Value: theirs, Name: "theirs", Unusable: `it signs in as another application, "` + another + `"`},
	}, choices)
	delete(chosen, "appId")
	choices, err = w.target.Choices(t.Context(), "serviceConnection", chosen)
	require.NoError(t, err)
	assert.Empty(t, choices[2].Unusable, "nobody said whose target it is")
}

func TestAChoiceNeedsTheOneBeforeIt(t *testing.T) {
	w := start(t, simulated.Options{})
	for setting, c := range map[string]struct {
		chosen map[string]string
		want   rotation.Problem
	}{
		"vault":             {nil, rotation.Problem{Field: "vault", Detail: "is not a setting with choices: those are organization, project and serviceConnection"}},
		"project":           {nil, rotation.Problem{Field: "organization", Detail: "must be chosen first"}},
		"serviceConnection": {map[string]string{"organization": "Fabrikam"}, rotation.Problem{Field: "project", Detail: "must be chosen first"}},
	} {
		_, err := w.target.Choices(t.Context(), setting, c.chosen)
		assert.Equal(t, c.want, err)
	}
	assert.Empty(t, w.outside())
}
