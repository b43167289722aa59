package resourcemanager_test

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const setSecret = "Microsoft.KeyVault/vaults/secrets/setSecret/action"

func parameters(role, principal string, kind *armauthorization.PrincipalType) armauthorization.RoleAssignmentCreateParameters {
	return armauthorization.RoleAssignmentCreateParameters{Properties: &armauthorization.RoleAssignmentProperties{
		RoleDefinitionID: new("/subscriptions/" + sub + "/providers/Microsoft.Authorization/roleDefinitions/" + role),
		PrincipalID:      new(principal), PrincipalType: kind,
	}}
}

func TestAssignmentsTakeEffectLate(t *testing.T) {
	w := start(t, resourcemanager.Options{RolePropagation: time.Minute})
	vault := w.service.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg", RBAC: true})
	c := w.roles(t, owner)
	servicePrincipal := new(armauthorization.PrincipalTypeServicePrincipal)

	made, err := c.Create(t.Context(), vault, guid1, parameters(resourcemanager.KeyVaultSecretsOfficer, app, servicePrincipal), nil)
	require.NoError(t, err)
	assert.Equal(t, vault+"/providers/Microsoft.Authorization/roleAssignments/"+guid1, *made.ID)
	assert.Equal(t, vault, *made.Properties.Scope)
	assert.False(t, w.service.Allowed(app, setSecret, vault+"/secrets/db"))
	w.clock.Advance(time.Minute)
	assert.True(t, w.service.Allowed(app, setSecret, vault+"/secrets/db"))
	assert.False(t, w.service.Allowed(app, "Microsoft.KeyVault/vaults/certificates/import/action", vault))
	assert.False(t, w.service.Allowed(app, setSecret, vault+"2/secrets/db"), "a scope ends with its name")

	got, err := c.Get(t.Context(), vault, guid1, nil)
	require.NoError(t, err)
	assert.Equal(t, app, *got.Properties.PrincipalID)
	_, err = c.Delete(t.Context(), vault, guid1, nil)
	require.NoError(t, err)
	_, err = c.Get(t.Context(), vault, guid1, nil)
	refused(t, err, 404, "RoleAssignmentNotFound")
	assert.True(t, w.service.Allowed(app, setSecret, vault), "a removal takes effect late too")
	w.clock.Advance(time.Minute)
	assert.False(t, w.service.Allowed(app, setSecret, vault))
	_, err = c.Delete(t.Context(), vault, guid1, nil)
	require.NoError(t, err, "204 for what is not there")
}

func TestRolesAreInherited(t *testing.T) {
	for name, c := range map[string]struct {
		scope string
		want  bool
	}{
		"from the subscription":          {"/subscriptions/" + sub, true},
		"from the group, without case":   {"/subscriptions/" + sub + "/resourcegroups/rg", true},
		"from the vault":                 {"/subscriptions/" + sub + "/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults/safe", true},
		"from the secret itself":         {"/subscriptions/" + sub + "/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults/safe/secrets/db", true},
		"not from another secret":        {"/subscriptions/" + sub + "/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults/safe/secrets/d", false},
		"not from another subscription":  {"/subscriptions/" + guid1, false},
		"not from another group's vault": {"/subscriptions/" + sub + "/resourceGroups/Rg2/providers/Microsoft.KeyVault/vaults/safe", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, resourcemanager.Options{})
			vault := w.service.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg", RBAC: true})
			w.grant(app, resourcemanager.KeyVaultSecretsOfficer, c.scope)
			assert.Equal(t, c.want, w.service.Allowed(app, setSecret, vault+"/secrets/db"))
		})
	}
}

func TestAssignmentsAreUnique(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	c := w.roles(t, owner)
	scope := "/subscriptions/" + sub
	officer := parameters(resourcemanager.KeyVaultSecretsOfficer, app, nil)
	made, err := c.Create(t.Context(), scope, guid1, officer, nil)
	require.NoError(t, err)
	assert.Equal(t, armauthorization.PrincipalTypeServicePrincipal, *made.Properties.PrincipalType, "looked up when left out")

	_, err = c.Create(t.Context(), scope, guid2, officer, nil)
	refused(t, err, 409, "RoleAssignmentExists")
	_, err = c.Create(t.Context(), scope, guid1, officer, nil)
	require.NoError(t, err, "the same under the same name")
	_, err = c.Create(t.Context(), scope, guid1, parameters(resourcemanager.KeyVaultSecretsOfficer, owner, nil), nil)
	refused(t, err, 400, "RoleAssignmentUpdateNotPermitted")
	_, err = c.Create(t.Context(), scope+"/resourceGroups/Rg", guid1, officer, nil)
	refused(t, err, 400, "RoleAssignmentUpdateNotPermitted")
}

func TestPrincipalsMustBeKnown(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	c := w.roles(t, owner)
	scope := "/subscriptions/" + sub
	_, err := c.Create(t.Context(), scope, guid1, parameters(resourcemanager.Reader, fresh, nil), nil)
	refused(t, err, 400, "PrincipalNotFound")
	_, err = c.Create(t.Context(), scope, guid1, parameters(resourcemanager.Reader, app, new(armauthorization.PrincipalTypeUser)), nil)
	refused(t, err, 400, "UnmatchedPrincipalType")
	_, err = c.Create(t.Context(), scope, guid1, parameters(resourcemanager.Reader, fresh, new(armauthorization.PrincipalTypeServicePrincipal)), nil)
	require.NoError(t, err, "its type says that it need not be looked up")
}

func TestAssignmentsAreChecked(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	c := w.roles(t, owner)
	scope := "/subscriptions/" + sub
	for name, call := range map[string]struct {
		scope, name, role, principal string
		status                       int
		code                         string
	}{
		"the name is a GUID":        {scope, "mine", resourcemanager.Reader, app, 400, "InvalidRoleAssignmentId"},
		"the role exists":           {scope, guid1, guid2, app, 400, "RoleDefinitionDoesNotExist"},
		"the principal is a GUID":   {scope, guid1, resourcemanager.Reader, "me", 400, "InvalidPrincipalId"},
		"the subscription exists":   {"/subscriptions/" + guid1, guid1, resourcemanager.Reader, app, 404, "SubscriptionNotFound"},
		"the group exists":          {scope + "/resourceGroups/none", guid1, resourcemanager.Reader, app, 404, "ResourceGroupNotFound"},
		"the vault exists":          {scope + "/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults/none", guid1, resourcemanager.Reader, app, 404, "ResourceNotFound"},
		"the secret's vault exists": {scope + "/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults/none/secrets/db", guid1, resourcemanager.Reader, app, 404, "ResourceNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Create(t.Context(), call.scope, call.name, parameters(call.role, call.principal, nil), nil)
			refused(t, err, call.status, call.code)
		})
	}
}

func TestWhoMayGrant(t *testing.T) {
	for name, c := range map[string]struct {
		role, granting string
		refusal        string
	}{
		"an owner may grant anything":                            {resourcemanager.Owner, resourcemanager.Owner, ""},
		"an access administrator may grant anything":             {resourcemanager.UserAccessAdministrator, resourcemanager.Owner, ""},
		"a contributor may grant nothing":                        {resourcemanager.Contributor, resourcemanager.KeyVaultSecretsOfficer, "does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write'"},
		"a data access administrator may grant secrets officer":  {resourcemanager.KeyVaultDataAccessAdministrator, resourcemanager.KeyVaultSecretsOfficer, ""},
		"a data access administrator may grant certificates":     {resourcemanager.KeyVaultDataAccessAdministrator, resourcemanager.KeyVaultCertificatesOfficer, ""},
		"a data access administrator may not grant contributor":  {resourcemanager.KeyVaultDataAccessAdministrator, resourcemanager.Contributor, "an ABAC condition not fulfilled"},
		"a data access administrator may not grant its own role": {resourcemanager.KeyVaultDataAccessAdministrator, resourcemanager.KeyVaultDataAccessAdministrator, "an ABAC condition not fulfilled"},
		"a secrets officer may read assignments, not write them": {resourcemanager.KeyVaultSecretsOfficer, resourcemanager.KeyVaultSecretsOfficer, "AuthorizationFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, resourcemanager.Options{})
			scope := "/subscriptions/" + sub + "/resourceGroups/Rg"
			w.grant(app, c.role, scope)
			roles := w.roles(t, app)
			_, err := roles.Create(t.Context(), scope, guid1, parameters(c.granting, owner, nil), nil)
			if c.refusal != "" {
				refused(t, err, 403, "AuthorizationFailed")
				assert.ErrorContains(t, err, c.refusal)
				return
			}
			require.NoError(t, err)
			_, err = roles.Delete(t.Context(), scope, guid1, nil)
			require.NoError(t, err)
			_, err = roles.Create(t.Context(), "/subscriptions/"+sub, guid1, parameters(c.granting, owner, nil), nil)
			refused(t, err, 403, "AuthorizationFailed")
		})
	}
}

func TestADataAccessAdministratorRemovesOnlyItsRoles(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	scope := "/subscriptions/" + sub
	w.grant(app, resourcemanager.KeyVaultDataAccessAdministrator, scope)
	_, err := w.roles(t, owner).Create(t.Context(), scope, guid1, parameters(resourcemanager.Contributor, app, nil), nil)
	require.NoError(t, err)
	_, err = w.roles(t, app).Delete(t.Context(), scope, guid1, nil)
	refused(t, err, 403, "AuthorizationFailed")
}

func TestAssignmentsAreListedByScopeAndPrincipal(t *testing.T) {
	w := start(t, resourcemanager.Options{PageSize: 1})
	subscription := "/subscriptions/" + sub
	rg := subscription + "/resourceGroups/Rg"
	vault := w.service.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg"})
	w.grant(app, resourcemanager.Reader, rg)
	w.grant(app, resourcemanager.KeyVaultSecretsUser, vault)
	for name, c := range map[string]struct {
		filter string
		want   []string
	}{
		"at, above and below":          {"", []string{subscription, rg, vault}},
		"at and above":                 {"atScope()", []string{subscription, rg}},
		"of a principal":               {"principalId eq '" + app + "'", []string{rg, vault}},
		"assigned to a principal":      {"assignedTo('" + app + "')", []string{rg, vault}},
		"of a principal, not below":    {"atScope() and principalId eq '" + app + "'", []string{rg}},
		"of a principal without roles": {"principalId eq '" + fresh + "'", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var scopes []string
			pager := w.roles(t, owner).NewListForScopePager(rg, &armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: &c.filter})
			for pager.More() {
				page, err := pager.NextPage(t.Context())
				require.NoError(t, err)
				for _, a := range page.Value {
					scopes = append(scopes, *a.Properties.Scope)
				}
			}
			assert.Equal(t, c.want, scopes)
		})
	}
	_, err := w.roles(t, owner).NewListForScopePager(rg, &armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: new("role eq 'x'")}).NextPage(t.Context())
	refused(t, err, 400, "InvalidFilter")
}

func TestRoleDefinitions(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	c, err := armauthorization.NewRoleDefinitionsClient(credential(owner), w.options(""))
	require.NoError(t, err)
	found, err := c.Get(t.Context(), "/subscriptions/"+sub, resourcemanager.KeyVaultSecretsOfficer, nil)
	require.NoError(t, err)
	assert.Equal(t, "Key Vault Secrets Officer", *found.Properties.RoleName)
	assert.Equal(t, "Microsoft.KeyVault/vaults/secrets/*", *found.Properties.Permissions[0].DataActions[0])

	page, err := c.NewListPager("/subscriptions/"+sub, &armauthorization.RoleDefinitionsClientListOptions{Filter: new("roleName eq 'Reader'")}).NextPage(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Value, 1)
	assert.Equal(t, resourcemanager.Reader, *page.Value[0].Name)
}

func TestACallerLearnsWhatItMayDo(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	w.grant(app, resourcemanager.LogicAppContributor, "/subscriptions/"+sub+"/resourceGroups/Rg")
	const query = "/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
	connection := "/subscriptions/" + sub + "/resourceGroups/Rg/providers/Microsoft.Web/connections/mail"
	resp, body := w.raw(t, "GET", connection+query, app, "")
	assert.Equal(t, 200, resp.StatusCode)
	assert.Contains(t, body, `"Microsoft.Web/connections/*"`)
	assert.Contains(t, body, `"notActions":[]`)
	resp, _ = w.raw(t, "GET", "/subscriptions/"+sub+query, app, "")
	assert.Equal(t, 403, resp.StatusCode, "outside of its group it may not even ask")
}
