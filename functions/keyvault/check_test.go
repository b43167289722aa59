package keyvault_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// readOnly is a vault with access policies that rekey can see and not change.
func (w *world) readOnly(policies ...simulated.AccessPolicy) {
	id := w.manager.AddVault(resourcemanager.Vault{Name: "safe", Subscription: subscription, ResourceGroup: "rg", Policies: policies})
	w.allow(id, w.self.ObjectID, resourcemanager.Reader)
}

func TestCheckSaysWhetherDeliveryWouldWork(t *testing.T) {
	officer := func(w *world) {
		w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
		w.allow(safeID, w.self.ObjectID, resourcemanager.KeyVaultCertificatesOfficer)
	}
	const yes = rotation.Class(-1)
	for name, c := range map[string]struct {
		kind   rotation.Kind
		given  func(*world)
		notes  []string
		class  rotation.Class
		text   string
		remedy string
	}{
		"yes for a secret":      {kind: rotation.Secret, given: officer, class: yes},
		"yes for a certificate": {kind: rotation.Certificate, given: officer, class: yes},
		"rekey grants itself a role": {kind: rotation.Certificate, given: func(w *world) { w.rbacVault("safe") }, class: yes,
			notes: []string{"rekey grants itself the role Key Vault Certificates Officer before the first delivery"}},
		"rekey adds an access policy": {kind: rotation.Certificate, given: func(w *world) { w.policyVault("safe") }, class: yes,
			notes: []string{"rekey grants itself an access policy with get, list, import, recover on certificates before the first delivery"}},
		"rekey adds one for secrets": {kind: rotation.Secret, given: func(w *world) { w.policyVault("safe") }, class: yes,
			notes: []string{"rekey grants itself an access policy with get, list, set, recover on secrets before the first delivery"}},
		"a role has yet to take effect": {kind: rotation.Secret, given: func(w *world) {
			w.allow(w.closedVault(), w.self.ObjectID, resourcemanager.Reader)
			w.allow(safeID, w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
			w.misbehave(t, cloud.Fault{Host: "safe.vault.azure.net", Status: 403})
		}, class: yes, notes: []string{"rekey has the role Key Vault Secrets Officer, which takes a while to take effect"}},
		"a vault that Resource Manager does not show": {kind: rotation.Secret, given: func(w *world) {
			w.allow(w.closedVault()+"/secrets/db", w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
		}, class: yes, notes: []string{`rekey may use vault "safe" and cannot see it in Resource Manager, so it grants the application nothing there`}},
		"a role that rekey may not grant": {kind: rotation.Certificate, given: func(w *world) {
			w.allow(w.closedVault(), w.self.ObjectID, resourcemanager.KeyVaultContributor)
		}, class: rotation.Denied, text: `keyvault: vault "safe": rekey has no access to its certificates and may not grant it to itself`,
			remedy: `az role assignment create --role "Key Vault Certificates Officer" --assignee-object-id SELF --assignee-principal-type ServicePrincipal --scope "` + safeID + `"`},
		"an access policy that rekey may not add": {kind: rotation.Secret, given: func(w *world) { w.readOnly() },
			class: rotation.Denied, text: `keyvault: vault "safe": rekey has no access to its secrets and may not grant it to itself`,
			remedy: `az keyvault set-policy --subscription ` + subscription + ` --name safe --object-id SELF --secret-permissions get list set recover`},
		"a vault that is neither seen nor used": {kind: rotation.Secret, given: func(w *world) { w.closedVault() },
			class: rotation.Denied, text: `keyvault: vault "safe": rekey's identity finds no such vault among the 0 that it can see`,
			remedy: `az role assignment create --role "Reader"`},
		"a vault that is not there": {kind: rotation.Secret, given: func(w *world) { w.rbacVault("another") },
			class: rotation.NotFound, text: `keyvault: vault "safe": rekey's identity finds no such vault among the 1 that it can see`, remedy: "check the name"},
		"a vault behind a firewall": {kind: rotation.Certificate, given: func(w *world) {
			id := w.manager.AddVault(resourcemanager.Vault{Name: "safe", Subscription: subscription, ResourceGroup: "rg", RBAC: true,
				Firewalled: true, AllowedIPs: []string{"203.0.113.7"}})
			w.allow(id, w.self.ObjectID, resourcemanager.Owner)
		}, class: rotation.Denied, text: "403 Forbidden/ForbiddenByFirewall", remedy: "allow rekey's address in the vault's network rules"},
		"a vault that is out of order": {kind: rotation.Secret, given: func(w *world) {
			officer(w)
			w.misbehave(t, cloud.Fault{Host: "safe.vault.azure.net", Status: 503})
		}, class: rotation.Transient, text: "503"},
		"Resource Manager out of order": {kind: rotation.Secret, given: func(w *world) {
			officer(w)
			w.misbehave(t, cloud.Fault{Host: "management.azure.com", Status: 503})
		}, class: rotation.Transient, text: "503"},
		"Resource Manager asked too often": {kind: rotation.Secret, given: func(w *world) {
			w.rbacVault("safe")
			w.misbehave(t, cloud.Fault{Host: "management.azure.com", Status: 429, RetryAfter: new(json.Number("0"))})
		}, class: rotation.Throttled, text: "429"},
		"a secret where a certificate is to be": {kind: rotation.Certificate, given: func(w *world) {
			officer(w)
			_, err := w.byOwner.Set(t.Context(), "safe", "db", vault.Secret{Value: w.delivery(rotation.TargetRow{}, 1).Credential.Value})
			require.NoError(t, err)
		}, class: rotation.Permanent, text: `keyvault: name "db" in "safe": belongs to a secret`, remedy: "choose another name"},
		"a certificate where a secret is to be": {kind: rotation.Secret, given: func(w *world) {
			officer(w)
			_, err := w.byOwner.ImportCertificate(t.Context(), "safe", "db", vault.Certificate{Pair: pair()})
			require.NoError(t, err)
		}, class: rotation.Permanent, text: `keyvault: name "db" in "safe": belongs to a certificate`, remedy: "choose another name"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			c.given(w)
			row := w.row(t, `{"vault":"safe","name":"db"}`)
			if c.kind == rotation.Certificate {
				row = w.certificateRow(t, `{"vault":"safe","name":"db"}`)
			}
			before := w.manager.State()
			notes, err := w.target.Check(t.Context(), w.app, row)
			assert.Equal(t, before, w.manager.State(), "it changes nothing")
			if c.class == yes {
				require.NoError(t, err)
				assert.Equal(t, c.notes, notes)
				return
			}
			require.Error(t, err)
			assert.Equal(t, c.class.String(), rotation.ClassOf(err).String())
			assert.Contains(t, w.alias(err.Error()), c.text)
			assert.Contains(t, w.alias(err.Error()), c.remedy)
			assert.False(t, strings.Contains(err.Error(), "\n"))
		})
	}
}

func TestVaultsAreOfferedWithWhatDecides(t *testing.T) {
	w := start(t)
	w.rbacVault("safe")
	w.policyVault("legacy")
	got, err := w.target.Choices(t.Context(), "vault", nil)
	require.NoError(t, err)
	assert.Equal(t, []rotation.Choice{
		{Value: strings.ReplaceAll(safeID, "safe", "legacy"), Name: "legacy (westeurope, access policies decide)"},
		{Value: safeID, Name: "safe (westeurope, roles decide)"},
	}, got)
	for setting, want := range map[string][]string{"grant": {"officer", "user", "none"}, "format": {"pfx", "pem", "cer"}} {
		got, err := w.target.Choices(t.Context(), setting, nil)
		require.NoError(t, err)
		var values []string
		for _, c := range got {
			values = append(values, c.Value)
		}
		assert.Equal(t, want, values)
	}
	_, err = w.target.Choices(t.Context(), "name", nil)
	assert.Equal(t, rotation.Problem{Field: "name", Detail: "has no choices: vault, grant and format have"}, err)
	w.misbehave(t, cloud.Fault{Host: "management.azure.com", Status: 429})
	_, err = w.target.Choices(t.Context(), "vault", nil)
	assert.Equal(t, rotation.Throttled, rotation.ClassOf(err))
}
