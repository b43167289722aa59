package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// last is the newest line of the log.
func (w *world) last() rotation.LogEntry {
	w.t.Helper()
	lines, _, err := w.LogEntries(w.t.Context(), engine.LogFilter{}, "", 1)
	require.NoError(w.t, err)
	require.Len(w.t, lines, 1)
	return lines[0]
}

func (w *world) saveApplication(app rotation.Application) {
	w.t.Helper()
	_, _, err := w.SaveApplication(w.t.Context(), app, "", "somebody")
	require.NoError(w.t, err)
}

func TestTheLogSaysWhatAPersonChanged(t *testing.T) {
	w := newWorld(t)
	app := rotation.Application{AppID: appID, Policies: map[rotation.Kind]rotation.Policy{rotation.Secret: policy()}}
	says := func(what, detail string) {
		t.Helper()
		line := w.last()
		assert.Equal(t, []string{what, detail, "somebody"}, []string{line.What, line.Detail, line.Actor})
		w.now = w.now.Add(time.Second)
	}
	w.saveApplication(app)
	says("configured", "managed from now on: secret added")

	p := policy()
	p.Lifetime, p.Overlap, p.Waits.CreateAttempts, p.OnNearExpiry = 30*24*time.Hour, 90*time.Minute, 7, rotation.NearExpiryCheckDue
	app.Policies = map[rotation.Kind]rotation.Policy{rotation.Secret: p}
	app.Windows = rotation.Windows{{From: "22:00", To: "23:00", TimeZone: "Europe/Berlin"}}
	w.saveApplication(app)
	says("configured", `secret.lifetime from 21 to 30 days; secret.overlap from 1500 to 90 minutes; secret.onNearExpiry from "" to "checkDue"; secret.waits.createAttempts from 5 to 7; windows changed`)
	w.saveApplication(app)
	says("configured", "nothing changed")

	target := rotation.TargetRow{ID: "one", Integration: "place", Kind: rotation.Secret, Enabled: true, Settings: []byte(`{"vault":"a","name":"n"}`)}
	save := func() {
		t.Helper()
		_, err := w.SaveTarget(t.Context(), appID, target, "", "somebody")
		require.NoError(t, err)
	}
	save()
	says("target", "added")
	target.Settings, target.Enabled = []byte(`{"vault":"b","extra":1}`), false
	save()
	says("target", "enabled from true to false; settings.extra changed; settings.name changed; settings.vault changed")
	assert.Equal(t, "one", w.wholeLog(engine.LogFilter{What: "target"}, 10)[0].Target)
	require.NoError(t, w.DeleteTarget(t.Context(), appID, "one", "", "somebody"))
	says("target", "deleted")

	require.NoError(t, w.SetEverythingPaused(t.Context(), true, "somebody"))
	says("paused", "all applications")
	require.NoError(t, w.SetEverythingPaused(t.Context(), false, "somebody"))
	says("resumed", "all applications")
	_, _, err := w.SetLogRetention(t.Context(), 30, "", "somebody")
	require.NoError(t, err)
	says("settings", "logRetentionDays from 365 to 30")
}

func TestTheLogSaysWhatIsShared(t *testing.T) {
	w := newWorld(t)
	w.Tokens = &tokens{}
	group := rotation.Group{ID: "acme", Name: "Acme", Team: "team_1", Active: true, Applications: []string{appID}}
	other := "22222222-2222-4222-8222-222222222222"
	save := func(token string) {
		t.Helper()
		_, _, err := w.SaveGroup(t.Context(), group, secret.New(token), "", "somebody")
		require.NoError(t, err)
	}
	says := func(what, detail string) {
		t.Helper()
		line := w.last()
		assert.Equal(t, []string{what, detail, "somebody"}, []string{line.What, line.Detail, line.Actor})
		w.now = w.now.Add(time.Second)
	}
	save("value-token")
	says("group", `group "acme" added for the team "team_1"; with a new access token`)
	group.Active, group.Applications = false, []string{other}
	save("")
	says("group", `group "acme": active from true to false; applications with `+other+` and without `+appID)
	require.NoError(t, w.DeleteGroup(t.Context(), "acme", "", "somebody"))
	says("group", `group "acme" deleted, with its access token`)

	task := rotation.Task{ID: "k", Name: "K", Steps: []rotation.TaskStep{{Name: "s"}}}
	_, err := w.SaveTask(t.Context(), task, "", "somebody")
	require.NoError(t, err)
	says("task", `task "k" added, of 1 steps`)
	task.Steps[0].RunCommand = &rotation.RunCommandStep{Script: "do not tell"}
	_, err = w.SaveTask(t.Context(), task, "", "somebody")
	require.NoError(t, err)
	says("task", `task "k": steps changed`)
	require.NoError(t, w.DeleteTask(t.Context(), "k", "", "somebody"))
	says("task", `task "k" deleted`)
}

func TestTheRetentionIsKeptWhenEverythingIsPaused(t *testing.T) {
	w := newWorld(t)
	_, etag, err := w.SetLogRetention(t.Context(), 30, engine.Absent, "somebody")
	require.NoError(t, err)
	require.NoError(t, w.SetEverythingPaused(t.Context(), true, "somebody"))
	all, newTag, err := w.EverythingTagged(t.Context())
	require.NoError(t, err)
	assert.Equal(t, engine.Everything{Paused: true, LogRetentionDays: 30}, all)
	assert.NotEqual(t, etag, newTag)
	_, _, err = w.SetLogRetention(t.Context(), 40, etag, "somebody")
	require.ErrorIs(t, err, engine.ErrPrecondition)
	_, _, err = w.SetLogRetention(t.Context(), 29, "", "somebody")
	require.EqualError(t, err, "invalid; logRetentionDays: must be from 30 to 3650")
}
