package keyvault_test

import (
	"context"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

// purging is a data plane in which somebody purges what is to be recovered.
type purging struct {
	keyvault.Vaults
	purge func()
}

func (p purging) Recover(ctx context.Context, vault, name string) error {
	p.purge()
	return p.Vaults.Recover(ctx, vault, name)
}

func (p purging) RecoverCertificate(ctx context.Context, vault, name string) error {
	p.purge()
	return p.Vaults.RecoverCertificate(ctx, vault, name)
}

// A soft-deleted name is purged between the refusal and the recovery: it is free.
func TestANameThatIsPurgedMeanwhileIsWritten(t *testing.T) {
	for _, kind := range rotation.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			w := start(t)
			scope := w.rbacVault("safe")
			w.allow(scope, w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
			w.allow(scope, w.self.ObjectID, resourcemanager.KeyVaultCertificatesOfficer)
			d, remove := w.delivery(w.row(t, `{"vault":"safe","name":"db"}`), 2), w.byOwner.Delete
			if kind == rotation.Certificate {
				d = w.certificateDelivery(t, w.certificateRow(t, `{"vault":"safe","name":"db"}`), 2)
				remove = w.byOwner.DeleteCertificate
			}
			_, err := w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			require.NoError(t, remove(t.Context(), "safe", "db"))

			config := w.config
			config.Vaults = purging{config.Vaults, func() { w.purge(t, kind, "safe", "db") }}
			outcome, err := keyvault.New(config).Deploy(t.Context(), d)
			require.NoError(t, err)
			assert.True(t, outcome.Confirmed)
			assert.Len(t, append(w.written("safe", "db"), w.imported("safe", "db")...), 1)
		})
	}
}

// purge removes a soft-deleted name for good, as the vault's owner.
func (w *world) purge(t *testing.T, kind rotation.Kind, vault, name string) {
	t.Helper()
	options := azcore.ClientOptions{Transport: w.client}
	address := "https://" + vault + ".vault.azure.net"
	secrets, err := azsecrets.NewClient(address, w.signedIn, &azsecrets.ClientOptions{ClientOptions: options})
	require.NoError(t, err)
	certificates, err := azcertificates.NewClient(address, w.signedIn, &azcertificates.ClientOptions{ClientOptions: options})
	require.NoError(t, err)
	if kind == rotation.Certificate {
		_, err = certificates.PurgeDeletedCertificate(t.Context(), name, nil)
	} else {
		_, err = secrets.PurgeDeletedSecret(t.Context(), name, nil)
	}
	require.NoError(t, err)
}

// A secret holds 25 KB, in bytes. What is longer is refused for good, in the vault's
// words, and is not repeated in them.
func TestASecretOf25KB(t *testing.T) {
	const most = 25 * 1024
	w := start(t)
	w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
	deliver := func(length int, template string) error {
		d := w.delivery(w.row(t, `{"vault":"safe","name":"db","template":"`+template+`"}`), 1)
		d.Credential.Value = secret.New(strings.Repeat("v", length))
		_, err := w.target.Deploy(t.Context(), d)
		return err
	}
	require.NoError(t, deliver(most-len("pw="), "pw={{credential}}"))
	for name, c := range map[string]struct {
		length   int
		template string
	}{
		"one more":                        {most - len("pw=") + 1, "pw={{credential}}"},
		"bytes that are fewer characters": {most - len("pw=") - 100, "pw={{credential}}" + strings.Repeat("ö", 51)},
		"a template that repeats it":      {3000, strings.Repeat("{{credential}} ", 9)},
	} {
		t.Run(name, func(t *testing.T) {
			err := deliver(c.length, c.template)
			require.ErrorContains(t, err, `vault: set "db" in "safe": 400 BadParameter: The value is too long`)
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
			assert.NotContains(t, err.Error(), "vvv")
		})
	}
	assert.Len(t, w.written("safe", "db"), 1)
}

// The network rules change while rekey is at work: the delivery waits for a person
// and says whom.
func TestAVaultThatIsClosedMeanwhile(t *testing.T) {
	w := start(t)
	w.allow(w.manager.AddVault(resourcemanager.Vault{Name: "private", Subscription: subscription, ResourceGroup: "rg", RBAC: true,
		Private: true}), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
	for tries := 1; tries <= 2; tries++ { // the first writes, the second looks first
		d := w.delivery(w.row(t, `{"vault":"private","name":"db"}`), 1)
		d.Tries = tries
		_, err := w.target.Deploy(t.Context(), d)
		require.ErrorIs(t, err, vault.ErrClosed)
		require.ErrorContains(t, err, "ForbiddenByConnection")
		assert.ErrorContains(t, err, "give rekey a private endpoint to the vault, or open the vault to public networks")
		assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
	}
}
