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
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
)

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
