package devops_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestCheckSaysYesAndChangesNothing(t *testing.T) {
	w := start(t, simulated.Options{})
	d := w.delivery(t, w.row(t, rotation.Secret, w.connection))
	_, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	notes, err := w.target.Check(t.Context(), w.app, d.Target)
	require.NoError(t, err)
	assert.Empty(t, notes)
	assert.Equal(t, 1, w.held(w.connection).Writes)
}

func TestCheckTellsWhatAPersonShouldKnow(t *testing.T) {
	w := start(t, simulated.Options{})
	id := w.add(simulated.Connection{
		Name: "odd", Projects: []string{"Web shop", "Floor"}, Data: map[string]string{"creationMode": "Automatic"},
		Extra: map[string]any{"isDisabled": true},
		Parameters: map[string]string{
			"tenantid": another, "serviceprincipalid": w.app.AppID, "authenticationType": "spnKey", "serviceprincipalkey": "stale"},
	})
	notes, err := w.target.Check(t.Context(), w.app, w.row(t, rotation.Certificate, id))
	require.NoError(t, err)
	require.Len(t, notes, 6)
	for i, want := range []string{
		"it is shared by 2 projects", "Azure DevOps created it automatically", "it signs in with a secret now",
		`it signs in to another tenant, "` + another + `"`, "it is disabled", "its present credential does not work",
	} {
		assert.Contains(t, notes[i], want)
	}
}

func TestCheckRefusesWhatDeliveryWouldRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*world) (connection string)
		class   rotation.Class
		want    string
	}{
		"a connection that rekey may only use": {
			func(w *world) string {
				w.service.SetRole("Fabrikam", w.connection, w.self.ObjectID, simulated.User)
				return w.connection
			},
			rotation.Denied, `devops: service connection "azure (prod)": rekey may see it and not change it; make rekey's identity an Administrator`,
		},
		"a connection that needs no secret": {
			func(w *world) string {
				return w.add(simulated.Connection{Name: "keyless", Scheme: simulated.SchemeFederation, Parameters: map[string]string{"serviceprincipalid": w.app.AppID}})
			},
			rotation.Permanent, "needs no secret",
		},
		"a name that nobody has": {
			func(*world) string { return "nothing" },
			rotation.NotFound, `devops: service connection "nothing" in project "Web shop" of organization "Fabrikam" is not there`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, simulated.Options{})
			_, err := w.target.Check(t.Context(), w.app, w.row(t, rotation.Secret, c.prepare(w)))
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
			assert.Equal(t, c.class, rotation.ClassOf(err))
		})
	}
}
