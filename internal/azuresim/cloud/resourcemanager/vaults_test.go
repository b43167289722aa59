package resourcemanager_test

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

func creation(rbac bool) armkeyvault.VaultCreateOrUpdateParameters {
	return armkeyvault.VaultCreateOrUpdateParameters{
		Location: new("westeurope"),
		Properties: &armkeyvault.VaultProperties{
			TenantID: new(tenant), EnableRbacAuthorization: &rbac, AccessPolicies: []*armkeyvault.AccessPolicyEntry{},
			SKU: &armkeyvault.SKU{Family: new(armkeyvault.SKUFamilyA), Name: new(armkeyvault.SKUNameStandard)},
		},
	}
}

func TestANewVaultIsProvisionedFirst(t *testing.T) {
	w := start(t, resourcemanager.Options{Provisioning: 50 * time.Millisecond})
	c := w.vaults(t, owner)
	poller, err := c.BeginCreateOrUpdate(t.Context(), "Rg", "safe", creation(true), nil)
	require.NoError(t, err)
	_, resolves := w.service.Vault("safe")
	assert.False(t, resolves)
	made, err := poller.PollUntilDone(t.Context(), &runtime.PollUntilDoneOptions{Frequency: time.Second})
	require.NoError(t, err)
	assert.Equal(t, "https://safe.vault.azure.net/", *made.Properties.VaultURI)
	assert.Equal(t, armkeyvault.VaultProvisioningStateSucceeded, *made.Properties.ProvisioningState)

	vault, resolves := w.service.Vault("SAFE")
	assert.True(t, resolves)
	assert.True(t, vault.RBAC)
	assert.Equal(t, 90, vault.RetentionDays)
}

func TestVaultsAreListedInPagesToWhoMayReadThem(t *testing.T) {
	w := start(t, resourcemanager.Options{PageSize: 2})
	for _, name := range []string{"one", "two", "three"} {
		w.service.AddVault(resourcemanager.Vault{Name: name, Subscription: sub, ResourceGroup: "Rg", RBAC: true})
	}
	elsewhere := w.service.AddVault(resourcemanager.Vault{Name: "four", Subscription: sub, ResourceGroup: "Other"})
	names := func(who string) (names []string, pages int) {
		for pager := w.vaults(t, who).NewListBySubscriptionPager(nil); pager.More(); pages++ {
			page, err := pager.NextPage(t.Context())
			require.NoError(t, err)
			for _, v := range page.Value {
				names = append(names, *v.Name)
			}
		}
		return names, pages
	}
	all, pages := names(owner)
	assert.Equal(t, []string{"one", "two", "three", "four"}, all)
	assert.Equal(t, 2, pages)

	_, err := w.vaults(t, app).NewListBySubscriptionPager(nil).NextPage(t.Context())
	refused(t, err, 403, "AuthorizationFailed")
	w.grant(app, resourcemanager.Reader, elsewhere)
	some, _ := names(app)
	assert.Equal(t, []string{"four"}, some)

	page, err := w.vaults(t, owner).NewListByResourceGroupPager("other", nil).NextPage(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Value, 1)
	assert.Nil(t, page.Value[0].Properties.EnablePurgeProtection)
	assert.False(t, *page.Value[0].Properties.EnableRbacAuthorization)
}

func policyOf(who string, secrets ...armkeyvault.SecretPermissions) armkeyvault.VaultAccessPolicyParameters {
	entry := &armkeyvault.AccessPolicyEntry{TenantID: new(tenant), ObjectID: new(who), Permissions: &armkeyvault.Permissions{}}
	for _, verb := range secrets {
		entry.Permissions.Secrets = append(entry.Permissions.Secrets, &verb)
	}
	return armkeyvault.VaultAccessPolicyParameters{Properties: &armkeyvault.VaultAccessPolicyProperties{AccessPolicies: []*armkeyvault.AccessPolicyEntry{entry}}}
}

func TestAccessPoliciesMerge(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	w.service.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg", Policies: []keyvault.AccessPolicy{
		{ObjectID: owner, Permissions: keyvault.Permissions{Secrets: []string{"get"}}}}})
	c := w.vaults(t, owner)
	update := func(kind armkeyvault.AccessPolicyUpdateKind, given armkeyvault.VaultAccessPolicyParameters) map[string][]string {
		_, err := c.UpdateAccessPolicy(t.Context(), "Rg", "safe", kind, given, nil)
		require.NoError(t, err)
		vault, _ := w.service.Vault("safe")
		held := map[string][]string{}
		for _, p := range vault.Policies {
			held[p.ObjectID] = p.Permissions.Secrets
		}
		return held
	}
	get, list, set := armkeyvault.SecretPermissionsGet, armkeyvault.SecretPermissionsList, armkeyvault.SecretPermissionsSet

	assert.Equal(t, map[string][]string{owner: {"get"}, app: {"get", "list"}}, update(armkeyvault.AccessPolicyUpdateKindAdd, policyOf(app, get, list)))
	assert.Equal(t, map[string][]string{owner: {"get"}, app: {"get", "list", "set"}}, update(armkeyvault.AccessPolicyUpdateKindAdd, policyOf(app, get, set)))
	assert.Equal(t, map[string][]string{owner: {"get"}, app: {"get", "list"}}, update(armkeyvault.AccessPolicyUpdateKindRemove, policyOf(app, set)))
	assert.Equal(t, map[string][]string{owner: {"get"}, app: {"set"}}, update(armkeyvault.AccessPolicyUpdateKindReplace, policyOf(app, set)))
	assert.Equal(t, map[string][]string{owner: {"get"}}, update(armkeyvault.AccessPolicyUpdateKindRemove, policyOf(app, set)))
}

func TestWhoMayChangePolicies(t *testing.T) {
	for name, c := range map[string]struct {
		role   string
		status int
	}{
		"a contributor":                   {resourcemanager.Contributor, 0},
		"a key vault contributor":         {resourcemanager.KeyVaultContributor, 0},
		"not a reader":                    {resourcemanager.Reader, 403},
		"not a data access administrator": {resourcemanager.KeyVaultDataAccessAdministrator, 403},
		"not a key vault administrator":   {resourcemanager.KeyVaultAdministrator, 403},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, resourcemanager.Options{})
			vault := w.service.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg"})
			w.grant(app, c.role, vault)
			_, err := w.vaults(t, app).UpdateAccessPolicy(t.Context(), "Rg", "safe", armkeyvault.AccessPolicyUpdateKindAdd, policyOf(app, armkeyvault.SecretPermissionsGet), nil)
			if c.status == 0 {
				require.NoError(t, err)
				return
			}
			refused(t, err, c.status, "AuthorizationFailed")
			assert.ErrorContains(t, err, "Microsoft.KeyVault/vaults/accessPolicies/write")
		})
	}
}

func TestDeletedVaultsKeepTheirName(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	w.service.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg", RBAC: true})
	before, _ := w.service.Vault("safe")
	w.grant(app, resourcemanager.KeyVaultSecretsOfficer, before.ID)
	var deleted []string
	w.service.OnDelete(func(id string) { deleted = append(deleted, id) })
	c := w.vaults(t, owner)
	_, err := c.Delete(t.Context(), "Rg", "safe", nil)
	require.NoError(t, err)
	_, err = c.Delete(t.Context(), "Rg", "safe", nil)
	require.NoError(t, err, "204 for what is not there")
	_, resolves := w.service.Vault("safe")
	assert.False(t, resolves)
	_, err = c.Get(t.Context(), "Rg", "safe", nil)
	refused(t, err, 404, "ResourceNotFound")
	_, err = c.BeginCreateOrUpdate(t.Context(), "Rg", "safe", creation(true), nil)
	refused(t, err, 409, "ConflictError")
	_, err = c.GetDeleted(t.Context(), "safe", "westeurope", nil)
	require.NoError(t, err)

	recovery := creation(false)
	recovery.Properties.CreateMode = new(armkeyvault.CreateModeRecover)
	_, err = c.BeginCreateOrUpdate(t.Context(), "Rg", "safe", recovery, nil)
	require.NoError(t, err)
	after, resolves := w.service.Vault("safe")
	assert.True(t, resolves)
	assert.Equal(t, before, after, "as it was")
	assert.False(t, w.service.Allowed(app, setSecret, before.ID), "but for its role assignments")
	assert.Equal(t, []string{before.ID}, deleted)

	_, err = c.Delete(t.Context(), "Rg", "safe", nil)
	require.NoError(t, err)
	_, err = c.BeginPurgeDeleted(t.Context(), "safe", "westeurope", nil)
	require.NoError(t, err)
	_, err = c.BeginCreateOrUpdate(t.Context(), "Rg", "safe", creation(true), nil)
	require.NoError(t, err)
	again, _ := w.service.Vault("safe")
	assert.NotEqual(t, before.Instance, again.Instance)
}

func TestUpdatesMergeAndPutsReplace(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	w.service.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg", RBAC: true, RetentionDays: 7, Tags: map[string]string{"team": "a"}})
	c := w.vaults(t, owner)
	updated, err := c.Update(t.Context(), "Rg", "safe", armkeyvault.VaultPatchParameters{Properties: &armkeyvault.VaultPatchProperties{
		PublicNetworkAccess: new("Disabled"),
		NetworkACLs:         &armkeyvault.NetworkRuleSet{DefaultAction: new(armkeyvault.NetworkRuleActionDeny), IPRules: []*armkeyvault.IPRule{{Value: new("203.0.113.7")}}},
	}}, nil)
	require.NoError(t, err)
	assert.Equal(t, "a", *updated.Tags["team"])
	vault, _ := w.service.Vault("safe")
	assert.True(t, vault.RBAC)
	assert.Equal(t, 7, vault.RetentionDays)
	assert.True(t, vault.Firewall.Private)
	assert.True(t, vault.Firewall.Closed)
	require.Len(t, vault.Firewall.Allowed, 1)
	assert.Equal(t, "203.0.113.7/32", vault.Firewall.Allowed[0].String())

	_, err = c.BeginCreateOrUpdate(t.Context(), "Rg", "safe", creation(false), nil)
	require.NoError(t, err)
	vault, _ = w.service.Vault("safe")
	assert.False(t, vault.RBAC)
	assert.False(t, vault.Firewall.Closed)
}

func TestTheVersionDecidesTheModelOfANewVault(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	path := func(name, version string) string {
		return "/subscriptions/" + sub + "/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults/" + name + "?api-version=" + version
	}
	body := `{"location":"westeurope","properties":{"tenantId":"` + tenant + `","sku":{"family":"A","name":"standard"},"accessPolicies":[]}}`
	for name, c := range map[string]struct {
		vault, version string
		rbac           bool
	}{
		"an older version means policies": {"older", "2025-05-01", false},
		"a newer version means roles":     {"newer", "2026-02-01", true},
	} {
		t.Run(name, func(t *testing.T) {
			resp, text := w.raw(t, "PUT", path(c.vault, c.version), owner, body)
			assert.Equal(t, 201, resp.StatusCode, text)
			vault, _ := w.service.Vault(c.vault)
			assert.Equal(t, c.rbac, vault.RBAC)

			resp, text = w.raw(t, "PUT", path(c.vault, "2026-02-01"), owner, body)
			assert.Equal(t, 200, resp.StatusCode, text)
			vault, _ = w.service.Vault(c.vault)
			assert.Equal(t, c.rbac, vault.RBAC, "an update leaves it")
		})
	}
}

func TestASeededFirewallIsClosed(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	w.service.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg", Firewalled: true, AllowedIPs: []string{"10.0.0.0/8"}})
	vault, _ := w.service.Vault("safe")
	assert.True(t, vault.Firewall.Closed)
	require.Len(t, vault.Firewall.Allowed, 1)
}

func TestOnlyWhoGrantsRolesChangesTheModel(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	vault := w.service.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg"})
	w.grant(app, resourcemanager.Contributor, vault)
	patch := armkeyvault.VaultPatchParameters{Properties: &armkeyvault.VaultPatchProperties{EnableRbacAuthorization: new(true)}}
	_, err := w.vaults(t, app).Update(t.Context(), "Rg", "safe", patch, nil)
	refused(t, err, 403, "InsufficientPermissions")
	_, err = w.vaults(t, owner).Update(t.Context(), "Rg", "safe", patch, nil)
	require.NoError(t, err)
}
