package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/automation"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/compute"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/deploymentscripts"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// TestATaskRuns drives a task of every kind of step through the real handler: a
// machine, a runbook that waits for the Key Vault target, and a container.
func TestATaskRuns(t *testing.T) {
	t.Parallel()
	s, evidence := startTapped(t, func(o *Options) { o.Latency.Jobs = 300 * time.Millisecond })
	ran := make(chan string, 100)
	runs := func(where string) func(map[string]string) (string, int) {
		return func(arrived map[string]string) (string, int) {
			ran <- where
			return "was given " + arrived["NewSecret"] + arrived["REKEY_NewSecret"], 0
		}
	}
	vm := s.Azure.Compute.AddMachine(compute.Machine{Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: "machine-of-tasks", Runs: runs("machine")})
	account := s.Azure.Automation.AddAccount(automation.Account{Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: "jobs-of-tasks",
		Runbooks: []automation.Runbook{{Name: "Deliver", Parameters: map[string]bool{"SecretId": true}, Runs: runs("runbook")}}})
	storage := s.Azure.Scripts.AddStorageAccount(deploymentscripts.StorageAccount{Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: "scripts"})
	identity := s.Azure.Scripts.AddIdentity(deploymentscripts.Identity{Subscription: subscriptionID, ResourceGroup: resourceGroup, Name: "runner"})
	s.Azure.Scripts.OnRun(runs("container"))
	group := "/subscriptions/" + subscriptionID + "/resourceGroups/" + resourceGroup
	s.Azure.ResourceManager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: group, RoleID: resourcemanager.Contributor, PrincipalID: s.Tenant.Identity.ObjectID})

	const script = "param([Parameter(Mandatory=$true)][string]$NewSecret)"
	s.put(t, "/api/tasks/deliver", map[string]any{"name": "Deliver", "steps": []any{
		map[string]any{"name": "config", "runCommand": map[string]any{"vm": vm, "script": script}},
		map[string]any{"name": "third party", "runbook": map[string]any{"account": account, "runbook": "Deliver", "vault": rbacVault, "secretName": "orders"}},
		map[string]any{"name": "notify", "powershell": map[string]any{"where": "container", "script": script, "container": map[string]any{
			"resourceGroup": group, "location": "westeurope", "storageAccount": storage, "identity": identity}}},
	}})
	app := s.Tenant.Apps[1].AppID
	path := "/api/applications/" + app
	s.put(t, path, fast(map[string]any{"enabled": false}))
	s.put(t, path+"/targets/vault", map[string]any{"integration": "keyvault", "kind": "secret", "settings": map[string]any{"vault": rbacVault, "name": "orders"}})
	s.put(t, path+"/targets/task", map[string]any{"integration": "automation", "kind": "secret", "settings": map[string]any{"task": "deliver"}})

	s.put(t, path, fast(nil))

	r := s.done(t, s.latestDone(t, app))
	require.Len(t, r.Deployments, 2)
	for _, d := range r.Deployments {
		assert.Equal(t, "confirmed", d.State, "%s: %s", d.Target, d.LastError)
	}
	close(ran)
	var places []string
	for place := range ran {
		places = append(places, place)
	}
	assert.Equal(t, []string{"machine", "runbook", "container"}, places, "in their order, and nothing twice")
	for _, machine := range s.Azure.Compute.State().Machines {
		assert.Empty(t, machine.Commands)
	}
	assert.Empty(t, s.Azure.Scripts.State().Scripts)
	rows, err := json.Marshal(s.Azure.Tables.Dump())
	require.NoError(t, err)
	assert.Contains(t, string(rows), "was given [redacted]", "what scripts print is kept, without the credential")
	s.checkNothingLeaked(t, evidence)
}

// latestDone waits for an application's first rotation.
func (s *Stack) latestDone(t *testing.T, app string) string {
	t.Helper()
	eventually(t, "a first rotation of "+app, func() bool { return s.latest(t, app).State == "completed" })
	return s.latest(t, app).ID
}
