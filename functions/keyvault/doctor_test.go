package keyvault_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

// TestWhatStagingLacksIsNamed asks by the model of the vault.
func TestWhatStagingLacksIsNamed(t *testing.T) {
	const data = "Microsoft.KeyVault/vaults/"
	for name, c := range map[string]struct {
		given       func(*world)
		secret      []string
		certificate []string
	}{
		"both roles": {given: func(w *world) {
			w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
			w.allow(safeID, w.self.ObjectID, resourcemanager.KeyVaultCertificatesOfficer)
		}},
		"the role for secrets": {
			given:       func(w *world) { w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer) },
			certificate: []string{data + "certificates/import/action", data + "certificates/read", data + "certificates/delete"},
		},
		"a role that reads": {
			given:       func(w *world) { w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsUser) },
			secret:      []string{data + "secrets/setSecret/action", data + "secrets/delete"},
			certificate: []string{data + "certificates/import/action", data + "certificates/read", data + "certificates/delete"},
		},
		"an access policy": {
			given: func(w *world) {
				w.policyVault("safe", simulated.AccessPolicy{TenantID: tenant, ObjectID: w.self.ObjectID, Permissions: simulated.Permissions{Secrets: []string{"get", "set"}, Certificates: []string{"all"}}})
			},
			secret: []string{"delete"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			c.given(w)
			v, err := w.target.Vault(t.Context(), "safe")
			require.NoError(t, err)
			assert.ElementsMatch(t, c.secret, v.Lacks[rotation.Secret])
			assert.ElementsMatch(t, c.certificate, v.Lacks[rotation.Certificate])
			assert.True(t, v.SoftDelete)
			assert.False(t, v.PurgeProtection)
			id, err := w.target.Find(t.Context(), "safe")
			require.NoError(t, err)
			assert.Equal(t, safeID, id)
		})
	}
}

func TestReadingTheStagingVaultTakesARole(t *testing.T) {
	w := start(t)
	w.rbacVault("safe")
	for _, kind := range rotation.Kinds() {
		assert.Equal(t, rotation.Denied, rotation.ClassOf(w.target.Readable(t.Context(), "safe", kind)))
	}
	w.allow(safeID, w.self.ObjectID, resourcemanager.KeyVaultAdministrator)
	w.clock.Advance(propagation)
	for _, kind := range rotation.Kinds() {
		assert.NoError(t, w.target.Readable(t.Context(), "safe", kind), "there is nothing to read, and it may be read")
	}
}

func TestADeletedNameIsForetold(t *testing.T) {
	w := start(t)
	w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
	w.clock.Advance(propagation)
	row := rotation.TargetRow{ID: "kv", Integration: "keyvault", Kind: rotation.Secret, Settings: json.RawMessage(`{"vault":"safe","name":"db","grant":"none"}`)}
	foretold := func() string {
		warning, _, err := w.target.Forewarn(t.Context(), w.app, row)
		require.NoError(t, err)
		return warning
	}
	assert.Empty(t, foretold())
	_, err := w.byOwner.Set(t.Context(), "safe", "db", vault.Secret{Value: secret.New("x")})
	require.NoError(t, err)
	assert.Empty(t, foretold())
	require.NoError(t, w.byOwner.Delete(t.Context(), "safe", "db"))
	assert.Equal(t, `the secret "db" of vault "safe" was deleted: the next delivery recovers it, with its older versions, before it writes`, foretold())
}
