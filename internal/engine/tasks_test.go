package engine_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func task(id string) rotation.Task {
	return rotation.Task{ID: id, Name: "Deliver", Steps: []rotation.TaskStep{{
		Name: "restart", TimeoutMinutes: 5,
		RunCommand: &rotation.RunCommandStep{VM: "/subscriptions/x", Script: "Restart-Service", Parameters: map[string]string{"Id": "{{clientId}}"}},
	}}}
}

func TestATaskIsReadAsItWasSaved(t *testing.T) {
	w := newWorld(t)
	first, err := w.SaveTask(t.Context(), task("one"), engine.Absent, "test")
	require.NoError(t, err)
	got, etag, err := w.Task(t.Context(), "one")
	require.NoError(t, err)
	assert.Equal(t, task("one"), got)
	assert.Equal(t, first, etag)

	_, err = w.SaveTask(t.Context(), task("one"), engine.Absent, "test")
	require.ErrorIs(t, err, engine.ErrPrecondition)
	changed := task("one")
	changed.Name = "Other"
	second, err := w.SaveTask(t.Context(), changed, first, "test")
	require.NoError(t, err)
	_, err = w.SaveTask(t.Context(), task("one"), first, "test")
	require.ErrorIs(t, err, engine.ErrPrecondition)
	require.ErrorIs(t, w.DeleteTask(t.Context(), "one", first, "test"), engine.ErrPrecondition)
	require.NoError(t, w.DeleteTask(t.Context(), "one", second, "test"))
	_, _, err = w.Task(t.Context(), "one")
	require.ErrorIs(t, err, engine.ErrUnknownRecord)
	require.ErrorIs(t, w.DeleteTask(t.Context(), "one", "", "test"), engine.ErrUnknownRecord)
}

func TestTasksAreListedInPages(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"a", "a-1", "b"} {
		_, err := w.SaveTask(t.Context(), task(id), "", "test")
		require.NoError(t, err)
	}
	page, next, err := w.Tasks(t.Context(), "", 2)
	require.NoError(t, err)
	assert.Equal(t, []rotation.Task{task("a"), task("a-1")}, page)
	page, next, err = w.Tasks(t.Context(), next, 2)
	require.NoError(t, err)
	assert.Equal(t, []rotation.Task{task("b")}, page)
	assert.Empty(t, next)
}

func TestATaskThatIsUsedIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	_, err := w.SaveTask(t.Context(), task("one"), "", "test")
	require.NoError(t, err)
	_, _, err = w.SaveApplication(t.Context(), rotation.Application{AppID: appID, Policies: map[rotation.Kind]rotation.Policy{rotation.Secret: rotation.DefaultPolicy(rotation.Secret)}}, "", "test")
	require.NoError(t, err)
	for id, target := range map[string]rotation.TargetRow{
		"another": {Integration: "automation", Settings: json.RawMessage(`{"task":"two"}`)},
		"no-task": {Integration: "keyvault", Settings: json.RawMessage(`{"task":"one"}`)},
	} {
		target.ID, target.Kind, target.Enabled = id, rotation.Secret, true
		_, err = w.SaveTarget(t.Context(), appID, target, "", "test")
		require.NoError(t, err)
	}
	user := rotation.TargetRow{ID: "run", Integration: "automation", Kind: rotation.Secret, Settings: json.RawMessage(`{"task":"one"}`)}
	_, err = w.SaveTarget(t.Context(), appID, user, "", "test")
	require.NoError(t, err)
	err = w.DeleteTask(t.Context(), "one", "", "test")
	require.ErrorIs(t, err, engine.ErrRefused)
	assert.EqualError(t, err, `refused: task "one" is used by `+appID+`/run; delete those targets first, or let them name another task`)
	require.NoError(t, w.DeleteTarget(t.Context(), appID, "run", "", "test"))
	require.NoError(t, w.DeleteTask(t.Context(), "one", "", "test"))
}
