package automation_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestAStepThatWasBegunIsNotBegunAgain(t *testing.T) {
	for name, c := range map[string]struct {
		step func(*world) rotation.TaskStep
		path string
	}{
		"a command":   {func(w *world) rotation.TaskStep { return onWindows(w, "one", "param($NewSecret)") }, "*/runCommands/*"},
		"a container": {func(w *world) rotation.TaskStep { return inContainer(w, "one", "param($NewSecret)") }, "*/deploymentScripts/*"},
		"a runbook":   {func(w *world) rotation.TaskStep { return asRunbook(w, "one") }, "*/jobs/*"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.bring(hush)
			d := w.delivery(w.with(c.step(w), onWindows(w, "two", "x")))
			w.misbehave(cloud.Fault{Host: management, Method: "PUT", Path: c.path, Lose: true, Count: new(1)})
			_, err := w.target.Deploy(t.Context(), d)
			require.Error(t, err)
			assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
			d.Tries = 2 // and without a handle, as after a crash
			_, err = w.deliver(d)
			require.NoError(t, err)
			assert.Len(t, w.ran, 2, "%v", w.places())
		})
	}
}

func TestEveryCallMayFailOnce(t *testing.T) {
	for _, call := range []string{
		"GET */virtualMachines/web-1", "PUT */runCommands/*", "GET */runCommands/*", "DELETE */runCommands/*",
		"PUT */jobs/*", "GET */jobs/*", "GET */output",
		"GET */userAssignedIdentities/*", "POST */listKeys", "PUT */deploymentScripts/*", "GET */deploymentScripts/*", "GET */logs/default", "DELETE */deploymentScripts/*",
	} {
		for how, fault := range map[string]cloud.Fault{"cut": {Cut: true}, "lost": {Lose: true}, "refused": {Status: 503}} {
			t.Run(call+" is "+how, func(t *testing.T) {
				w := start(t)
				w.bring(hush)
				d := w.delivery(w.with(onWindows(w, "one", "param($NewSecret)"), asRunbook(w, "two"), inContainer(w, "three", "param($NewSecret)")))
				fault.Host, fault.Count = management, new(1)
				fault.Method, fault.Path, _ = strings.Cut(call, " ")
				w.misbehave(fault)
				failed := 0
				for ; d.Tries < 60; d.Tries++ {
					outcome, err := w.target.Deploy(t.Context(), d)
					if outcome.Confirmed {
						break
					}
					if err != nil {
						failed++
						require.Equal(t, rotation.Transient, rotation.ClassOf(err), err.Error())
						d.Steps = outcome.Steps
						continue
					}
					d.Handle, d.Steps = outcome.Handle, outcome.Steps
					w.clock.Advance(outcome.After)
				}
				assert.Equal(t, 1, failed)
				assert.Equal(t, []string{"windows", "runbook", "container"}, w.places())
				assert.Zero(t, w.left())
			})
		}
	}
}

func TestARunCommandThatMayNotBeDeletedFailsNothing(t *testing.T) {
	w := start(t)
	w.misbehave(cloud.Fault{Host: management, Method: "DELETE", Status: 403, Code: "AuthorizationFailed"})
	outcome, err := w.deliver(w.delivery(w.with(onWindows(w, "one", "x"))))
	require.NoError(t, err)
	assert.Equal(t, rotation.StepSucceeded, outcome.Steps[0].State)
	assert.Contains(t, outcome.Steps[0].Detail, "its run command could not be deleted: automation: delete run command")
}

func TestWhatIsGoneWhileItRanIsNotBegunAgain(t *testing.T) {
	w := start(t)
	d := w.delivery(w.with(onWindows(w, "one", "x")))
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	w.compute.RemoveMachine(w.windows)
	d.Handle, d.Steps, d.Tries = outcome.Handle, outcome.Steps, 2
	_, err = w.target.Deploy(t.Context(), d)
	require.EqualError(t, err, `automation: step "one": it was deleted while it ran, and nobody knows how far it came`)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
}

func TestATaskThatChangesOnTheWayFailsTheDelivery(t *testing.T) {
	w := start(t)
	row := w.with(onWindows(w, "one", "x"))
	d := w.delivery(row)
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	w.with(onWindows(w, "one", "y"))
	d.Handle, d.Steps, d.Tries = outcome.Handle, outcome.Steps, 2
	_, err = w.target.Deploy(t.Context(), d)
	require.EqualError(t, err, `automation: task "deliver" was changed while it ran; resume the delivery: it begins with the first step`)
	assert.Zero(t, w.left(), "what ran is stopped")
}

func TestAStepThatNeverEndsIsStopped(t *testing.T) {
	w := start(t)
	d := w.delivery(w.with(onWindows(w, "one", "x")))
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	w.misbehave(cloud.Fault{Host: management, Method: "GET", Path: "*/runCommands/*", Status: 200,
		Body: json.RawMessage(`{"id":"x","properties":{"instanceView":{"executionState":"Running"}}}`)})
	d.Handle, d.Steps, d.Tries = outcome.Handle, outcome.Steps, 2
	for _, c := range []struct{ elapsed, after time.Duration }{
		{0, 2 * time.Second}, {20 * time.Second, 5 * time.Second}, {time.Minute, 15 * time.Second}, {9 * time.Minute, time.Minute},
	} {
		w.clock.Advance(c.elapsed)
		outcome, err = w.target.Deploy(t.Context(), d)
		require.NoError(t, err)
		assert.Equal(t, c.after, outcome.After)
	}
	w.clock.Advance(35 * time.Minute)
	_, err = w.target.Deploy(t.Context(), d)
	require.EqualError(t, err, `automation: step "one": it did not end within 30m0s, and was stopped`)
	assert.Zero(t, w.left())
}

func TestAnOlderDeliveryIsStopped(t *testing.T) {
	for name, step := range map[string]func(*world) rotation.TaskStep{
		"a command":   func(w *world) rotation.TaskStep { return onWindows(w, "one", "x") },
		"a container": func(w *world) rotation.TaskStep { return inContainer(w, "one", "x") },
		"a runbook":   func(w *world) rotation.TaskStep { w.bring(hush); return asRunbook(w, "one") },
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			d := w.delivery(w.with(step(w)))
			outcome, err := w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			d.Handle, d.Credential.Value = outcome.Handle, w.delivery(d.Target).Credential.Value
			for range 2 {
				require.NoError(t, w.target.Stop(t.Context(), d))
			}
			assert.Zero(t, w.left())
			delete(w.tasks, "deliver")
			require.NoError(t, w.target.Stop(t.Context(), d), "also without its task")
		})
	}
}

func TestAnOlderDeliveryThatLeftNoHandleIsStopped(t *testing.T) {
	w := start(t)
	d := w.delivery(w.with(onWindows(w, "one", "x")))
	_, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, 1, w.left())
	require.NoError(t, w.target.Stop(t.Context(), d))
	assert.Zero(t, w.left())
}

func TestAnOlderDeliverysNextStepIsStoppedToo(t *testing.T) {
	w := start(t)
	d := w.delivery(w.with(onWindows(w, "one", "x"), onWindows(w, "two", "y")))
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	d.Handle, d.Steps, d.Tries = outcome.Handle, outcome.Steps, 2
	outcome, err = w.target.Deploy(t.Context(), d) // the first ended
	require.NoError(t, err)
	d.Handle, d.Steps, d.Tries = outcome.Handle, outcome.Steps, 3
	_, err = w.target.Deploy(t.Context(), d) // the second begins, and the call crashes
	require.NoError(t, err)
	require.Equal(t, 1, w.left())
	require.NoError(t, w.target.Stop(t.Context(), d))
	assert.Zero(t, w.left())
}

func TestTwoApplicationsDoNotShareNames(t *testing.T) {
	w := start(t)
	d := w.delivery(w.with(onWindows(w, "one", "x")))
	_, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	d.Application.AppID = "another"
	_, err = w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.Equal(t, 2, w.left())
}

func TestWhatEndedByItselfNeedsNoStopping(t *testing.T) {
	w := start(t)
	d := w.delivery(w.with(onWindows(w, "one", "x")))
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	d.Handle = outcome.Handle
	w.misbehave(cloud.Fault{Host: management, Method: "DELETE", Status: 403, Code: "AuthorizationFailed"})
	require.NoError(t, w.target.Stop(t.Context(), d))
	w.misbehave(
		cloud.Fault{Host: management, Method: "DELETE", Status: 403, Code: "AuthorizationFailed"},
		cloud.Fault{Host: management, Method: "GET", Path: "*/runCommands/*", Status: 200,
			Body: json.RawMessage(`{"id":"x","properties":{"instanceView":{"executionState":"Running"}}}`)})
	err = w.target.Stop(t.Context(), d)
	require.Error(t, err)
	assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
}
