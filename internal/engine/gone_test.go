package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Somebody deletes the application while an old credential waits for its end, or an
// attempt to be found. It may come back within 30 days, as it was.
func TestAnApplicationDeletedUnderUs(t *testing.T) {
	for name, begun := range map[string]func(*world){
		"while an old credential is in its overlap": func(w *world) {
			w.ask(engine.Ask{})
			w.run(time.Minute)
			require.Len(w.t, w.graph.passwords, 2)
		},
		"while an attempt's outcome is unknown": func(w *world) {
			w.graph.failAdd = func() (bool, error) { return false, errors.New("graph: the connection was cut") }
			asked := w.ask(engine.Ask{})
			w.run(10 * time.Second)
			_, err := w.Cancel(w.t.Context(), asked.ID, "somebody")
			require.NoError(w.t, err)
			w.graph.failAdd = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.manage(policy(), "kv")
			w.run(time.Minute)
			begun(w)
			w.graph.gone = true
			w.run(30 * time.Hour)
			lines, calls := len(w.rows(engine.TableRotations, appID, "log.")), w.calls
			w.run(10 * 24 * time.Hour)
			assert.LessOrEqual(t, len(w.rows(engine.TableRotations, appID, "log."))-lines, 11, "a line a day at most")
			assert.LessOrEqual(t, w.calls-calls, 45, "it is looked at daily")

			w.graph.gone = false
			w.run(50 * time.Hour)
			assert.Equal(t, []string{w.state().Current}, w.graph.keyIDs())
			assert.Len(t, w.state().Ledger, 1)
		})
	}
}

// Who deletes an application from the directory and goes on has its rotations fail
// with that reason, one a day.
func TestADeletedApplicationFailsItsRotationsOnceADay(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	w.graph.gone = true
	w.ask(engine.Ask{})
	w.run(90 * time.Minute)
	assert.Equal(t, rotation.Failed, w.rotation(2).State)
	assert.Equal(t, "application gone: graph: no such application", w.rotation(2).Reason)
	assert.Equal(t, "key-1", w.state().Current)
	w.run(24 * 24 * time.Hour)
	assert.LessOrEqual(t, w.state().Generation, 2+4, "due after 21 days, and then once a day")
}
