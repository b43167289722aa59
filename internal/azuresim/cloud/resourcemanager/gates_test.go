package resourcemanager_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

func TestRequestsAreChecked(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	w.service.AddVault(resourcemanager.Vault{Name: "taken", Subscription: sub, ResourceGroup: "Other"})
	vaults := "/subscriptions/" + sub + "/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults"
	const version = "?api-version=2026-02-01"
	valid := `{"location":"westeurope","properties":{"tenantId":"` + tenant + `","sku":{"family":"A","name":"standard"},"accessPolicies":[]}}`
	policies := func(p string) string { return `{"properties":{"accessPolicies":[` + p + `]}}` }
	for name, c := range map[string]struct {
		method, path, who, body string
		status                  int
		code                    string
	}{
		"a token is required":           {"GET", vaults + version, "", "", 401, "AuthenticationFailed"},
		"a token is for this":           {"GET", vaults + version, "x https://vault.azure.net", "", 401, "InvalidAuthenticationToken"},
		"an api-version is required":    {"GET", vaults, owner, "", 400, "MissingApiVersionParameter"},
		"a provider knows its versions": {"GET", vaults + "?api-version=2022-04-01", owner, "", 400, "NoRegisteredProviderFound"},
		"a version is a date":           {"GET", vaults + "?api-version=latest", owner, "", 400, "InvalidApiVersionParameter"},
		"generic lists have their own":  {"GET", "/subscriptions/" + sub + "/resources" + version, owner, "", 400, "InvalidApiVersionParameter"},
		"a type must exist":             {"GET", vaults + "/a/b" + version, owner, "", 404, "InvalidResourceType"},
		"a method must exist":           {"POST", vaults + version, owner, "", 405, "HttpMethodNotAllowed"},
		"a subscription must exist":     {"GET", "/subscriptions/none/providers/Microsoft.KeyVault/vaults" + version, owner, "", 404, "SubscriptionNotFound"},
		"a group must exist":            {"PUT", "/subscriptions/" + sub + "/resourceGroups/none/providers/Microsoft.KeyVault/vaults/safe" + version, owner, valid, 404, "ResourceGroupNotFound"},
		"a vault must exist":            {"GET", vaults + "/none" + version, owner, "", 404, "ResourceNotFound"},
		"a vault is hidden from others": {"GET", vaults + "/none" + version, app, "", 403, "AuthorizationFailed"},
		"a body is JSON":                {"PUT", vaults + "/safe" + version, owner, "{", 400, "InvalidRequestContent"},
		"a vault's name is short":       {"PUT", vaults + "/a-vault-with-too-long-a-name" + version, owner, valid, 400, "VaultNameNotValid"},
		"a vault's name has one hyphen": {"PUT", vaults + "/a--b" + version, owner, valid, 400, "VaultNameNotValid"},
		"a vault's name is unique":      {"PUT", vaults + "/Taken" + version, owner, valid, 409, "VaultAlreadyExists"},
		"a vault has policies or roles": {"PUT", vaults + "/safe" + version, owner, `{"location":"westeurope","properties":{"tenantId":"` + tenant + `","sku":{},"enableRbacAuthorization":false}}`, 400, "BadRequest"},
		"a vault is in this tenant":     {"PUT", vaults + "/safe" + version, owner, `{"location":"westeurope","properties":{"tenantId":"x","sku":{},"accessPolicies":[]}}`, 400, "BadRequest"},
		"a policy's operation is known": {"PUT", "/subscriptions/" + sub + "/resourceGroups/Other/providers/Microsoft.KeyVault/vaults/taken/accessPolicies/merge" + version, owner, policies(""), 400, "BadRequest"},
		"a policy's verbs are known":    {"PUT", "/subscriptions/" + sub + "/resourceGroups/Other/providers/Microsoft.KeyVault/vaults/taken/accessPolicies/add" + version, owner, policies(`{"tenantId":"` + tenant + `","objectId":"` + app + `","permissions":{"secrets":["read"]}}`), 400, "BadRequest"},
		"a policy names a principal":    {"PUT", "/subscriptions/" + sub + "/resourceGroups/Other/providers/Microsoft.KeyVault/vaults/taken/accessPolicies/add" + version, owner, policies(`{"tenantId":"` + tenant + `","objectId":"me","permissions":{"secrets":["get"]}}`), 400, "BadRequest"},
		"a skip token is one of ours":   {"GET", vaults + version + "&$skiptoken=x", owner, "", 400, "InvalidSkipToken"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := w.raw(t, c.method, c.path, c.who, c.body)
			assert.Equal(t, c.status, resp.StatusCode, body)
			assert.Contains(t, body, `{"error":{"code":"`+c.code+`"`)
		})
	}
}

func TestSubscriptionsAndGroups(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	const version = "?api-version=2022-12-01"
	_, body := w.raw(t, "GET", "/subscriptions"+version, owner, "")
	assert.Contains(t, body, `"displayName":"Team"`)
	_, body = w.raw(t, "GET", "/subscriptions"+version, app, "")
	assert.JSONEq(t, `{"value":[]}`, body)

	resp, _ := w.raw(t, "PUT", "/subscriptions/"+sub+"/resourceGroups/New?api-version=2021-04-01", owner, `{"location":"westeurope"}`)
	assert.Equal(t, 201, resp.StatusCode)
	_, body = w.raw(t, "GET", "/subscriptions/"+sub+"/resourcegroups/new?api-version=2021-04-01", owner, "")
	assert.Contains(t, body, `"provisioningState":"Succeeded"`)
	_, body = w.raw(t, "GET", "/subscriptions/"+sub+"/resourcegroups?api-version=2021-04-01", owner, "")
	assert.Contains(t, body, `"name":"New"`)
}

func TestReadsAreRationed(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	path := "/subscriptions/" + sub + "?api-version=2022-12-01"
	resp, _ := w.raw(t, "GET", path, owner, "")
	assert.Equal(t, "249", resp.Header.Get("x-ms-ratelimit-remaining-subscription-reads"))
	for resp.StatusCode == 200 {
		resp, _ = w.raw(t, "GET", path, owner, "")
	}
	assert.Equal(t, 429, resp.StatusCode)
	assert.Equal(t, "1", resp.Header.Get("Retry-After"))
	resp, _ = w.raw(t, "GET", path, app, "")
	assert.Equal(t, 403, resp.StatusCode, "each caller has a budget")
	w.clock.Advance(time.Second)
	resp, _ = w.raw(t, "GET", path, owner, "")
	assert.Equal(t, 200, resp.StatusCode)
}

func TestStateShowsVaultsAndAssignments(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	w.service.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg", RBAC: true})
	data, err := json.Marshal(w.service.State())
	require.NoError(t, err)
	assert.Contains(t, string(data), `"name":"safe","rbac":true`)
	assert.Contains(t, string(data), `"roleName":"Owner","principalId":"`+owner+`"`)
}
