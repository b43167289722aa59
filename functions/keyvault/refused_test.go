package keyvault_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestWhereRekeyMayNotGrantItSaysWhichCommandDoes(t *testing.T) {
	const officer = `az role assignment create --role "Key Vault Secrets Officer" --assignee-object-id %s --assignee-principal-type ServicePrincipal --scope "` + safeID + `"`
	const reader = `az role assignment create --role "Reader" --assignee-object-id SELF --assignee-principal-type ServicePrincipal --scope "%s"`
	const policy = `az keyvault set-policy --subscription ` + subscription + ` --name safe --object-id %s --secret-permissions %s`
	for name, c := range map[string]struct {
		given       func(*world)
		vault       string
		self, app   string // the commands
		authorized  string
		deniedError string
	}{
		"where roles decide": {
			given:      func(w *world) { w.allow(w.closedVault(), w.self.ObjectID, resourcemanager.Reader) },
			self:       fmt.Sprintf(officer, "SELF"),
			app:        fmt.Sprintf(officer, "APP"),
			authorized: "rbac",
			deniedError: `keyvault: assign "Key Vault Secrets Officer" on vault "safe" to "SELF": 403 AuthorizationFailed: ` +
				`The client`,
		},
		"where access policies decide, what is held stays": {
			given: func(w *world) {
				id := w.manager.AddVault(resourcemanager.Vault{Name: "safe", Subscription: subscription, ResourceGroup: "rg",
					Policies: []simulated.AccessPolicy{policyOf(w.self, "List", "delete")}})
				w.allow(id, w.self.ObjectID, resourcemanager.Reader)
			},
			self:        fmt.Sprintf(policy, "SELF", "list delete get set recover"),
			app:         fmt.Sprintf(policy, "APP", "get list set"),
			authorized:  "accessPolicies",
			deniedError: `keyvault: add an access policy of vault "safe" for "SELF": 403 AuthorizationFailed: The client`,
		},
		"where rekey cannot read the vault": {
			given:       func(w *world) { w.closedVault() },
			vault:       safeID,
			self:        fmt.Sprintf(reader, safeID),
			app:         fmt.Sprintf(reader, safeID),
			deniedError: `keyvault: read vault "` + safeID + `": 403 AuthorizationFailed: The client`,
		},
		"where rekey cannot find the vault": {
			given:       func(w *world) { w.closedVault() },
			self:        fmt.Sprintf(reader, "$(az keyvault show --name safe --query id --output tsv)"),
			app:         fmt.Sprintf(reader, "$(az keyvault show --name safe --query id --output tsv)"),
			deniedError: `keyvault: vault "safe": rekey's identity finds no such vault among the 0 that it can see`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			c.given(w)
			if c.vault == "" {
				c.vault = "safe"
			}
			row := w.row(t, `{"vault":"`+c.vault+`"}`)
			var answer keyvault.Access
			require.NoError(t, json.Unmarshal([]byte(w.access(t, row)), &answer))
			assert.Equal(t, c.authorized, string(answer.Authorization))
			require.Len(t, answer.Grants, 2)
			for i, command := range []string{c.self, c.app} {
				assert.Equal(t, keyvault.StateRefused, answer.Grants[i].State)
				assert.Equal(t, command, answer.Grants[i].Command)
			}

			err := w.target.Prepare(t.Context(), w.app, row)
			require.Error(t, err)
			assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
			assert.Contains(t, w.alias(err.Error()), c.deniedError)
			assert.True(t, strings.HasSuffix(w.alias(err.Error()), "; "+c.self), err.Error())
		})
	}
}

func TestWhatTheVaultAllowsNeedsNoGrant(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*world)
		want  string
	}{
		"a role that rekey cannot see, on a vault that it cannot find": {
			func(w *world) {
				w.allow(w.closedVault()+"/secrets/db", w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
			},
			`{"grants":[{"principal":"SELF","kind":"system","state":"existing"}]}`,
		},
		"an access policy that lacks recovery, where rekey may not add it": {
			func(w *world) {
				id := w.manager.AddVault(resourcemanager.Vault{Name: "safe", Subscription: subscription, ResourceGroup: "rg",
					Policies: []simulated.AccessPolicy{policyOf(w.self, "get", "set")}})
				w.allow(id, w.self.ObjectID, resourcemanager.Reader)
			},
			`{"authorization":"accessPolicies","grants":[{"principal":"SELF","kind":"system","permissions":["get","list","set","recover"],
				"state":"refused","command":"az keyvault set-policy --subscription ` + subscription + ` --name safe --object-id SELF --secret-permissions get set list recover"}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			c.given(w)
			row := w.row(t, `{"vault":"safe","name":"db","grant":"none"}`)
			assert.JSONEq(t, c.want, w.access(t, row))
			require.NoError(t, w.target.Prepare(t.Context(), w.app, row))
			outcome, err := w.target.Deploy(t.Context(), w.delivery(row, 1))
			require.NoError(t, err)
			assert.True(t, outcome.Confirmed)
		})
	}
}

func TestAFreshPrincipalIsNotFoundForAWhile(t *testing.T) {
	unknown := cloud.Fault{Host: "management.azure.com", Method: "PUT", Path: "*/roleAssignments/*", Status: 400, Code: "PrincipalNotFound"}
	w := start(t)
	w.rbacVault("safe")
	row := w.row(t, `{"vault":"safe"}`)
	w.misbehave(t, unknown)
	err := w.target.Prepare(t.Context(), w.app, row)
	require.Error(t, err)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err), "rekey's own comes again")

	w.allow(safeID, w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
	w.misbehave(t)
	require.Contains(t, w.access(t, w.row(t, `{"vault":"safe","grant":"none"}`)), `"existing"`)
	unknown.Path = "*/roleAssignments/" + w.nameOfApplicationsAssignment()
	w.misbehave(t, unknown)
	assert.Contains(t, w.access(t, row), `{"principal":"APP","kind":"application","role":"Key Vault Secrets Officer","state":"pending","command":"az role`)
	require.NoError(t, w.target.Prepare(t.Context(), w.app, row), "no delivery waits for the application's")
	assert.Contains(t, w.log.String(), "the application has no access to the vault yet")

	w.misbehave(t)
	assert.Contains(t, w.access(t, row), `{"principal":"APP","kind":"application","role":"Key Vault Secrets Officer","state":"granted"}`)
}

// nameOfApplicationsAssignment is part of the contract: an older rekey has made
// assignments of that name.
func (w *world) nameOfApplicationsAssignment() string {
	subject := strings.ToLower(strings.Join([]string{safeID, w.principal.ObjectID, resourcemanager.KeyVaultSecretsOfficer}, "|"))
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(subject)).String()
}

func TestAnApplicationWithoutAccountWaitsForOne(t *testing.T) {
	w := start(t)
	w.rbacVault("safe")
	w.app.AppID = "6f1d1f5e-0c9a-4b55-9d55-2a0f6a1b7c42"
	row := w.row(t, `{"vault":"safe"}`)
	assert.Contains(t, w.access(t, row), `{"principal":"","kind":"application","role":"Key Vault Secrets Officer","state":"pending","command":"az ad sp create --id `+w.app.AppID+`"}`)
	require.NoError(t, w.target.Prepare(t.Context(), w.app, row))
}
