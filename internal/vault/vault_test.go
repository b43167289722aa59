package vault_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

const (
	tenant       = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	subscription = "11111111-2222-4333-8444-555555555555"
	value        = "the value that nobody may see"
)

// managedIdentity gets tokens as the platform gives them to a function app.
type managedIdentity struct {
	azure  *azuresim.Azure
	client *http.Client
}

func (m managedIdentity) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	e := m.azure.Endpoints()
	resource := strings.TrimSuffix(o.Scopes[0], "/.default")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.IdentityEndpoint+"?api-version=2019-08-01&resource="+resource, nil)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	request.Header.Set("X-IDENTITY-HEADER", e.IdentityHeader)
	return exchange(m.client, request)
}

func start(t *testing.T, rbac bool) (*azuresim.Azure, *vault.Client, entra.ServicePrincipal) {
	t.Helper()
	azure, err := azuresim.Start(azuresim.Options{TenantID: tenant})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, azure.Close()) })
	identity := azure.Directory.AddManagedIdentity("rekey")
	id := azure.ResourceManager.AddVault(resourcemanager.Vault{Name: "staging", Subscription: subscription, ResourceGroup: "rg", RBAC: rbac})
	azure.ResourceManager.AddRoleAssignment(resourcemanager.RoleAssignment{
		Scope: id, RoleID: resourcemanager.KeyVaultSecretsOfficer, PrincipalID: identity.ObjectID,
	})
	transport := azure.Cloud.Client().Transport.(*http.Transport)
	return azure, vault.New(managedIdentity{azure, http.DefaultClient}, transport), identity
}

func credential() rotation.Credential {
	at := time.Date(2030, 1, 2, 3, 4, 5, 678900000, time.UTC)
	return rotation.Credential{
		Rotation: rotation.ID{AppID: "app", Kind: rotation.Secret, Generation: 7}, Attempt: 2, KeyID: "key",
		Start: at, End: at.Add(time.Hour), Value: secret.New(value),
	}
}

func TestAStagedCopyComesBackAsItWas(t *testing.T) {
	_, client, _ := start(t, true)
	stage := vault.NewStage(client, "staging", "test", time.Now)
	require.NoError(t, stage.Put(t.Context(), "copy", credential()))
	got, err := stage.Get(t.Context(), "copy")
	require.NoError(t, err)
	assert.Equal(t, credential(), got)

	require.NoError(t, stage.Delete(t.Context(), "copy"))
	require.NoError(t, stage.Delete(t.Context(), "copy"), "twice is once")
	_, err = stage.Get(t.Context(), "copy")
	assert.Equal(t, rotation.NotFound, rotation.ClassOf(err))

	require.NoError(t, stage.Put(t.Context(), "copy", credential()), "a soft-deleted name is recovered")
	got, err = stage.Get(t.Context(), "copy")
	require.NoError(t, err)
	assert.Equal(t, credential(), got)
}

func TestACopyThatIsNotOursIsRefused(t *testing.T) {
	_, client, _ := start(t, true)
	_, err := client.Set(t.Context(), "staging", "copy", vault.Secret{Value: secret.New(value)})
	require.NoError(t, err)
	_, err = vault.NewStage(client, "staging", "test", time.Now).Get(t.Context(), "copy")
	require.Error(t, err)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
	assert.NotContains(t, err.Error(), value)
}

func TestWritableAsksOnceInTenMinutes(t *testing.T) {
	azure, client, _ := start(t, true)
	now := time.Now()
	stage := vault.NewStage(client, "staging", "test", func() time.Time { return now })
	writes := func() int {
		return len(azure.Vaults.State().Vaults["staging"].Secrets["rekey-write-check"].Versions)
	}
	require.NoError(t, stage.Writable(t.Context()))
	require.NoError(t, stage.Writable(t.Context()))
	assert.Equal(t, 1, writes())
	now = now.Add(11 * time.Minute)
	require.NoError(t, stage.Writable(t.Context()))
	assert.Equal(t, 2, writes())
	now = now.Add(9 * time.Minute)
	require.NoError(t, stage.Put(t.Context(), "copy", credential()))
	now = now.Add(9 * time.Minute)
	require.NoError(t, stage.Writable(t.Context()))
	assert.Equal(t, 2, writes(), "any write proves it")
}

func TestErrorsAreClassified(t *testing.T) {
	azure, client, _ := start(t, true)
	azure.ResourceManager.AddVault(resourcemanager.Vault{Name: "foreign", Subscription: subscription, ResourceGroup: "rg", RBAC: true})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	for name, c := range map[string]struct {
		err   error
		class rotation.Class
		text  string
	}{
		"no such secret": {get(t.Context(), client, "staging"), rotation.NotFound, `vault: get "none" in "staging": 404 SecretNotFound: `},
		"no right":       {get(t.Context(), client, "foreign"), rotation.Denied, `vault: get "none" in "foreign": 403 Forbidden/ForbiddenByRbac: `},
		"no such vault":  {get(ctx, client, "nowhere"), rotation.Transient, `vault: get "none" in "nowhere": `},
		"not a name":     {set(t.Context(), client, "under_score"), rotation.Permanent, `vault: set "under_score" in "staging": 400 `},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, c.err)
			assert.Equal(t, c.class, rotation.ClassOf(c.err))
			assert.Contains(t, c.err.Error(), c.text)
			assert.NotContains(t, c.err.Error(), value)
		})
	}
}

func get(ctx context.Context, c *vault.Client, where string) error {
	_, err := c.Get(ctx, where, "none")
	return err
}

func set(ctx context.Context, c *vault.Client, name string) error {
	_, err := c.Set(ctx, "staging", name, vault.Secret{Value: secret.New(value)})
	return err
}
