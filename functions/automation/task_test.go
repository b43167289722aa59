package automation_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// pageExample is the script that people bring along.
const pageExample = `param(
    [Parameter(Mandatory=$true)]
    [string]$NewSecret,
    
    [Parameter(Mandatory=$true)]
    [string]$ConfigPath
)

# Update configuration file with new secret
$config = Get-Content $ConfigPath | ConvertFrom-Json
$config.AzureAD.ClientSecret = $NewSecret
$config | ConvertTo-Json -Depth 10 | Set-Content $ConfigPath

Write-Host "Configuration updated successfully"

# Restart application to pick up new secret
Restart-Service -Name "MyApplicationService" -Force
Write-Host "Application service restarted"
`

func TestTheScriptThatPeopleBringRunsUnchanged(t *testing.T) {
	config := map[string]string{"ConfigPath": `C:\app\appsettings.json`}
	for name, step := range map[string]func(*world) rotation.TaskStep{
		"as a command": func(w *world) rotation.TaskStep {
			return rotation.TaskStep{Name: "config", RunCommand: &rotation.RunCommandStep{VM: w.windows, Script: pageExample, Parameters: config}}
		},
		"as a script on a machine": func(w *world) rotation.TaskStep {
			return rotation.TaskStep{Name: "config", PowerShell: &rotation.PowerShellStep{Where: rotation.PlaceVM, VM: w.windows, Script: pageExample, Parameters: config}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			d := w.delivery(w.with(step(w)))
			_, err := w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			command := w.compute.State().Machines[0].Commands[0]
			assert.Equal(t, pageExample, command.Script)
			assert.Empty(t, command.Parameters, "nothing travels where it could be read")
			assert.Equal(t, map[string]string{"NewSecret": sha(hush), "ConfigPath": sha(config["ConfigPath"])}, command.Protected)

			d.Tries = 2
			outcome, err := w.deliver(d)
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(outcome.Receipt, "deliver/"))
			assert.Equal(t, []rotation.StepReport{{Name: "config", State: rotation.StepSucceeded, Output: "done"}}, outcome.Steps)
			assert.Equal(t, []ran{{"windows", map[string]string{"NewSecret": hush, "ConfigPath": config["ConfigPath"]}}}, w.ran)
			assert.Zero(t, w.left(), "the run command is deleted")
		})
	}
}

func TestStepsRunInOrderOneAfterTheOther(t *testing.T) {
	w := start(t)
	version := w.bring(hush)
	row := w.with(onWindows(w, "config", "param($NewSecret, $AppId)"), asRunbook(w, "third party"), inContainer(w, "notify", "param($TenantId)"),
		rotation.TaskStep{Name: "linux", RunCommand: &rotation.RunCommandStep{VM: w.linux, Shell: rotation.ShellBash, Script: "systemctl restart app $KeyId"}})
	outcome, err := w.deliver(w.delivery(row))
	require.NoError(t, err)
	assert.Equal(t, []ran{
		{"windows", map[string]string{"NewSecret": hush, "AppId": w.app.AppID}},
		{"runbook", map[string]string{"SecretId": "https://safe.vault.azure.net/secrets/db/" + version}},
		{"container", map[string]string{"REKEY_TenantId": tenant}},
		{"linux", map[string]string{"KeyId": "key-1"}},
	}, w.ran)
	assert.Equal(t, []rotation.StepState{"succeeded", "succeeded", "succeeded", "succeeded"}, states(outcome.Steps))
	assert.Zero(t, w.left())
}

func TestAStepThatRunsKeepsTheNextOneWaiting(t *testing.T) {
	w := start(t)
	d := w.delivery(w.with(onWindows(w, "one", "x"), onWindows(w, "two", "x")))
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.Equal(t, rotation.Outcome{
		Handle: outcome.Handle, After: 2 * time.Second, Waiting: `for step 1 of 2, "one", to end`,
		Steps: []rotation.StepReport{{Name: "one", State: rotation.StepRunning}, {Name: "two", State: rotation.StepPending}},
	}, outcome)
	assert.Less(t, len(outcome.Handle), 400)
	assert.Equal(t, []string{"windows"}, w.places())
}

func TestAFailingStepStopsTheTaskAndIsCleanedUp(t *testing.T) {
	for name, c := range map[string]struct {
		step func(*world) rotation.TaskStep
		want string
	}{
		"a command":   {func(w *world) rotation.TaskStep { return onWindows(w, "one", "param($NewSecret)") }, `automation: step "one": the script ended with exit code 3: no such service`},
		"a container": {func(w *world) rotation.TaskStep { return inContainer(w, "one", "param($NewSecret)") }, `automation: step "one": The provided script failed with the following error: stopping no such service`},
		"a runbook":   {func(w *world) rotation.TaskStep { w.bring(hush); return asRunbook(w, "one") }, `automation: step "one": no such service`},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.prints, w.exits = "stopping\nno such service", 3
			outcome, err := w.deliver(w.delivery(w.with(c.step(w), onWindows(w, "two", "x"))))
			require.Error(t, err)
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
			assert.True(t, strings.HasPrefix(err.Error(), c.want), err.Error())
			assert.Equal(t, []rotation.StepState{"failed", "pending"}, states(outcome.Steps))
			assert.Equal(t, "stopping\nno such service", outcome.Steps[0].Output)
			assert.NotEmpty(t, outcome.Steps[0].Detail)
			assert.Len(t, w.ran, 1)
			assert.Zero(t, w.left())
		})
	}
}

func TestWhatPowerShellRefusesIsTold(t *testing.T) {
	w := start(t)
	step := onWindows(w, "one", "param([Parameter(Mandatory)]$NewSecret)")
	step.RunCommand.Parameters = map[string]string{"Other": "x"}
	outcome, err := w.deliver(w.delivery(w.with(step)))
	require.EqualError(t, err, `automation: step "one": the script ended with exit code 1: script.ps1 : A parameter cannot be found that matches parameter name 'Other'.`)
	assert.Contains(t, outcome.Steps[0].Output, "'Other'")
}

func TestARunbookWaitsForTheVault(t *testing.T) {
	w := start(t)
	d := w.delivery(w.with(asRunbook(w, "one")))
	for _, held := range []string{"", "the older one"} {
		if held != "" {
			w.bring(held)
		}
		outcome, err := w.target.Deploy(t.Context(), d)
		require.NoError(t, err)
		assert.Equal(t, `for a Key Vault target to bring the credential to "db" in vault "safe"`, outcome.Waiting)
		d.Handle, d.Steps = outcome.Handle, outcome.Steps
		d.Tries++
	}
	w.clock.Advance(11 * time.Minute)
	_, err := w.target.Deploy(t.Context(), d)
	require.EqualError(t, err, `automation: step "one" waits for a Key Vault target to bring the credential to "db" in vault "safe"; add a Key Vault target for this application that delivers there`)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	assert.Empty(t, w.ran)
	version := w.bring(hush)
	_, err = w.deliver(d)
	require.NoError(t, err)
	assert.Equal(t, "https://safe.vault.azure.net/secrets/db/"+version, w.ran[0].arrived["SecretId"])
	text, err := json.Marshal(w.jobs.State())
	require.NoError(t, err)
	w.silent(string(text))
}

func TestARunbookWaitsToBeLetIn(t *testing.T) {
	w := startAs(t, resourcemanager.Contributor)
	row := w.with(asRunbook(w, "one"))
	notes, err := w.target.Check(t.Context(), w.app, row)
	require.NoError(t, err)
	assert.Contains(t, notes, `vault "safe" does not let rekey read "db" yet: a Key Vault target of the application grants that, which takes up to 30 minutes`)
	d := w.delivery(row)
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.Equal(t, `for vault "safe" to let rekey read "db"`, outcome.Waiting)
	w.allow(w.self, resourcemanager.KeyVaultSecretsOfficer, group)
	w.bring(hush)
	d.Handle, d.Steps, d.Tries = outcome.Handle, outcome.Steps, 2
	_, err = w.deliver(d)
	require.NoError(t, err)
}

func TestARunbooksOwnParametersAreTexts(t *testing.T) {
	w := start(t)
	w.bring(hush)
	step := asRunbook(w, "one")
	step.Runbook.Parameters = map[string]string{"Region": "{{clientId}}"}
	w.with(step)
	_, err := w.deliver(w.delivery(w.row(`{"task":"deliver","parameters":{"region":"007"}}`)))
	require.NoError(t, err)
	assert.Equal(t, "007", w.ran[0].arrived["Region"], "not the number 7")
}
