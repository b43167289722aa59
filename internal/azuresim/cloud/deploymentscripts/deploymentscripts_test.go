package deploymentscripts_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/deploymentscripts"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const (
	writer  = "aaaaaaaa-0000-0000-0000-000000000001"
	reader  = "bbbbbbbb-0000-0000-0000-000000000002"
	version = "?api-version=2023-08-01"
	group   = "/subscriptions/" + cloudtest.Subscription + "/resourceGroups/rg"
	path    = group + "/providers/Microsoft.Resources/deploymentScripts/one"
)

type world struct {
	*cloudtest.Manager
	t                 *testing.T
	service           *deploymentscripts.Service
	identity, account string
	key               string
	arrived           []map[string]string
	exits             int
}

func start(t *testing.T, options deploymentscripts.Options, seed deploymentscripts.StorageAccount) *world {
	t.Helper()
	w := &world{Manager: cloudtest.StartManager(t), t: t}
	w.service = deploymentscripts.New(w.Clock, w.Service, options)
	w.service.OnRun(func(environment map[string]string) (string, int) {
		w.arrived = append(w.arrived, environment)
		return "first\nsecond", w.exits
	})
	seed.Subscription, seed.ResourceGroup, seed.Name = cloudtest.Subscription, "rg", "scripts"
	w.account = w.service.AddStorageAccount(seed)
	w.identity = w.service.AddIdentity(deploymentscripts.Identity{Subscription: cloudtest.Subscription, ResourceGroup: "rg", Name: "runner"})
	w.Allow(writer, resourcemanager.Contributor, group)
	w.Allow(reader, resourcemanager.Reader, group)
	_, body := w.call(writer, "POST", w.account+"/listKeys?api-version=2023-05-01", "")
	w.key = body["keys"].([]any)[0].(map[string]any)["value"].(string)
	return w
}

func (w *world) call(who, method, path, body string) (int, map[string]any) {
	w.t.Helper()
	answer, text := w.Call(w.t, who, method, path, body)
	var fields map[string]any
	if text != "" {
		require.NoError(w.t, json.Unmarshal([]byte(text), &fields), text)
	}
	return answer.StatusCode, fields
}

func (w *world) body() string {
	return fmt.Sprintf(`{"kind":"AzurePowerShell","location":"westeurope",
		"identity":{"type":"UserAssigned","userAssignedIdentities":{%q:{}}},
		"properties":{"azPowerShellVersion":"10.0","scriptContent":"x","retentionInterval":"PT1H","timeout":"PT30M","cleanupPreference":"Always",
		"storageAccountSettings":{"storageAccountName":"scripts","storageAccountKey":%q},
		"environmentVariables":[{"name":"NewSecret","secureValue":"hush"},{"name":"Where","value":"here"}]}}`, w.identity, w.key)
}

func (w *world) state() (string, map[string]any) {
	w.t.Helper()
	status, body := w.call(reader, "GET", path+version, "")
	require.Equal(w.t, 200, status)
	properties := body["properties"].(map[string]any)
	failure, _ := properties["status"].(map[string]any)["error"].(map[string]any)
	return properties["provisioningState"].(string), failure
}

func TestAScriptRunsOnTheClock(t *testing.T) {
	w := start(t, deploymentscripts.Options{Provisioning: 30 * time.Second, Takes: time.Minute}, deploymentscripts.StorageAccount{})
	status, body := w.call(writer, "PUT", path+version, w.body())
	require.Equal(t, 201, status)
	assert.Equal(t, "Creating", body["properties"].(map[string]any)["provisioningState"])
	state, _ := w.state()
	assert.Equal(t, "ProvisioningResources", state)
	status, body = w.call(reader, "GET", path+"/logs/default"+version, "")
	assert.Equal(t, 404, status)
	assert.Contains(t, body["error"], "error", "refusals of the service nest")
	w.Clock.Advance(30 * time.Second)
	state, _ = w.state()
	assert.Equal(t, "Running", state)
	assert.Equal(t, []map[string]string{{"NewSecret": "hush", "Where": "here"}}, w.arrived)
	status, _ = w.call(writer, "PUT", path+version, w.body())
	assert.Equal(t, 409, status)
	w.Clock.Advance(time.Minute)
	state, _ = w.state()
	assert.Equal(t, "Succeeded", state)
	_, body = w.call(reader, "GET", path+"/logs/default"+version+"&tail=1", "")
	assert.Equal(t, "second", body["properties"].(map[string]any)["log"])

	status, _ = w.call(writer, "PUT", path+version, w.body())
	assert.Equal(t, 200, status)
	assert.Len(t, w.arrived, 1, "nothing changed")
	status, _ = w.call(writer, "PUT", path+version, strings.Replace(w.body(), `"PT1H"`, `"PT2H"`, 1))
	assert.Equal(t, 200, status)
	w.Clock.Advance(time.Hour)
	_, _ = w.state()
	assert.Len(t, w.arrived, 2)

	for _, want := range []int{200, 204} {
		status, _ = w.call(writer, "DELETE", path+version, "")
		assert.Equal(t, want, status)
	}
	status, _ = w.call(reader, "GET", path+version, "")
	assert.Equal(t, 404, status)
}

func TestAFailingScriptFails(t *testing.T) {
	w := start(t, deploymentscripts.Options{}, deploymentscripts.StorageAccount{})
	w.exits = 2
	_, _ = w.call(writer, "PUT", path+version, w.body())
	state, failure := w.state()
	assert.Equal(t, "Failed", state)
	assert.Equal(t, "DeploymentScriptError", failure["code"])
}

func TestBlockedKeysFailTheScriptBeforeItRuns(t *testing.T) {
	w := start(t, deploymentscripts.Options{}, deploymentscripts.StorageAccount{KeysBlocked: true})
	_, body := w.call(reader, "GET", w.account+"?api-version=2023-05-01", "")
	assert.Equal(t, false, body["properties"].(map[string]any)["allowSharedKeyAccess"])
	status, _ := w.call(writer, "PUT", path+version, w.body())
	assert.Equal(t, 201, status)
	state, failure := w.state()
	assert.Equal(t, "Failed", state)
	assert.Equal(t, "DeploymentScriptOperationFailed", failure["code"])
	assert.Contains(t, failure["message"], "KeyBasedAuthenticationNotPermitted")
	assert.Empty(t, w.arrived)
}

func TestSecureValuesAreShownNowhere(t *testing.T) {
	w := start(t, deploymentscripts.Options{}, deploymentscripts.StorageAccount{})
	_, put := w.Call(t, writer, "PUT", path+version, w.body())
	_, got := w.Call(t, writer, "GET", path+version, "")
	state, err := json.Marshal(w.service.State())
	require.NoError(t, err)
	for _, text := range []string{put, got, string(state)} {
		assert.NotContains(t, text, "hush")
		assert.NotContains(t, text, w.key)
		assert.Contains(t, text, "NewSecret")
	}
	assert.Contains(t, got, `"value":"here"`)
	assert.Contains(t, string(state), fmt.Sprintf("%x", sha256.Sum256([]byte("hush"))))
}

func TestAnIdentityShowsWhoItIs(t *testing.T) {
	w := start(t, deploymentscripts.Options{}, deploymentscripts.StorageAccount{})
	_, body := w.call(reader, "GET", w.identity+"?api-version=2023-01-31", "")
	assert.NotEmpty(t, body["properties"].(map[string]any)["clientId"])
	assert.NotEmpty(t, body["properties"].(map[string]any)["principalId"])
	status, _ := w.call(reader, "GET", w.identity+"x?api-version=2023-01-31", "")
	assert.Equal(t, 404, status)
}

func TestRequestsAreChecked(t *testing.T) {
	w := start(t, deploymentscripts.Options{}, deploymentscripts.StorageAccount{})
	const halfWriter = "dddddddd-0000-0000-0000-000000000004"
	w.Allow(halfWriter, resourcemanager.Contributor, path)
	replaced := func(old, with string) string {
		require.Contains(t, w.body(), old)
		return strings.Replace(w.body(), old, with, 1)
	}
	for name, c := range map[string]struct {
		who, body string
		status    int
		code      string
	}{
		"reading is not writing":            {reader, w.body(), 403, "AuthorizationFailed"},
		"an identity has to be assigned":    {halfWriter, w.body(), 403, "LinkedAuthorizationFailed"},
		"an identity has to exist":          {writer, replaced("/runner", "/nobody"), 400, "FailedIdentityOperation"},
		"an identity is user-assigned":      {writer, replaced(`"UserAssigned"`, `"SystemAssigned"`), 400, "DeploymentScriptInvalidRequest"},
		"another kind":                      {writer, replaced("AzurePowerShell", "AzureCLI"), 400, "DeploymentScriptInvalidRequest"},
		"it is kept for a day at most":      {writer, replaced(`"PT1H"`, `"P7D"`), 400, "DeploymentScriptInvalidRequest"},
		"a version of PowerShell is needed": {writer, replaced(`"10.0"`, `""`), 400, "DeploymentScriptInvalidRequest"},
		"a variable has one value":          {writer, replaced(`"secureValue":"hush"`, `"secureValue":"hush","value":"hush"`), 400, "DeploymentScriptInvalidRequest"},
		"a storage account needs its key":   {writer, replaced(fmt.Sprintf(`,"storageAccountKey":%q`, w.key), ""), 400, "DeploymentScriptStorageAccountAccessKeyNotSpecified"},
		"the key has to be right":           {writer, replaced(w.key, "wrong"), 400, "DeploymentScriptStorageAccountInvalidAccessKey"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := w.call(c.who, "PUT", path+version, c.body)
			assert.Equal(t, c.status, status, answer)
			inner := answer["error"].(map[string]any)
			if deeper, is := inner["error"].(map[string]any); is {
				inner = deeper
			}
			assert.Equal(t, c.code, inner["code"])
		})
	}
	assert.Empty(t, w.arrived)
}

func TestWhatAScriptLeansOnHasToBeRegistered(t *testing.T) {
	for _, namespace := range []string{"Microsoft.ContainerInstance", "Microsoft.Storage"} {
		w := start(t, deploymentscripts.Options{}, deploymentscripts.StorageAccount{})
		w.Unregister(cloudtest.Subscription, namespace)
		status, answer := w.call(writer, "PUT", path+version, w.body())
		assert.Equal(t, 409, status)
		assert.Equal(t, "MissingSubscriptionRegistration", answer["error"].(map[string]any)["code"])
	}
}
