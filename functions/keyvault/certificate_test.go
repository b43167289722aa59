package keyvault_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func TestFromNothingToACertificateWhereRolesDecide(t *testing.T) {
	w := start(t)
	w.rbacVault("safe")
	row := w.certificateRow(t, `{"vault":"safe"}`)
	require.NoError(t, w.target.Prepare(t.Context(), w.app, row))
	w.clock.Advance(propagation)
	d := w.certificateDelivery(t, row, 7)
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)

	versions := w.imported("safe", "Web-shop-prod")
	require.Len(t, versions, 1)
	v := versions[0]
	assert.Equal(t, rotation.Outcome{Confirmed: true, Receipt: v.Version}, outcome)
	assert.Equal(t, pair().Thumbprint(), v.Thumbprint)
	assert.Equal(t, "application/x-pkcs12", v.ContentType)
	assert.Equal(t, d.Credential.Start, *v.NotBefore)
	assert.Equal(t, d.Credential.End, *v.Expires)
	assert.Equal(t, map[string]string{
		"installation": "test", "appId": w.app.AppID, "kind": "certificate", "generation": "7", "keyId": "key", "target": "safe",
	}, v.Tags)
	assert.Equal(t, []string{
		"SELF is Key Vault Certificates Officer at " + safeID,
		"APP is Key Vault Certificates Officer at " + safeID,
		"APP is Key Vault Secrets User at " + safeID,
	}, w.assigned(t))
}

func TestFromNothingToACertificateWhereAccessPoliciesDecide(t *testing.T) {
	for grant, app := range map[string]simulated.Permissions{
		"officer": {Secrets: []string{"get", "list"}, Certificates: []string{"get", "list", "import"}},
		"user":    {Secrets: []string{"get", "list"}, Certificates: []string{"get", "list"}},
	} {
		t.Run(grant, func(t *testing.T) {
			w := start(t)
			w.policyVault("safe", policyOf(w.self, "delete"))
			row := w.certificateRow(t, `{"vault":"safe","name":"web","grant":"`+grant+`"}`)
			report := w.access(t, row)
			assert.Contains(t, report, `{"principal":"SELF","kind":"system","certificatePermissions":["get","list","import","recover"],"state":"granted"}`)
			_, err := w.target.Deploy(t.Context(), w.certificateDelivery(t, row, 1))
			require.NoError(t, err)
			assert.Len(t, w.imported("safe", "web"), 1)
			assert.Equal(t, []simulated.AccessPolicy{
				{TenantID: tenant, ObjectID: w.self.ObjectID, Permissions: simulated.Permissions{
					Secrets: []string{"delete"}, Certificates: []string{"get", "list", "import", "recover"}}},
				{TenantID: tenant, ObjectID: w.principal.ObjectID, Permissions: app},
			}, w.manager.State().Vaults[0].AccessPolicies)
			assert.Contains(t, w.access(t, row), `"state":"existing"`)
		})
	}
}

// What a grant is worth shows when the application uses its certificate.
func TestWhoUsesACertificateCanReadIt(t *testing.T) {
	for _, grant := range []string{"officer", "user"} {
		t.Run(grant, func(t *testing.T) {
			w := start(t)
			w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultCertificatesOfficer)
			sp, account := w.account(t)
			row := w.certificateRow(t, `{"vault":"safe","name":"web","grant":"`+grant+`"}`)
			require.NoError(t, w.target.Prepare(t.Context(), rotation.Application{AppID: sp.AppID, Name: "user"}, row))
			_, err := w.target.Deploy(t.Context(), w.certificateDelivery(t, row, 1))
			require.NoError(t, err)
			w.clock.Advance(propagation)
			got, err := account.Certificate(t.Context(), "safe", "web")
			require.NoError(t, err)
			assert.True(t, pair().Key.Equal(got.Pair.Key))
		})
	}
}

func TestCommandsGrantCertificates(t *testing.T) {
	w := start(t)
	id := w.manager.AddVault(resourcemanager.Vault{Name: "safe", Subscription: subscription, ResourceGroup: "rg",
		Policies: []simulated.AccessPolicy{policyOf(w.principal, "set")}})
	w.allow(id, w.self.ObjectID, resourcemanager.Reader)
	report := w.access(t, w.certificateRow(t, `{"vault":"safe","name":"web"}`))
	const command = `"az keyvault set-policy --subscription ` + subscription + ` --name safe --object-id %s`
	assert.Contains(t, report, fmt.Sprintf(command, `SELF --certificate-permissions get list import recover"`))
	assert.Contains(t, report, fmt.Sprintf(command, `APP --secret-permissions set get list --certificate-permissions get list import"`))
}

func TestALostAnswerImportsNoSecondVersion(t *testing.T) {
	w := start(t)
	w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultCertificatesOfficer)
	row := w.certificateRow(t, `{"vault":"safe","name":"web"}`)
	_, err := w.target.Deploy(t.Context(), w.certificateDelivery(t, row, 1))
	require.NoError(t, err)
	w.misbehave(t, cloud.Fault{Host: "*.vault.azure.net", Method: "POST", Lose: true, Count: new(1)})
	d := w.certificateDelivery(t, row, 2)
	_, err = w.target.Deploy(t.Context(), d)
	require.Error(t, err)
	d.Tries = 2
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	versions := w.imported("safe", "web")
	require.Len(t, versions, 2)
	assert.Equal(t, versions[1].Version, outcome.Receipt)
}

func TestARepeatedTryImportsOverWhatIsNotItsOwn(t *testing.T) {
	other, err := certificate.New(certificate.Request{Name: "other", Bits: 2048, Start: time.Now(), End: time.Now().AddDate(1, 0, 0)})
	require.NoError(t, err)
	otherText, err := other.PEM()
	require.NoError(t, err)
	for name, change := range map[string]func(*rotation.Delivery){
		"an older generation":                func(d *rotation.Delivery) { d.Credential.Rotation.Generation = 1 },
		"another certificate under our tags": func(d *rotation.Delivery) { d.Credential.Value = otherText },
		"another target's":                   func(d *rotation.Delivery) { d.Target.ID = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultCertificatesOfficer)
			row := w.certificateRow(t, `{"vault":"safe","name":"web"}`)
			there := w.certificateDelivery(t, row, 2)
			change(&there)
			_, err := w.target.Deploy(t.Context(), there)
			require.NoError(t, err)
			d := w.certificateDelivery(t, row, 2)
			d.Tries = 2
			_, err = w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			versions := w.imported("safe", "web")
			require.Len(t, versions, 2)
			assert.Equal(t, pair().Thumbprint(), versions[1].Thumbprint)
		})
	}
}

func TestASoftDeletedCertificateIsRecovered(t *testing.T) {
	w := start(t)
	w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultCertificatesOfficer)
	row := w.certificateRow(t, `{"vault":"safe","name":"web"}`)
	_, err := w.target.Deploy(t.Context(), w.certificateDelivery(t, row, 1))
	require.NoError(t, err)
	require.NoError(t, w.byOwner.DeleteCertificate(t.Context(), "safe", "web"))
	d := w.certificateDelivery(t, row, 2)
	_, err = w.target.Deploy(t.Context(), d)
	require.ErrorContains(t, err, `keyvault: the soft-deleted certificate "web" is being recovered: `)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	w.clock.Advance(time.Minute)
	d.Tries = 2
	_, err = w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.Len(t, w.imported("safe", "web"), 2, "the recovered version stays")
}

func TestASecretHoldsWhatItsSettingsSay(t *testing.T) {
	text, err := pair().PEM()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		kind              rotation.Kind
		settings, content string
		contentType       string
	}{
		"a certificate with its key": {rotation.Certificate, `"format":"pem"`, text.Reveal(), "application/x-pem-file"},
		"a certificate alone":        {rotation.Certificate, `"format":"cer"`, pair().CER(), "application/x-pem-file"},
		"a text":                     {rotation.Secret, `"template":"{{clientId}}@{{tenantId}}/{{keyId}}:{{credential}}"`, `APP@` + tenant + `/key:a "quoted"` + "\n" + `value`, "text/plain"},
		"JSON": {rotation.Secret, `"template":"{\"id\":\"{{clientId}}\",\"secret\":\"{{credential}}\"}"`,
			`{"id":"APP","secret":"a \"quoted\"\nvalue"}`, "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
			settings := `{"vault":"safe","name":"web",` + c.settings + `}`
			d := w.delivery(rotation.TargetRow{}, 1)
			if c.kind == rotation.Certificate {
				d = w.certificateDelivery(t, w.certificateRow(t, settings), 1)
			} else {
				d.Target, d.TenantID, d.Application.AppID = w.row(t, settings), tenant, "APP"
				d.Credential.Value = secret.New("a \"quoted\"\nvalue")
			}
			_, err := w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			d.Tries = 2
			_, err = w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			versions := w.written("safe", "web")
			require.Len(t, versions, 1)
			assert.Equal(t, sha(c.content), versions[0].SHA256)
			assert.Equal(t, c.contentType, versions[0].ContentType)
		})
	}
}

func TestWhatIsNoCertificateIsPermanent(t *testing.T) {
	for _, format := range []string{"pfx", "cer"} {
		w := start(t)
		d := w.certificateDelivery(t, w.certificateRow(t, `{"vault":"safe","format":"`+format+`"}`), 1)
		d.Credential.Value = secret.New("nobody may see this")
		_, err := w.target.Deploy(t.Context(), d)
		require.ErrorContains(t, err, "keyvault: the credential of "+w.app.AppID+".certificate.1: certificate: ")
		assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
		assert.NotContains(t, err.Error(), "nobody may see this")
	}
}

func TestARefusalThatRepeatsATemplateIsSilent(t *testing.T) {
	w := start(t)
	w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
	d := w.delivery(w.row(t, `{"vault":"safe","template":"{\"secret\":\"{{credential}}\"}"}`), 1)
	d.Credential.Value = secret.New(`quoted " secret`)
	w.misbehave(t, cloud.Fault{Host: "safe.vault.azure.net", Status: 400, Body: []byte(`{"error":{"message":"bad: {\"secret\":\"quoted \\\" secret\"}"}}`)})
	_, err := w.target.Deploy(t.Context(), d)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "bad: [redacted]")
	assert.NotContains(t, err.Error(), "quoted")
}
