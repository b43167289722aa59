package automation_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// TestAForgedHandleStopsNothingOfOthers: a handle is a text in a row, and what it names
// is stopped and deleted with rekey's permissions.
func TestAForgedHandleStopsNothingOfOthers(t *testing.T) {
	w := start(t)
	victim := w.delivery(w.with(onWindows(w, "one", "x")))
	outcome, err := w.target.Deploy(t.Context(), victim)
	require.NoError(t, err)
	var position map[string]any
	require.NoError(t, json.Unmarshal([]byte(outcome.Handle), &position))
	others, _ := position["r"].(string)
	require.NotEmpty(t, others)
	for name, resource := range map[string]string{
		"another delivery's command": others,
		"any run command":            w.windows + "/runCommands/backup",
		"any deployment script":      "/subscriptions/" + cloudtest.Subscription + "/resourceGroups/rg/providers/Microsoft.Resources/deploymentScripts/theirs",
		"any job":                    w.account + "/jobs/11111111-1111-4111-8111-111111111111",
		"a machine":                  w.windows,
		"a machine, in disguise":     w.windows + "/runCommands/../../" + "web-1",
		"another host":               "@elsewhere.example/runCommands/x",
		"a query":                    w.windows + "?/runCommands/x",
	} {
		t.Run(name, func(t *testing.T) {
			d := victim
			d.Name = "rekey-secret.00000009-forged-1"
			position["r"] = resource
			handle, err := json.Marshal(position)
			require.NoError(t, err)
			d.Handle = string(handle)
			cloudtest.Face(t, w.front, http.MethodGet, "/sim/calls?reset=true", "", nil)
			err = w.target.Stop(t.Context(), d)
			require.ErrorContains(t, err, "is not one of this target")
			position["t"] = "another task"
			_, err = w.target.Deploy(t.Context(), d)
			require.ErrorContains(t, err, "is not one of this target")
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
			var seen struct{ Total int }
			cloudtest.Face(t, w.front, http.MethodGet, "/sim/calls", "", &seen)
			assert.Zero(t, seen.Total)
			assert.Equal(t, 1, w.left())
		})
	}
}

// TestAForgedTaskNamesNothingElse: what a task's row names becomes a part of paths.
func TestAForgedTaskNamesNothingElse(t *testing.T) {
	for name, vm := range map[string]string{
		"nothing":        "",
		"another type":   "/subscriptions/" + cloudtest.Subscription + "/resourceGroups/rg/providers/Microsoft.Sql/servers/db",
		"dots":           "/subscriptions/" + cloudtest.Subscription + "/resourceGroups/../providers/Microsoft.Compute/virtualMachines/web-1",
		"another host":   "@elsewhere.example/subscriptions/x",
		"a query":        "/subscriptions/x?y",
		"an escape":      "/subscriptions/" + cloudtest.Subscription + "/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/%2e%2e",
		"a line's break": "/subscriptions/" + cloudtest.Subscription + "/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-1\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			d := w.delivery(w.with(onWindows(w, "one", "x")))
			w.tasks["deliver"].Steps[0].RunCommand.VM = vm
			cloudtest.Face(t, w.front, http.MethodGet, "/sim/calls?reset=true", "", nil)
			_, err := w.target.Deploy(t.Context(), d)
			assert.ErrorContains(t, err, `automation: task "deliver" is not one: steps[0].runCommand.vm: must be the resource id of one`)
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
			var seen struct{ Total int }
			cloudtest.Face(t, w.front, http.MethodGet, "/sim/calls", "", &seen)
			assert.Zero(t, seen.Total)
		})
	}
}

func TestRunbooksAreListedOfAnAccountAlone(t *testing.T) {
	w := start(t)
	for _, account := range []string{w.windows, w.account + "/../../..", w.account + "/jobs/x", "//elsewhere.example/automationAccounts/x", "/automationAccounts/x"} {
		_, err := w.target.Choices(t.Context(), "runbook", map[string]string{"account": account})
		assert.Equal(t, rotation.Problem{Field: "account", Detail: "must be chosen first"}, err, account)
	}
}
