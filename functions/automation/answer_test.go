package automation_test

import (
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/rekey-dev/rekey/functions/automation"
	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

func (w *world) over(transport http.RoundTripper) rotation.Target {
	return automation.New(automation.Config{
		Tasks: w.tasks, Vaults: vault.New(w.key, cloudtest.Through(transport)), Credential: w.key, Self: []string{w.self.AppID}, StagingVault: "staging",
		ClientOptions: azcore.ClientOptions{Transport: outbound.Straight(transport)}, Now: w.clock.Now,
	})
}

func (w *world) fuzz(f *testing.F, steps ...rotation.TaskStep) {
	f.Helper()
	w.t = f
	targettest.Fuzz(f, targettest.Place{
		Target: w.target, App: w.app, Row: w.with(steps...), Cloud: w.front, Clock: w.clock, Log: &targettest.Log{},
		Issued: func(d rotation.Delivery) { w.bring(d.Credential.Value.Reveal()) }, // as a Key Vault target does
		Calls:  []targettest.Call{{Host: management}, {Host: "safe.vault.azure.net"}},
	}, w.over)
}

// FuzzMachineAnswers runs a command on a machine.
func FuzzMachineAnswers(f *testing.F) {
	w := start(f)
	w.fuzz(f, onWindows(w, "one", "param($NewSecret)"))
}

// FuzzContainerAnswers runs a script in a container.
func FuzzContainerAnswers(f *testing.F) {
	w := start(f)
	w.fuzz(f, inContainer(w, "one", "param($NewSecret)"))
}

// FuzzJobAnswers runs a runbook, which reads the credential in a vault.
func FuzzJobAnswers(f *testing.F) {
	w := start(f)
	w.fuzz(f, asRunbook(w, "one"))
}

// FuzzQuestions checks a target of every kind of step, and offers what tasks are made of.
func FuzzQuestions(f *testing.F) {
	w := start(f)
	w.bring(hush)
	row := w.with(onWindows(w, "one", "param($NewSecret)"), inContainer(w, "two", "param($NewSecret)"), asRunbook(w, "three"))
	targettest.FuzzQuestions(f, targettest.Place{App: w.app, Row: row, Cloud: w.front, Clock: w.clock}, w.over,
		targettest.Choose{Setting: "task"}, targettest.Choose{Setting: "vm"}, targettest.Choose{Setting: "account"},
		targettest.Choose{Setting: "runbook", Chosen: map[string]string{"account": w.account}})
}
