package keyvault_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
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

func TestTheAnswersOfResourceManagerAreClassified(t *testing.T) {
	classes := map[int]rotation.Class{
		400: rotation.Permanent, 401: rotation.Denied, 403: rotation.Denied, 404: rotation.NotFound, 405: rotation.Permanent,
		408: rotation.Transient, 409: rotation.Conflict, 410: rotation.NotFound, 412: rotation.Conflict, 413: rotation.Permanent,
		429: rotation.Throttled, 500: rotation.Transient, 502: rotation.Transient, 503: rotation.Transient, 504: rotation.Transient,
	}
	for call, c := range map[string]struct{ vault, path string }{
		"reading the vault":     {"safe", "*/vaults/safe"},
		"listing subscriptions": {"safe", "/subscriptions"},
		"assigning the role":    {"safe", "*/roleAssignments/*"},
		"adding the policy":     {"legacy", "*/accessPolicies/add"},
	} {
		t.Run(call, func(t *testing.T) {
			w := start(t)
			w.rbacVault("safe")
			w.policyVault("legacy")
			row := w.row(t, `{"vault":"`+c.vault+`","grant":"none"}`)
			for status, class := range classes {
				w.misbehave(t, cloud.Fault{Host: "management.azure.com", Path: c.path, Status: status, RetryAfter: new(json.Number("7"))})
				err := w.target.Prepare(t.Context(), w.app, row)
				require.Error(t, err, status)
				assert.Equal(t, class, rotation.ClassOf(err), err.Error())
				assert.Contains(t, err.Error(), fmt.Sprintf(": %d %s: This answer was asked for", status, strings.ReplaceAll(http.StatusText(status), " ", "")))
				if class == rotation.Throttled {
					assert.Equal(t, "7s", rotation.AfterOf(err).String())
				}
			}
			w.misbehave(t)
			require.NoError(t, w.target.Prepare(t.Context(), w.app, row), "and then it works")
		})
	}
}

func TestATransportErrorIsTransient(t *testing.T) {
	w := start(t)
	w.rbacVault("safe")
	row := w.row(t, `{"vault":"safe","grant":"none"}`)
	w.misbehave(t, cloud.Fault{Host: "management.azure.com", Method: "PUT", Lose: true})
	err := w.target.Prepare(t.Context(), w.app, row)
	require.Error(t, err)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	w.misbehave(t)
	assert.Contains(t, w.access(t, row), `"state":"existing"`, "it took effect")
}

func TestAVaultIsFoundByNameOnce(t *testing.T) {
	w := start(t)
	w.manager.AddSubscription("99999999-2222-4333-8444-555555555555", "without vaults")
	w.allow("/subscriptions/99999999-2222-4333-8444-555555555555", w.self.ObjectID, resourcemanager.Reader)
	w.rbacVault("safe")
	w.policyVault("legacy")
	row := w.row(t, `{"vault":"SAFE","grant":"none"}`)
	w.access(t, row)
	assert.Equal(t, 4, w.calls(t)["GET management.azure.com"], "subscriptions, two lists, the vault")
	w.access(t, row)
	assert.Equal(t, 1, w.calls(t)["GET management.azure.com"])
	w.access(t, w.row(t, `{"vault":"legacy","grant":"none"}`))
	assert.Equal(t, 1, w.calls(t)["GET management.azure.com"], "the list was of all")
	w.access(t, w.row(t, `{"vault":"`+safeID+`","grant":"none"}`))
	assert.Equal(t, 1, w.calls(t)["GET management.azure.com"], "an id needs no list")

	w.misbehave(t, cloud.Fault{Path: "*/vaults/safe", Status: 404, Count: new(1)})
	assert.Contains(t, w.access(t, row), `"state":"existing"`, "it has moved since: it is looked for again")
	assert.Equal(t, 5, w.calls(t)["GET management.azure.com"])

	vaults, err := w.target.Vaults(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []keyvault.Vault{
		{ID: strings.ReplaceAll(safeID, "safe", "legacy"), Name: "legacy", Location: "westeurope", Authorization: keyvault.ModelAccessPolicies},
		{ID: safeID, Name: "safe", Location: "westeurope", Authorization: keyvault.ModelRBAC},
	}, vaults)
}

func TestAVaultThatIsGoneIsNotFound(t *testing.T) {
	for name, vault := range map[string]string{"by name": "safe", "by id": safeID} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.allow("/subscriptions/"+subscription, w.self.ObjectID, resourcemanager.Reader)
			w.rbacVault("other")
			err := w.target.Prepare(t.Context(), w.app, w.row(t, `{"vault":"`+vault+`"}`))
			require.Error(t, err)
			assert.Equal(t, rotation.NotFound, rotation.ClassOf(err), err.Error())
		})
	}
}

func TestASubscriptionThatShowsNothingIsPassedOver(t *testing.T) {
	w := start(t)
	w.manager.AddSubscription("99999999-2222-4333-8444-555555555555", "closed")
	w.allow("/subscriptions/99999999-2222-4333-8444-555555555555", w.self.ObjectID, resourcemanager.EventGridDataSender)
	w.rbacVault("safe")
	w.misbehave(t, cloud.Fault{Path: "/subscriptions/9*/providers/Microsoft.KeyVault/vaults", Status: 403, Code: "AuthorizationFailed"})
	assert.Contains(t, w.access(t, w.row(t, `{"vault":"safe"}`)), `"state":"granted"`)
}

func TestTheVersionsOfResourceManagersInterfaces(t *testing.T) {
	w := start(t)
	w.rbacVault("safe")
	w.policyVault("legacy")
	w.access(t, w.row(t, `{"vault":"legacy"}`))
	w.access(t, w.row(t, `{"vault":"safe","grant":"none"}`))
	legacyID := strings.ReplaceAll(safeID, "safe", "legacy")
	assignment := w.manager.State().RoleAssignments[len(w.manager.State().RoleAssignments)-1]
	assert.Equal(t, map[string]string{
		"/subscriptions": "2022-12-01",
		"/subscriptions/" + subscription + "/providers/Microsoft.KeyVault/vaults": "2026-02-01",
		safeID:                           "2026-02-01",
		legacyID:                         "2026-02-01",
		legacyID + "/accessPolicies/add": "2026-02-01",
		safeID + "/providers/Microsoft.Authorization/roleAssignments/" + assignment.Name: "2022-04-01",
	}, w.versions)

	require.Len(t, w.bodies, 3)
	assert.JSONEq(t, `{"properties":{"principalId":"SELF","principalType":"ServicePrincipal",
		"roleDefinitionId":"/subscriptions/`+subscription+`/providers/Microsoft.Authorization/roleDefinitions/b86a8fe4-44ce-4948-aee5-eccb2c155cd7"}}`,
		w.alias(w.bodies[2]))
}

// opaque is a credential whose tokens are no JWTs with an object id.
type opaque string

func (o opaque) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(o), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestATokenWithoutAnObjectIDIsPermanent(t *testing.T) {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"somebody"}`))
	for token, want := range map[string]string{
		"opaque":             "it is not a JWT",
		"a.{}.c":             "its claims are not base64url",
		"a." + claims + ".c": `it has no claim "oid"`,
	} {
		target := keyvault.New(keyvault.Config{Credential: opaque(token)})
		row := rotation.TargetRow{ID: "safe", Settings: json.RawMessage(`{"vault":"safe"}`)}
		err := target.Prepare(t.Context(), shop, row)
		assert.EqualError(t, err, "keyvault: read rekey's own token: "+want)
		assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
	}
}
