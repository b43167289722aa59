package keyvault_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const safeID = "/subscriptions/" + subscription + "/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/safe"

// assigned lists who has which role at the vault by an assignment that was made
// through the service: those of the start have names that are not of version 5.
func (w *world) assigned(t *testing.T) (all []string) {
	t.Helper()
	for _, a := range w.manager.State().RoleAssignments {
		id, err := uuid.Parse(a.Name)
		require.NoError(t, err)
		if id.Version() == 5 {
			assert.Equal(t, "ServicePrincipal", a.PrincipalType)
			all = append(all, w.alias(a.PrincipalID)+" is "+a.RoleName+" at "+a.Scope)
		}
	}
	return all
}

func (w *world) alias(text string) string {
	return strings.NewReplacer(w.self.ObjectID, "SELF", w.principal.ObjectID, "APP").Replace(text)
}

func TestRolesAreGrantedOnce(t *testing.T) {
	w := start(t)
	w.rbacVault("safe")
	row := w.row(t, `{"vault":"safe"}`)
	report := `{"authorization":"rbac","grants":[
		{"principal":"SELF","kind":"system","role":"Key Vault Secrets Officer","state":%[1]q},
		{"principal":"APP","kind":"application","role":"Key Vault Secrets Officer","state":%[1]q}]}`
	assert.JSONEq(t, fmt.Sprintf(report, "granted"), w.access(t, row))
	assert.JSONEq(t, fmt.Sprintf(report, "existing"), w.access(t, row))
	assert.Equal(t, []string{
		"SELF is Key Vault Secrets Officer at " + safeID,
		"APP is Key Vault Secrets Officer at " + safeID,
	}, w.assigned(t))
}

func TestAnApplicationGetsWhatTheSettingsSay(t *testing.T) {
	for name, c := range map[string]struct{ settings, want string }{
		"a user where roles decide": {`{"vault":"safe","grant":"user"}`,
			`{"principal":"APP","kind":"application","role":"Key Vault Secrets User","state":"granted"}`},
		"an officer where access policies decide": {`{"vault":"legacy"}`,
			`{"principal":"APP","kind":"application","permissions":["get","list","set"],"state":"granted"}`},
		"a user where access policies decide": {`{"vault":"legacy","grant":"user"}`,
			`{"principal":"APP","kind":"application","permissions":["get","list"],"state":"granted"}`},
		"nothing":                  {`{"vault":"safe","grant":"none"}`, ""},
		"never on the staging one": {`{"vault":"staging"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.rbacVault("safe")
			w.rbacVault("staging")
			w.policyVault("legacy")
			var answer struct{ Grants []json.RawMessage }
			require.NoError(t, json.Unmarshal([]byte(w.access(t, w.row(t, c.settings))), &answer))
			if c.want == "" {
				assert.Len(t, answer.Grants, 1, "rekey's own")
				return
			}
			require.Len(t, answer.Grants, 2)
			assert.JSONEq(t, c.want, string(answer.Grants[1]))
		})
	}
}

func TestAVaultThatBecameTheStagingVaultIsClosed(t *testing.T) {
	w := start(t)
	w.rbacVault("staging")
	row := w.row(t, `{"vault":"safe"}`)
	row.Settings = []byte(`{"vault":"staging","name":"db","grant":"officer"}`)
	err := w.target.Prepare(t.Context(), w.app, row)
	require.Error(t, err)
	assert.Contains(t, err.Error(), `grant: must be "none": this is the staging vault`)
	assert.Empty(t, w.assigned(t))
}

func TestWhatIsThereIsNotGrantedAgain(t *testing.T) {
	existing := func(role string, permissions string) string {
		model, what := "rbac", fmt.Sprintf(`"role":%q`, role)
		if permissions != "" {
			model, what = "accessPolicies", `"permissions":`+permissions
		}
		return fmt.Sprintf(`{"authorization":%q,"grants":[{"principal":"SELF","kind":"system",%s,"state":"existing"}]}`, model, what)
	}
	officer := existing("Key Vault Secrets Officer", "")
	for name, c := range map[string]struct {
		given  func(*world)
		want   string
		writes int
	}{
		"an assignment under another name": {func(w *world) {
			w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
		}, officer, 1},
		"an inherited role, where rekey may not assign": {func(w *world) {
			w.allow(w.closedVault(), w.self.ObjectID, resourcemanager.Reader)
			w.allow("/subscriptions/"+subscription, w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
		}, officer, 1},
		"a role that has not taken effect, where rekey may not assign": {func(w *world) {
			w.allow(w.closedVault(), w.self.ObjectID, resourcemanager.Reader)
			w.allow(safeID, w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
			w.misbehave(t, cloud.Fault{Host: "safe.vault.azure.net", Status: 403})
		}, officer, 1},
		"a wider role, where rekey may not assign": {func(w *world) {
			w.allow(w.closedVault(), w.self.ObjectID, resourcemanager.Reader)
			w.allow(safeID, w.self.ObjectID, resourcemanager.KeyVaultAdministrator)
		}, officer, 1},
		"a sufficient access policy": {func(w *world) {
			w.policyVault("safe", policyOf(w.self, "Recover", "SET", "list", "Get", "delete"))
		}, existing("", `["get","list","set","recover"]`), 0},
		"an access policy for everything": {func(w *world) {
			w.policyVault("safe", policyOf(w.self, "all"))
		}, existing("", `["get","list","set","recover"]`), 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			c.given(w)
			row := w.row(t, `{"vault":"safe","grant":"none"}`)
			assert.JSONEq(t, c.want, w.access(t, row))
			assert.Equal(t, c.writes, w.calls(t)["PUT management.azure.com"])
			assert.Empty(t, w.assigned(t))
			assert.NoError(t, w.target.Prepare(t.Context(), w.app, row))
		})
	}
}

func policyOf(sp entra.ServicePrincipal, verbs ...string) simulated.AccessPolicy {
	return simulated.AccessPolicy{ObjectID: sp.ObjectID, Permissions: simulated.Permissions{Secrets: verbs}}
}

// closedVault takes roles, and rekey may do nothing with it.
func (w *world) closedVault() string {
	return w.manager.AddVault(resourcemanager.Vault{Name: "safe", Subscription: subscription, ResourceGroup: "rg", RBAC: true})
}

func TestAnAccessPolicyIsCompletedAndKept(t *testing.T) {
	w := start(t)
	throughAnother := policyOf(w.principal, "all")
	throughAnother.ApplicationID = uuid.NewString()
	w.policyVault("safe", policyOf(w.self, "get", "delete"), throughAnother)
	row := w.row(t, `{"vault":"safe","grant":"user"}`)
	assert.Contains(t, w.access(t, row), `"state":"granted"`)
	throughAnother.TenantID = tenant
	assert.Equal(t, []simulated.AccessPolicy{
		{TenantID: tenant, ObjectID: w.self.ObjectID, Permissions: simulated.Permissions{Secrets: []string{"get", "delete", "list", "set", "recover"}}},
		throughAnother,
		{TenantID: tenant, ObjectID: w.principal.ObjectID, Permissions: simulated.Permissions{Secrets: []string{"get", "list"}}},
	}, w.manager.State().Vaults[0].AccessPolicies)
}
