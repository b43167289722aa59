package resourcemanager_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

func TestAnUnregisteredProviderIsReadAndNotWritten(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	path := "/subscriptions/" + sub + "/providers/Microsoft.KeyVault?api-version=2021-04-01"
	_, body := w.raw(t, "GET", path, owner, "")
	assert.Contains(t, body, `"registrationState":"Registered"`)

	w.service.Unregister(sub, "microsoft.keyvault")
	_, body = w.raw(t, "GET", path, owner, "")
	assert.Contains(t, body, `"registrationState":"NotRegistered"`)
	resp, _ := w.raw(t, "GET", path, app, "")
	assert.Equal(t, 403, resp.StatusCode)

	vaults := "/subscriptions/" + sub + "/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults"
	resp, _ = w.raw(t, "GET", vaults+"?api-version=2026-02-01", owner, "")
	assert.Equal(t, 200, resp.StatusCode)
	valid := `{"location":"westeurope","properties":{"tenantId":"` + tenant + `","sku":{"family":"A","name":"standard"},"accessPolicies":[]}}`
	resp, body = w.raw(t, "PUT", vaults+"/safe?api-version=2026-02-01", owner, valid)
	assert.Equal(t, 409, resp.StatusCode)
	assert.Contains(t, body, `{"error":{"code":"MissingSubscriptionRegistration"`)
	resp, _ = w.raw(t, "PUT", vaults+"/safe?api-version=2026-02-01", app, valid)
	assert.Equal(t, 403, resp.StatusCode, "who may not write is told nothing of it")
}

func TestACallerSeesItsOwnPermissions(t *testing.T) {
	w := start(t, resourcemanager.Options{})
	w.grant(app, resourcemanager.AutomationJobOperator, "/subscriptions/"+sub+"/resourceGroups/Rg")
	path := "/subscriptions/" + sub + "/resourceGroups/Rg/providers/Microsoft.X/things/a/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
	_, body := w.raw(t, "GET", path, app, "")
	assert.Contains(t, body, `"Microsoft.Automation/automationAccounts/jobs/write"`)
	_, body = w.raw(t, "GET", path, owner, "")
	assert.Contains(t, body, `"actions":["*"]`)
	resp, _ := w.raw(t, "GET", path, fresh, "")
	assert.Equal(t, 403, resp.StatusCode)
}
