package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// A row that somebody edited is an error, and never an answer.
func TestEditedRowsOfNoticesAreErrors(t *testing.T) {
	w := newWorld(t)
	event := rotation.Event{ID: "e", Type: rotation.EventFailed, Time: w.now, AppID: appID}
	_, err := w.SaveNotice(t.Context(), event, engine.Notice{Rule: "r", State: engine.NoticeSent}, "")
	require.NoError(t, err)
	require.NoError(t, w.SaveTrouble(t.Context(), event, engine.Trouble{Cause: "c", At: w.now}))
	for _, partition := range []string{w.now.Format(time.DateOnly), "troubles"} {
		for _, row := range w.rows(engine.TableNotices, partition, "") {
			change := engine.Change{Op: engine.Put, Key: row.Key, Properties: map[string]any{"since": "yesterday", "at": "yesterday"}}
			require.NoError(t, w.store.Write(t.Context(), change))
		}
	}
	_, _, err = w.Notice(t.Context(), "r", event)
	require.ErrorIs(t, err, engine.ErrUnreadable)
	_, err = w.Trouble(t.Context(), event)
	require.ErrorIs(t, err, engine.ErrUnreadable)
}

// Of several that want to tell the same thing, one does.
func TestANoticeIsClaimedOnce(t *testing.T) {
	w := newWorld(t)
	event := rotation.Event{ID: "e", Time: w.now}
	claim := engine.Notice{Rule: "r", State: engine.NoticeSending}
	etag, err := w.SaveNotice(t.Context(), event, claim, "")
	require.NoError(t, err)
	_, err = w.SaveNotice(t.Context(), event, claim, "")
	require.ErrorIs(t, err, engine.ErrConflict)
	claim.State = engine.NoticeSent
	_, err = w.SaveNotice(t.Context(), event, claim, etag)
	require.NoError(t, err)
	_, err = w.SaveNotice(t.Context(), event, claim, etag)
	require.ErrorIs(t, err, engine.ErrConflict)
	_, known, err := w.Notice(t.Context(), "another", event)
	require.NoError(t, err)
	assert.Empty(t, known)
}
