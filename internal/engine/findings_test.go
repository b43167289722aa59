package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func finding(appID, subject string) rotation.Finding {
	return rotation.Finding{
		Check: "targets", AppID: appID, Subject: subject, Severity: rotation.SeverityError,
		Finding: "it is gone", Remedy: "make it", Since: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	}
}

func TestFindingsAreReadByWhomTheyConcern(t *testing.T) {
	w := newWorld(t)
	all := []rotation.Finding{finding("0a", "one"), finding("0a", "two"), finding("0b", "one"), finding("0c", ""), finding("", "rotated/vercel")}
	for _, f := range all {
		_, err := w.KeepFinding(t.Context(), engine.KeptFinding{Finding: f})
		require.NoError(t, err)
	}
	texts := func(kept []engine.KeptFinding, err error) (names []string) {
		t.Helper()
		require.NoError(t, err)
		for _, k := range kept {
			names = append(names, k.AppID+"/"+k.Subject)
		}
		return names
	}
	assert.Equal(t, []string{"0a/one", "0a/two"}, texts(w.FindingsOf(t.Context(), "0a")))
	assert.Equal(t, []string{"/rotated/vercel"}, texts(w.FindingsOf(t.Context(), "")))
	assert.Equal(t, []string{"0a/one", "0a/two", "0b/one"}, texts(w.FindingsBetween(t.Context(), "", "0b")))
	assert.Equal(t, []string{"0b/one", "0c/"}, texts(w.FindingsBetween(t.Context(), "0a", "")))
	page, next, err := w.Findings(t.Context(), "", 3)
	require.NoError(t, err)
	assert.Len(t, page, 3)
	rest, next, err := w.Findings(t.Context(), next, 3)
	require.NoError(t, err)
	assert.Equal(t, all[3:4], rest, "those of the installation are not among them")
	assert.Empty(t, next)
}

// TestOneAloneKeepsAndDrops has two who look at the same time find out who was first:
// that one writes the line.
func TestOneAloneKeepsAndDrops(t *testing.T) {
	w := newWorld(t)
	k := engine.KeptFinding{Finding: finding(appID, "one")}
	etag, err := w.KeepFinding(t.Context(), k)
	require.NoError(t, err)
	_, err = w.KeepFinding(t.Context(), k)
	require.ErrorIs(t, err, engine.ErrConflict)
	k.ETag, k.Told = etag, true
	_, err = w.KeepFinding(t.Context(), k)
	require.NoError(t, err)
	_, err = w.KeepFinding(t.Context(), k)
	require.ErrorIs(t, err, engine.ErrConflict, "the ETag is an old one")
	require.NoError(t, w.DropFinding(t.Context(), k.Finding))
	require.ErrorIs(t, w.DropFinding(t.Context(), k.Finding), engine.ErrConflict)
}

func TestTheRoundGoesOnWhereItStopped(t *testing.T) {
	w := newWorld(t)
	at, err := w.DoctorAt(t.Context())
	require.NoError(t, err)
	assert.Empty(t, at)
	require.NoError(t, w.SetDoctorAt(t.Context(), appID))
	at, err = w.DoctorAt(t.Context())
	require.NoError(t, err)
	assert.Equal(t, appID, at)
}

// FuzzFindings edits a row of the findings, and the place of the round.
func FuzzFindings(f *testing.F) {
	f.Add("severity", "error", true)
	f.Add("severity", "grave", true)
	f.Add("since", "yesterday", true)
	f.Add("told", "yes", true)
	f.Add("appId", "other", true)
	f.Add("at", "zzz", false)
	f.Fuzz(func(t *testing.T, property, text string, ofFinding bool) {
		w := newWorld(t)
		require.NoError(t, w.SetDoctorAt(t.Context(), appID))
		k := engine.KeptFinding{Finding: finding(appID, "one")}
		_, err := w.KeepFinding(t.Context(), k)
		require.NoError(t, err)
		row := "~doctor"
		if ofFinding {
			row = appID + "|targets|one"
		}
		change := engine.Change{Op: engine.Put, Key: engine.Key{Table: engine.TableFindings, Partition: "tenant", Row: row}, Properties: map[string]any{property: text}}
		if w.store.Write(t.Context(), change) != nil {
			return // no table would hold it
		}
		kept, err := w.FindingsOf(t.Context(), appID)
		if err == nil {
			require.Len(t, kept, 1)
			assert.Equal(t, appID, kept[0].AppID)
			assert.Contains(t, []rotation.Severity{rotation.SeverityError, rotation.SeverityWarning}, kept[0].Severity)
		}
		_, _, _ = w.Findings(t.Context(), "", 10)
		at, err := w.DoctorAt(t.Context())
		require.NoError(t, err)
		assert.Less(t, at, "installation")
	})
}
