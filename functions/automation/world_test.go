package automation_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/automation"
	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/automation"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/compute"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/deploymentscripts"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

const (
	tenant       = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	subscription = "11111111-2222-4333-8444-555555555555"
	group        = "/subscriptions/" + subscription + "/resourceGroups/rg"
	hush         = `hush~"<&>%+/ very.Secret_Value1`
)

// world is a subscription with a Windows and a Linux machine, an Automation account,
// what containers need, a vault, and rekey with just the roles that it needs.
type world struct {
	t        testing.TB
	clock    *clock.Clock
	front    *cloud.Cloud
	manager  *resourcemanager.Service
	compute  *compute.Service
	jobs     *simulated.Service
	scripts  *deploymentscripts.Service
	keyvault *keyvault.Service
	vaults   *vault.Client
	self     entra.ServicePrincipal
	app      rotation.Application
	tasks    tasks
	key      azcore.TokenCredential // of rekey's identity
	target   *automation.Target

	windows, linux, account, storage, identity, own string

	ran    []ran // every script and runbook that ran, in order
	prints string
	exits  int
}

// ran is one script that ran, with what arrived.
type ran struct {
	where   string
	arrived map[string]string
}

// tasks is what people made.
type tasks map[string]rotation.Task

func (s tasks) Task(_ context.Context, id string) (rotation.Task, string, error) {
	if task, ok := s[id]; ok {
		return task, "etag", nil
	}
	return rotation.Task{}, "", fmt.Errorf("task %q: %w", id, engine.ErrUnknownRecord)
}

func (s tasks) Tasks(context.Context, string, int) (all []rotation.Task, next string, err error) {
	for _, task := range s {
		all = append(all, task)
	}
	return all, "", nil
}

func (w *world) record(where string) func(map[string]string) (string, int) {
	return func(arrived map[string]string) (string, int) {
		w.ran = append(w.ran, ran{where, arrived})
		return w.prints, w.exits
	}
}

// start is a world in which rekey has the roles that the page names.
func start(t testing.TB) *world {
	t.Helper()
	return startAs(t, resourcemanager.Contributor, resourcemanager.KeyVaultSecretsOfficer)
}

// startAs is a world in which rekey has just these roles on the group.
func startAs(t testing.TB, roles ...string) *world {
	t.Helper()
	w := &world{t: t, clock: clock.New(), tasks: tasks{}, prints: "done"}
	w.front = cloudtest.Start(t, w.clock)
	directory := entra.New(w.clock, nil, tenant, entra.Options{})
	w.manager = resourcemanager.New(w.clock, directory, directory, tenant, resourcemanager.Options{Unthrottled: true})
	grid := eventgrid.New(w.clock, directory, w.manager, eventgrid.Options{})
	w.front.Handle("login.microsoftonline.com", directory)
	w.front.Handle("management.azure.com", w.manager)
	w.keyvault = keyvault.New(w.clock, directory, w.manager, grid, keyvault.Options{Unthrottled: true})
	w.front.Handle("*.vault.azure.net", w.keyvault)
	w.seed()
	own, credential := w.signIn(directory, roles)
	w.self, w.key = own, credential
	w.own = w.scripts.AddIdentity(deploymentscripts.Identity{Subscription: subscription, ResourceGroup: "rg", Name: "rekey", ClientID: own.AppID})
	transport := w.front.Client().Transport.(*http.Transport)
	w.vaults = vault.New(credential, transport)
	application := directory.AddApplication(entra.Application{DisplayName: "Web shop"})
	w.app = rotation.Application{AppID: application.AppID, Name: application.DisplayName}
	w.target = automation.New(automation.Config{
		Tasks: w.tasks, Vaults: w.vaults, Credential: credential, Self: []string{own.AppID}, StagingVault: "staging",
		ClientOptions: azcore.ClientOptions{Transport: w.front.Client()}, Now: w.clock.Now,
	})
	return w
}

// seed makes what tasks use.
func (w *world) seed() {
	w.compute = compute.New(w.clock, w.manager, compute.Options{})
	w.jobs = simulated.New(w.clock, w.manager, simulated.Options{})
	w.scripts = deploymentscripts.New(w.clock, w.manager, deploymentscripts.Options{})
	w.scripts.OnRun(w.record("container"))
	w.windows = w.compute.AddMachine(compute.Machine{Subscription: subscription, ResourceGroup: "rg", Name: "web-1", Runs: w.record("windows")})
	w.linux = w.compute.AddMachine(compute.Machine{Subscription: subscription, ResourceGroup: "rg", Name: "db-1", Linux: true, Runs: w.record("linux")})
	w.account = w.jobs.AddAccount(simulated.Account{Subscription: subscription, ResourceGroup: "rg", Name: "operations", WorkerGroups: []string{"office"},
		Runbooks: []simulated.Runbook{
			{Name: "Deliver", Parameters: map[string]bool{"SecretId": true, "Region": false}, Runs: w.record("runbook")},
			{Name: "Draft", State: "New"},
		}})
	w.storage = w.scripts.AddStorageAccount(deploymentscripts.StorageAccount{Subscription: subscription, ResourceGroup: "rg", Name: "scripts"})
	w.identity = w.scripts.AddIdentity(deploymentscripts.Identity{Subscription: subscription, ResourceGroup: "rg", Name: "runner"})
	w.manager.AddVault(resourcemanager.Vault{Name: "safe", Subscription: subscription, ResourceGroup: "rg", RBAC: true})
}

// signIn makes rekey's identity.
func (w *world) signIn(directory *entra.Directory, roles []string) (entra.ServicePrincipal, azcore.TokenCredential) {
	now := w.clock.Now()
	password, text := entra.NewPassword("identity", now, now.AddDate(1, 0, 0))
	own := directory.AddApplication(entra.Application{DisplayName: "rekey", Passwords: []entra.Password{password}})
	credential, err := azidentity.NewClientSecretCredential(tenant, own.AppID, text, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: w.front.Client()},
	})
	require.NoError(w.t, err)
	principal := directory.AddServicePrincipal(entra.ServicePrincipal{AppID: own.AppID})
	for _, role := range roles {
		w.allow(principal, role, group)
	}
	return principal, credential
}

func (w *world) allow(who entra.ServicePrincipal, role, scope string) string {
	return w.manager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: scope, PrincipalID: who.ObjectID, RoleID: role})
}

// with makes a task of steps and a target that names it.
func (w *world) with(steps ...rotation.TaskStep) rotation.TargetRow {
	w.t.Helper()
	task := rotation.Task{ID: "deliver", Name: "Deliver", Steps: steps}.WithDefaults()
	require.Empty(w.t, task.Check())
	w.tasks["deliver"] = task
	return w.row(`{"task":"deliver"}`)
}

func (w *world) row(settings string) rotation.TargetRow {
	w.t.Helper()
	checked, problems := w.target.CheckSettings(w.app, rotation.Secret, json.RawMessage(settings))
	require.Empty(w.t, problems)
	return rotation.TargetRow{ID: "task", Integration: "automation", Kind: rotation.Secret, Enabled: true, Settings: checked}
}

func onWindows(w *world, name, script string) rotation.TaskStep {
	return rotation.TaskStep{Name: name, RunCommand: &rotation.RunCommandStep{VM: w.windows, Script: script}}
}

func inContainer(w *world, name, script string) rotation.TaskStep {
	return rotation.TaskStep{Name: name, PowerShell: &rotation.PowerShellStep{Where: rotation.PlaceContainer, Script: script, Container: &rotation.Container{
		ResourceGroup: group, Location: "westeurope", StorageAccount: w.storage, Identity: w.identity}}}
}

func asRunbook(w *world, name string) rotation.TaskStep {
	return rotation.TaskStep{Name: name, Runbook: &rotation.RunbookStep{Account: w.account, Runbook: "Deliver", Vault: "safe", SecretName: "db"}}
}

// delivery is the first try of a delivery.
func (w *world) delivery(row rotation.TargetRow) rotation.Delivery {
	return rotation.Delivery{
		Application: w.app, TenantID: tenant, Target: row, Name: "rekey-secret-00000001-task-1", Tries: 1,
		Credential: rotation.Credential{Rotation: rotation.ID{AppID: w.app.AppID, Kind: rotation.Secret, Generation: 1}, KeyID: "key-1", Value: secret.New(hush)},
	}
}

// deliver tries as the engine does, until the delivery ends.
func (w *world) deliver(d rotation.Delivery) (outcome rotation.Outcome, err error) {
	w.t.Helper()
	for ; d.Tries < 50; d.Tries++ {
		outcome, err = w.target.Deploy(w.t.Context(), d)
		w.silent(fmt.Sprintf("%+v %v %#v", outcome, err, err))
		if outcome.Confirmed || err != nil {
			return outcome, err
		}
		require.NotEmpty(w.t, outcome.Waiting)
		d.Handle, d.Steps = outcome.Handle, outcome.Steps
		w.clock.Advance(outcome.After)
	}
	require.FailNow(w.t, "the delivery never ended")
	return outcome, err
}

// silent asserts that a text does not have the credential in it.
func (w *world) silent(text string) {
	w.t.Helper()
	inJSON, err := json.Marshal(hush)
	require.NoError(w.t, err)
	require.NotContains(w.t, text, hush)
	require.NotContains(w.t, text, strings.Trim(string(inJSON), `"`))
}

// places are where scripts ran, in order.
func (w *world) places() (all []string) {
	for _, one := range w.ran {
		all = append(all, one.where)
	}
	return all
}

// left is how many run commands and deployment scripts are still there.
func (w *world) left() (n int) {
	for _, m := range w.compute.State().Machines {
		n += len(m.Commands)
	}
	return n + len(w.scripts.State().Scripts)
}

func states(steps []rotation.StepReport) (all []rotation.StepState) {
	for _, s := range steps {
		all = append(all, s.State)
	}
	return all
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// misbehave puts rules in force.
func (w *world) misbehave(rules ...cloud.Fault) {
	w.t.Helper()
	cloudtest.Misbehave(w.t, w.front, rules...)
}

// bring writes the credential to the vault, as a Key Vault target would.
func (w *world) bring(value string) string {
	w.t.Helper()
	version, err := w.vaults.Set(w.t.Context(), "safe", "db", vault.Secret{Value: secret.New(value)})
	require.NoError(w.t, err)
	return version
}

func machineNamed(name string) compute.Machine {
	return compute.Machine{Subscription: subscription, ResourceGroup: "rg", Name: name}
}
