package devops_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// without returns a document without some of its properties.
func without(document map[string]any, names ...string) map[string]any {
	for _, name := range names {
		delete(document, name)
	}
	return document
}

func parameters(document map[string]any) map[string]any {
	return document["authorization"].(map[string]any)["parameters"].(map[string]any)
}

func TestADeliveryTakesFourCalls(t *testing.T) {
	w := start(t, simulated.Options{})
	d := w.delivery(t, w.row(t, rotation.Secret, w.connection))
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.True(t, outcome.Confirmed)
	assert.Equal(t, "service connection "+w.connection, outcome.Receipt)
	assert.Equal(t, []string{
		"GET /Fabrikam/Web shop/_apis/serviceendpoint/endpoints/" + w.connection,
		"POST /Fabrikam/Web shop/_apis/serviceendpoint/endpointproxy",
		"PUT /Fabrikam/_apis/serviceendpoint/endpoints/" + w.connection,
		"POST /Fabrikam/Web shop/_apis/serviceendpoint/endpointproxy",
	}, w.outside())
	assert.Equal(t, sha(d.Credential.Value.Reveal()), w.held(w.connection).Secrets["serviceprincipalkey"])
}

func TestEverythingElseStaysAsItWas(t *testing.T) {
	for name, kind := range map[string]rotation.Kind{"with a secret": rotation.Secret, "with a certificate": rotation.Certificate} {
		t.Run(name, func(t *testing.T) {
			w := start(t, simulated.Options{})
			id := w.add(simulated.Connection{
				Name: "shared", Description: "Größe <&>", Projects: []string{"Web shop", "Floor"},
				Extra: map[string]any{"isOutdated": false, "administratorsGroup": nil, "later": map[string]any{"number": 12345678901234567.0, "list": []any{1.0, "x"}}},
			})
			w.service.SetOrganizationRole("Fabrikam", id, w.self.ObjectID, simulated.Administrator)
			before := w.held(id).Document
			d := w.delivery(t, w.row(t, kind, id))
			outcome, err := w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			require.True(t, outcome.Confirmed)

			after := w.held(id)
			assert.Equal(t, without(before, "authorization"), without(after.Document, "authorization"))
			assert.Len(t, after.Document["serviceEndpointProjectReferences"], 2)
			require.Len(t, w.bodies, 1)
			assert.Contains(t, w.bodies[0], `"number":12345678901234568`, "no number is rounded on the way")
		})
	}
}

func TestAConnectionChangesItsKind(t *testing.T) {
	w := start(t, simulated.Options{})
	certificate := w.delivery(t, w.row(t, rotation.Certificate, w.connection))
	_, err := w.target.Deploy(t.Context(), certificate)
	require.NoError(t, err)
	held := w.held(w.connection)
	assert.Equal(t, "spnCertificate", parameters(held.Document)["authenticationType"])
	assert.Equal(t, map[string]string{"serviceprincipalcertificate": sha(certificate.Credential.Value.Reveal())}, held.Secrets, "the key is gone")

	key := w.delivery(t, w.row(t, rotation.Secret, w.connection))
	_, err = w.target.Deploy(t.Context(), key)
	require.NoError(t, err)
	held = w.held(w.connection)
	assert.Equal(t, "spnKey", parameters(held.Document)["authenticationType"])
	assert.Equal(t, map[string]string{"serviceprincipalkey": sha(key.Credential.Value.Reveal())}, held.Secrets)
}

func TestAnAutomaticConnectionBecomesManual(t *testing.T) {
	w := start(t, simulated.Options{})
	id := w.add(simulated.Connection{Name: "automatic", Data: map[string]string{"creationMode": "automatic", "spnObjectId": "x"}})
	outcome, err := w.target.Deploy(t.Context(), w.delivery(t, w.row(t, rotation.Secret, id)))
	require.NoError(t, err)
	assert.True(t, outcome.Confirmed)
	assert.Equal(t, map[string]any{"creationMode": "Manual", "spnObjectId": "x"}, w.held(id).Document["data"])
}

func TestNamesAreSpelledAsTheyWere(t *testing.T) {
	w := start(t, simulated.Options{})
	id := w.add(simulated.Connection{Name: "odd", Type: "AzureRM", Parameters: map[string]string{
		"TenantId": tenant, "ServicePrincipalId": strings.ToUpper(w.app.AppID), "AuthenticationType": "spnKey", "ServicePrincipalKey": "old",
	}})
	outcome, err := w.target.Deploy(t.Context(), w.delivery(t, w.row(t, rotation.Secret, id)))
	require.NoError(t, err)
	assert.True(t, outcome.Confirmed)
	assert.Len(t, parameters(w.held(id).Document), 4)
	assert.Contains(t, parameters(w.held(id).Document), "ServicePrincipalKey")
}

func TestAConnectionIsFoundByItsName(t *testing.T) {
	w := start(t, simulated.Options{Processing: processing})
	d := w.delivery(t, w.row(t, rotation.Secret, "Azure (prod)"))
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.Equal(t, w.connection, outcome.Handle)

	d.Tries = 2 // the answer was lost, and lists hide what is being changed
	_, err = w.target.Deploy(t.Context(), d)
	require.Error(t, err)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	d.Tries = 1
	_, err = w.target.Deploy(t.Context(), d)
	require.Error(t, err)
	assert.Equal(t, rotation.NotFound, rotation.ClassOf(err))
}

func TestAChangeThatTakesLongIsAskedAboutLater(t *testing.T) {
	w := start(t, simulated.Options{Processing: processing})
	d := w.delivery(t, w.row(t, rotation.Secret, w.connection))
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.False(t, outcome.Confirmed)
	assert.Equal(t, "Azure DevOps is processing the change", outcome.Waiting)
	assert.Positive(t, outcome.After)

	waiting := d // the handle was never saved: the change that runs is waited for
	waiting.Tries = 2
	again, err := w.target.Deploy(t.Context(), waiting)
	require.NoError(t, err)
	assert.Empty(t, again.Handle)
	assert.Equal(t, "an earlier change of the service connection is being processed", again.Waiting)

	d.Handle = outcome.Handle
	w.clock.Advance(processing)
	outcome, err = w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.True(t, outcome.Confirmed)
	assert.Equal(t, 1, w.held(w.connection).Writes)
}

func TestWhatRunsCanBeAskedAboutWithoutTheCredential(t *testing.T) {
	w := start(t, simulated.Options{Processing: processing})
	d := w.delivery(t, w.row(t, rotation.Secret, w.connection))
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	older := d
	older.Handle, older.Credential.Value = outcome.Handle, secret.Value{}
	outcome, err = w.target.Deploy(t.Context(), older)
	require.NoError(t, err)
	assert.Positive(t, outcome.After, "it runs")
	w.clock.Advance(processing)
	outcome, err = w.target.Deploy(t.Context(), older)
	require.NoError(t, err)
	assert.Zero(t, outcome, "it has come to an end")

	older.Handle = "" // nothing was begun
	w.outside()
	outcome, err = w.target.Deploy(t.Context(), older)
	require.NoError(t, err)
	assert.Zero(t, outcome)
	older.Handle = tenant // what is gone runs no more
	outcome, err = w.target.Deploy(t.Context(), older)
	require.NoError(t, err)
	assert.Zero(t, outcome)
	assert.Equal(t, 1, w.held(w.connection).Writes)
}

func TestAChangeThatFailsSaysWhy(t *testing.T) {
	w := start(t, simulated.Options{Processing: processing})
	d := w.delivery(t, w.row(t, rotation.Secret, w.connection))
	w.service.FailNextChange("Fabrikam", w.connection, "the subscription is gone, said "+d.Credential.Value.Reveal())
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	d.Handle = outcome.Handle
	w.clock.Advance(processing)
	_, err = w.target.Deploy(t.Context(), d)
	require.EqualError(t, err, `devops: change service connection "azure (prod)": Azure DevOps could not process it: the subscription is gone, said [redacted]; `+
		"open the connection in Azure DevOps and save it there, then resume this deployment")
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))

	d.Handle = "" // resumed
	outcome, err = w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	d.Handle = outcome.Handle
	w.clock.Advance(processing)
	outcome, err = w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.True(t, outcome.Confirmed)
}

func TestACredentialThatDoesNotSignInIsNotWritten(t *testing.T) {
	w := start(t, simulated.Options{})
	d := w.delivery(t, w.row(t, rotation.Secret, w.connection))
	d.Credential.Value = secret.New("Entra ID does not know this yet")
	_, err := w.target.Deploy(t.Context(), d)
	require.Error(t, err)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err), "it may not have come everywhere yet")
	assert.Contains(t, err.Error(), `devops: test service connection "azure (prod)" with the new credential: badRequest: Failed to obtain the Json Web Token(JWT)`)
	assert.Contains(t, err.Error(), "AADSTS7000215")
	assert.Zero(t, w.held(w.connection).Writes)
}

func TestAnAnswerThatAsksToSlowDownIsHeeded(t *testing.T) {
	w := start(t, simulated.Options{Calls: 2})
	d := w.delivery(t, w.row(t, rotation.Secret, w.connection))
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.True(t, outcome.Confirmed, "what was begun goes on")

	w.outside()
	_, err = w.target.Deploy(t.Context(), d)
	require.EqualError(t, err, `devops: organization "Fabrikam" asked to slow down`)
	assert.Equal(t, rotation.Throttled, rotation.ClassOf(err))
	assert.Empty(t, w.outside())
	w.clock.Advance(rotation.AfterOf(err))
	_, err = w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
}

// TestACertificateThatComesBackInPiecesIsNotRepeated: the suite has the whole
// credential come back, a service that shortens or rewraps it shows lines of it.
func TestACertificateThatComesBackInPiecesIsNotRepeated(t *testing.T) {
	w := start(t, simulated.Options{})
	d := w.delivery(t, w.row(t, rotation.Certificate, w.connection))
	lines := strings.Split(d.Credential.Value.Reveal(), "\n")
	body, err := json.Marshal(map[string]string{"message": strings.Join(lines[1:6], " "), "typeKey": "ServiceEndpointException"})
	require.NoError(t, err)
	w.misbehave(t, cloud.Fault{Host: simulated.Host, Method: "PUT", Status: 400, Body: body})
	_, err = w.target.Deploy(t.Context(), d)
	require.Error(t, err)
	for _, line := range lines[1:6] {
		assert.NotContains(t, err.Error(), line)
	}
	assert.Contains(t, err.Error(), "400 ServiceEndpointException: [redacted] [redacted]")
}
