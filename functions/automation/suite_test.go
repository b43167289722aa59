package automation_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rekey-dev/rekey/functions/automation"
	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const management = "management.azure.com"

func TestTheSuiteOfAllTargets(t *testing.T) {
	for name, place := range map[string]func(*world) ([]rotation.TaskStep, []targettest.Call, string){
		"a command on a machine": func(w *world) ([]rotation.TaskStep, []targettest.Call, string) {
			return []rotation.TaskStep{onWindows(w, "config", "param($NewSecret)")}, []targettest.Call{
				{Host: management, Method: "GET", Path: "*/virtualMachines/web-1"},
				{Host: management, Method: "PUT", Path: "*/runCommands/*"},
			}, "NewSecret"
		},
		"a script in a container": func(w *world) ([]rotation.TaskStep, []targettest.Call, string) {
			return []rotation.TaskStep{inContainer(w, "config", "param($NewSecret)")}, []targettest.Call{
				{Host: management, Method: "GET", Path: "*/userAssignedIdentities/runner"},
				{Host: management, Method: "POST", Path: "*/listKeys"},
				{Host: management, Method: "PUT", Path: "*/deploymentScripts/*"},
			}, "REKEY_NewSecret"
		},
	} {
		t.Run(name, func(t *testing.T) {
			targettest.Run(t, func(t *testing.T) targettest.Place {
				w := start(t)
				steps, calls, parameter := place(w)
				return targettest.Place{
					Target: w.target, App: w.app, Row: w.with(steps...), Cloud: w.front, Clock: w.clock, Log: &targettest.Log{},
					Calls: calls, Held: func() []string { return w.held(parameter) },
				}
			})
		})
	}
}

// held is the digest of what a script was given last. A place that a script writes
// to keeps no versions.
func (w *world) held(parameter string) []string {
	if len(w.ran) == 0 {
		return nil
	}
	return []string{sha(w.ran[len(w.ran)-1].arrived[parameter])}
}

// TestTheSuiteForARunbook has a Key Vault target beside it, which a runbook needs.
func TestTheSuiteForARunbook(t *testing.T) {
	targettest.Run(t, func(t *testing.T) targettest.Place {
		w := start(t)
		return targettest.Place{
			Target: &besideVault{Target: w.target, w: w}, App: w.app, Row: w.with(asRunbook(w, "config")), Cloud: w.front, Clock: w.clock, Log: &targettest.Log{},
			Calls: []targettest.Call{{Host: management, Method: "PUT", Path: "*/jobs/*"}}, Held: w.referred,
		}
	})
}

// besideVault brings the credential to the vault before the task runs.
type besideVault struct {
	*automation.Target
	w       *world
	brought string
}

func (b *besideVault) Deploy(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	if value := d.Credential.Value.Reveal(); value != b.brought {
		b.w.bring(value)
		b.brought = value
	}
	return b.Target.Deploy(ctx, d)
}

// referred is the digest of the version that the last runbook was given.
func (w *world) referred() []string {
	if len(w.ran) == 0 {
		return nil
	}
	id := w.ran[len(w.ran)-1].arrived["SecretId"]
	for _, version := range w.keyvault.State().Vaults["safe"].Secrets["db"].Versions {
		if strings.HasSuffix(id, "/"+version.Version) {
			return []string{version.SHA256}
		}
	}
	return []string{"a version that does not exist"}
}
