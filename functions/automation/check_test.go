package automation_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/deploymentscripts"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestATaskThatWouldWorkIsFoundGood(t *testing.T) {
	w := start(t)
	w.bring(hush)
	w.allow(w.self, resourcemanager.Reader, "/subscriptions/"+subscription)
	row := w.with(onWindows(w, "config", "x"), asRunbook(w, "third party"), inContainer(w, "notify", "x"))
	notes, err := w.target.Check(t.Context(), w.app, row)
	require.NoError(t, err)
	assert.Empty(t, notes)
	assert.Empty(t, w.ran)
	assert.Zero(t, w.left())
	assert.Empty(t, w.jobs.State().Accounts[0].Jobs)
}

func TestWhatCannotBeSeenIsNoted(t *testing.T) {
	w := start(t)
	notes, err := w.target.Check(t.Context(), w.app, w.with(onWindows(w, "config", "x"), asRunbook(w, "third party")))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"whether Microsoft.Compute is registered in subscription " + subscription + " cannot be seen",
		`vault "safe" has no secret "db" yet: a Key Vault target of the application has to bring it`,
		"whether Microsoft.Automation is registered in subscription " + subscription + " cannot be seen",
	}, notes)
}

func TestWhyATaskWouldNotWorkIsToldWithARemedy(t *testing.T) {
	for name, c := range map[string]struct {
		make func(*world) rotation.TaskStep
		want string
	}{
		"a machine that is gone": {func(w *world) rotation.TaskStep { w.compute.RemoveMachine(w.windows); return onWindows(w, "one", "x") },
			`step "one": automation: read virtual machine "web-1": 404 ResourceNotFound: The Resource 'Microsoft.Compute/virtualMachines/web-1' under resource group 'rg' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`},
		"a machine that is stopped": {func(w *world) rotation.TaskStep {
			w.compute.SetStopped(w.windows, true)
			return onWindows(w, "one", "x")
		},
			`step "one": automation: virtual machine "web-1" is deallocated; start it`},
		"a shell on Windows": {func(w *world) rotation.TaskStep {
			step := onWindows(w, "one", "x")
			step.RunCommand.Shell = rotation.ShellBash
			return step
		}, `step "one": automation: virtual machine "web-1" runs Windows, and the script is for a shell of Linux`},
		"a provider that is not registered": {func(w *world) rotation.TaskStep {
			w.manager.Unregister(subscription, "Microsoft.Compute")
			return onWindows(w, "one", "x")
		}, `step "one": automation: the provider Microsoft.Compute is not registered in subscription ` + subscription + `; az provider register --namespace Microsoft.Compute --subscription ` + subscription},
		"containers that are not registered": {func(w *world) rotation.TaskStep {
			w.manager.Unregister(subscription, "Microsoft.ContainerInstance")
			return inContainer(w, "one", "x")
		}, `step "one": automation: the provider Microsoft.ContainerInstance is not registered in subscription ` + subscription + `; az provider register --namespace Microsoft.ContainerInstance --subscription ` + subscription},
		"shared keys that are blocked": {func(w *world) rotation.TaskStep {
			w.storage = w.scripts.AddStorageAccount(deploymentscripts.StorageAccount{Subscription: subscription, ResourceGroup: "rg", Name: "blocked", KeysBlocked: true})
			return inContainer(w, "one", "x")
		}, `step "one": automation: storage account "blocked" blocks shared keys; the storage account must allow shared keys (allowSharedKeyAccess), which deployment scripts need; name another account, or let the script run on a virtual machine`},
		"rekey's own identity": {func(w *world) rotation.TaskStep { w.identity = w.own; return inContainer(w, "one", "x") },
			`step "one": automation: identity "rekey" is rekey's own; give the script an identity of its own that may do what the script does and nothing else`},
		"a runbook that is not published": {func(w *world) rotation.TaskStep {
			step := asRunbook(w, "one")
			step.Runbook.Runbook = "Draft"
			return step
		}, `step "one": automation: runbook "Draft" cannot be started: it is not published; publish it`},
		"a runbook that does not exist": {func(w *world) rotation.TaskStep {
			step := asRunbook(w, "one")
			step.Runbook.Runbook = "None"
			return step
		}, `step "one": automation: read runbook "None": 404 NotFound: The Runbook was not found.`},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.allow(w.self, resourcemanager.Reader, "/subscriptions/"+subscription)
			_, err := w.target.Check(t.Context(), w.app, w.with(c.make(w)))
			require.EqualError(t, err, c.want)
		})
	}
}

func TestAPermissionThatIsMissingIsToldWithTheCommand(t *testing.T) {
	w := startAs(t, resourcemanager.Reader)
	_, err := w.target.Check(t.Context(), w.app, w.with(onWindows(w, "one", "x")))
	require.EqualError(t, err, `step "one": automation: rekey lacks Microsoft.Compute/virtualMachines/runCommands/write on "web-1"; let rekey's identity do it: az role assignment create --assignee-object-id <rekey's identity> --assignee-principal-type ServicePrincipal --role "Virtual Machine Contributor" --scope `+w.windows)
	assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
	w.allow(w.self, resourcemanager.VirtualMachineContributor, w.windows)
	_, err = w.target.Check(t.Context(), w.app, w.with(onWindows(w, "one", "x")))
	require.NoError(t, err)
	_, err = w.deliver(w.delivery(w.with(onWindows(w, "one", "x"))))
	require.NoError(t, err, "the role is enough")
}

func TestARunbookNeedsNoMoreThanAJobOperator(t *testing.T) {
	w := startAs(t, resourcemanager.KeyVaultSecretsOfficer)
	w.allow(w.self, resourcemanager.AutomationJobOperator, w.account)
	w.bring(hush)
	row := w.with(asRunbook(w, "one"))
	notes, err := w.target.Check(t.Context(), w.app, row)
	require.NoError(t, err)
	assert.Contains(t, notes, `whether runbook "Deliver" exists cannot be seen without the role Automation Operator`)
	_, err = w.deliver(w.delivery(row))
	require.NoError(t, err)
}

func TestADeliveryAsRekeysOwnIdentityIsRefused(t *testing.T) {
	w := start(t)
	w.identity = w.own
	_, err := w.target.Deploy(t.Context(), w.delivery(w.with(inContainer(w, "one", "x"))))
	require.EqualError(t, err, `automation: identity "rekey" is rekey's own; give the script an identity of its own that may do what the script does and nothing else`)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
	assert.Empty(t, w.ran)
}

func TestBlockedKeysAreToldWhereTheyFail(t *testing.T) {
	w := start(t)
	w.storage = w.scripts.AddStorageAccount(deploymentscripts.StorageAccount{Subscription: subscription, ResourceGroup: "rg", Name: "blocked", KeysBlocked: true})
	_, err := w.deliver(w.delivery(w.with(inContainer(w, "one", "x"))))
	require.ErrorContains(t, err, "KeyBasedAuthenticationNotPermitted: the storage account must allow shared keys")
	assert.Zero(t, w.left())
}

func TestATaskThatDoesNotExistIsNamed(t *testing.T) {
	w := start(t)
	row := w.row(`{"task":"none"}`)
	_, err := w.target.Check(t.Context(), w.app, row)
	require.EqualError(t, err, `automation: there is no task "none"; make the task, or let the target name another one`)
	_, err = w.target.Deploy(t.Context(), w.delivery(row))
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
}

func TestNoRunbookReadsTheStagingVault(t *testing.T) {
	w := start(t)
	step := asRunbook(w, "one")
	step.Runbook.Vault = "Staging"
	_, err := w.target.Check(t.Context(), w.app, w.with(step))
	require.EqualError(t, err, `automation: task "deliver" names the staging vault "staging", which holds the credentials of every application; name the vault of a Key Vault target in it`)
}

func TestSettingsAreChecked(t *testing.T) {
	w := start(t)
	for settings, want := range map[string]string{
		`{}`:                                "task: must be the id of a task",
		`{"task":"No Task"}`:                "task: must be the id of a task",
		`{"task":"a","vm":"x"}`:             ": must be an object with the settings task, a text, and parameters, an object of texts",
		`{"task":"a","parameters":{"b":1}}`: ": must be an object with the settings task, a text, and parameters, an object of texts",
		`{"task":"a","parameters":{"NewSecret":"x"}}`:  "parameters.NewSecret: is given by rekey itself",
		`{"task":"a","parameters":{"b":"{{secret}}"}}`: "parameters.b: {{secret}} is not a placeholder: those are {{credential}}, {{clientId}}, {{tenantId}} and {{keyId}}",
	} {
		_, problems := w.target.CheckSettings(w.app, rotation.Secret, json.RawMessage(settings))
		require.Len(t, problems, 1, settings)
		assert.Equal(t, want, problems[0].Error())
	}
	checked, problems := w.target.CheckSettings(w.app, rotation.Certificate, json.RawMessage(`{"task":"a","parameters":null}`))
	assert.Empty(t, problems)
	assert.JSONEq(t, `{"task":"a"}`, string(checked))
}

func TestWhatCanBeChosen(t *testing.T) {
	w := start(t)
	w.with(onWindows(w, "one", "x"))
	w.compute.SetStopped(w.linux, true)
	for setting, want := range map[string][]rotation.Choice{
		"task":    {{Value: "deliver", Name: "Deliver"}},
		"vm":      {{Value: w.linux, Name: "db-1", Unusable: "it is deallocated"}, {Value: w.windows, Name: "web-1"}},
		"account": {{Value: w.account, Name: "operations"}},
		"runbook": {{Value: "Deliver", Name: "Deliver"}, {Value: "Draft", Name: "Draft", Unusable: "it is not published"}},
	} {
		choices, err := w.target.Choices(t.Context(), setting, map[string]string{"account": w.account})
		require.NoError(t, err, setting)
		assert.Equal(t, want, choices)
	}
	_, err := w.target.Choices(t.Context(), "runbook", nil)
	assert.Equal(t, rotation.Problem{Field: "account", Detail: "must be chosen first"}, err)
	_, err = w.target.Choices(t.Context(), "script", nil)
	assert.Equal(t, rotation.Problem{Field: "script", Detail: "has no choices: those that have are task, vm, account and runbook"}, err)
}

func TestALongListIsReadToItsEnd(t *testing.T) {
	w := start(t)
	for range 120 {
		w.compute.AddMachine(machineNamed("many"))
	}
	choices, err := w.target.Choices(t.Context(), "vm", nil)
	require.NoError(t, err)
	assert.Len(t, choices, 122)
}
