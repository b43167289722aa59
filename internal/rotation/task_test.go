package rotation_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	group = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg"
	vm    = group + "/providers/Microsoft.Compute/virtualMachines/web-1"
)

func everyKind() rotation.Task {
	return rotation.Task{ID: "deliver", Name: "Deliver", Steps: []rotation.TaskStep{
		{Name: "config", RunCommand: &rotation.RunCommandStep{VM: vm, Shell: rotation.ShellBash, Script: "echo", Parameters: map[string]string{"Path": "/etc/{{clientId}}"}}},
		{Name: "third party", Runbook: &rotation.RunbookStep{
			Account: group + "/providers/Microsoft.Automation/automationAccounts/operations", Runbook: "Deliver", Vault: "safe", SecretName: "db", RunOn: "office"}},
		{Name: "restart", PowerShell: &rotation.PowerShellStep{Where: rotation.PlaceVM, VM: vm, Script: "Restart-Service x"}},
		{Name: "notify", PowerShell: &rotation.PowerShellStep{Where: rotation.PlaceContainer, Script: "Write-Host", Container: &rotation.Container{
			ResourceGroup: group, Location: "westeurope", StorageAccount: group + "/providers/Microsoft.Storage/storageAccounts/scripts",
			Identity: group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runner"}}},
	}}
}

func TestATaskOfEveryKindIsRight(t *testing.T) {
	task := everyKind()
	assert.Empty(t, task.Check())
	full := task.WithDefaults()
	assert.Empty(t, full.Check())
	assert.Equal(t, 30, full.Steps[0].TimeoutMinutes)
	assert.Equal(t, rotation.FormatPEM, full.Steps[0].RunCommand.Format, "a shell reads PEM")
	assert.Equal(t, rotation.FormatPFX, full.Steps[2].PowerShell.Format)
	assert.Equal(t, "10.0", full.Steps[3].PowerShell.Container.AzPowerShellVersion)
	assert.Empty(t, task.Steps[3].PowerShell.Container.AzPowerShellVersion, "the original stays as it was")
	assert.True(t, full.UsesVault("SAFE"))
	assert.False(t, full.UsesVault("other"))
}

func TestAStepIsOneOfThreeThings(t *testing.T) {
	steps := everyKind().Steps
	assert.Equal(t, vm, steps[0].OnMachine().VM)
	assert.Nil(t, steps[1].OnMachine())
	assert.Equal(t, rotation.ShellPowerShell, steps[2].OnMachine().Shell)
	assert.Nil(t, steps[2].InContainer())
	assert.Nil(t, steps[3].OnMachine())
	assert.NotNil(t, steps[3].InContainer())
}

func TestWhatIsWrongWithATaskIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rotation.Task)
		want   string
	}{
		"no name":                      {func(t *rotation.Task) { t.Name = " " }, "name: must be 1 to 100 characters"},
		"no steps":                     {func(t *rotation.Task) { t.Steps = nil }, "steps: must be 1 to 10"},
		"a step without a name":        {func(t *rotation.Task) { t.Steps[0].Name = "" }, "steps[0].name: must be 1 to 60 letters, digits, blanks, dots, hyphens and underscores, with no blank at an end"},
		"two of one name":              {func(t *rotation.Task) { t.Steps[1].Name = "CONFIG" }, "steps[1].name: is that of an earlier step"},
		"two kinds":                    {func(t *rotation.Task) { t.Steps[0].Runbook = t.Steps[1].Runbook }, "steps[0]: must have exactly one of runCommand, runbook and powershell"},
		"no kind":                      {func(t *rotation.Task) { t.Steps[0].RunCommand = nil }, "steps[0]: must have exactly one of runCommand, runbook and powershell"},
		"too long":                     {func(t *rotation.Task) { t.Steps[0].TimeoutMinutes = 91 }, "steps[0].timeoutMinutes: must be 1 to 90"},
		"a machine by its name":        {func(t *rotation.Task) { t.Steps[0].RunCommand.VM = "web-1" }, "steps[0].runCommand.vm: must be the resource id of one: /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Compute/virtualMachines/<name>"},
		"a path that leads elsewhere":  {func(t *rotation.Task) { t.Steps[0].RunCommand.VM = vm + "/../x" }, "steps[0].runCommand.vm: must be the resource id of one: /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Compute/virtualMachines/<name>"},
		"another shell":                {func(t *rotation.Task) { t.Steps[0].RunCommand.Shell = "zsh" }, `steps[0].runCommand.shell: must be "powershell" or "bash"`},
		"no script":                    {func(t *rotation.Task) { t.Steps[0].RunCommand.Script = "\n" }, "steps[0].runCommand.script: must be there"},
		"another format":               {func(t *rotation.Task) { t.Steps[2].PowerShell.Format = "der" }, `steps[2].powershell.format: must be "pfx" or "pem"`},
		"a parameter with an odd name": {func(t *rotation.Task) { t.Steps[0].RunCommand.Parameters = map[string]string{"a b": "x"} }, "steps[0].runCommand.parameters.a b: must be named with letters, digits and underscores"},
		"one that is given already":    {func(t *rotation.Task) { t.Steps[0].RunCommand.Parameters = map[string]string{"newsecret": "x"} }, "steps[0].runCommand.parameters.newsecret: is given by rekey itself"},
		"one that is empty":            {func(t *rotation.Task) { t.Steps[0].RunCommand.Parameters = map[string]string{"a": ""} }, "steps[0].runCommand.parameters.a: must not be empty: Azure takes no empty parameter"},
		"a placeholder of nothing":     {func(t *rotation.Task) { t.Steps[0].RunCommand.Parameters = map[string]string{"a": "{{x}}"} }, "steps[0].runCommand.parameters.a: {{x}} is not a placeholder: those are {{credential}}, {{clientId}}, {{tenantId}} and {{keyId}}"},
		"a credential for all to read": {func(t *rotation.Task) { t.Steps[1].Runbook.Parameters = map[string]string{"a": "{{credential}}"} }, "steps[1].runbook.parameters.a: must not hold {{credential}}: everyone who can see the job can read it; the runbook gets the secret's id as SecretId"},
		"no vault":                     {func(t *rotation.Task) { t.Steps[1].Runbook.Vault = "" }, "steps[1].runbook.vault: must be the name of the Key Vault where the runbook finds the credential"},
		"no place":                     {func(t *rotation.Task) { t.Steps[2].PowerShell.Where = "" }, `steps[2].powershell.where: must be "vm" or "container"`},
		"a container that is missing":  {func(t *rotation.Task) { t.Steps[3].PowerShell.Container = nil }, "steps[3].powershell.container: must be there: where the script runs, and as whom"},
		"a container for a machine":    {func(t *rotation.Task) { t.Steps[2].PowerShell.Container = t.Steps[3].PowerShell.Container }, "steps[2].powershell.container: must be left out of a script that runs on a virtual machine"},
		"what only a file begins with": {func(t *rotation.Task) { t.Steps[3].PowerShell.Script = "using namespace System.IO\nx" }, "steps[3].powershell.script: must not have using or #Requires statements in a container, where it becomes a part of another script"},
		"a region in words":            {func(t *rotation.Task) { t.Steps[3].PowerShell.Container.Location = "West Europe" }, "steps[3].powershell.container.location: must be the name of a region, westeurope for example"},
		"scripts that are too long":    {func(t *rotation.Task) { t.Steps[0].RunCommand.Script = strings.Repeat("x", 40_000) }, "steps: must be 30000 characters at most in all, not 41172: keep long scripts where they run, and call them"},
	} {
		t.Run(name, func(t *testing.T) {
			task := everyKind()
			c.change(&task)
			problems := task.Check()
			require.Len(t, problems, 1, "%v", problems)
			assert.Equal(t, c.want, problems[0].Error())
		})
	}
}

func FuzzTask(f *testing.F) {
	text, err := json.Marshal(everyKind())
	require.NoError(f, err)
	f.Add(string(text))
	f.Add(`{"steps":[{"powershell":{"where":"container"}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var task rotation.Task
		if json.Unmarshal([]byte(text), &task) != nil {
			return
		}
		full := task.WithDefaults()
		if len(full.Check()) > 0 {
			return
		}
		assert.Equal(t, full, full.WithDefaults())
		for _, s := range full.Steps {
			assert.Equal(t, 1, map[bool]int{true: 1}[s.OnMachine() != nil]+map[bool]int{true: 1}[s.InContainer() != nil]+map[bool]int{true: 1}[s.Runbook != nil])
		}
	})
}
