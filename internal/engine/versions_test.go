package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// rows are an application's rows whose keys have the prefix, as they stand.
func (w *world) rows(table, partition, prefix string) (rows []engine.Row) {
	w.t.Helper()
	for row, err := range w.store.Query(w.t.Context(), engine.Range{Table: table, Partition: partition, From: prefix, To: prefix + "~"}) {
		require.NoError(w.t, err)
		rows = append(rows, row)
	}
	return rows
}

// change changes properties of a row as another version of the code would.
func (w *world) change(row string, properties map[string]any) {
	w.t.Helper()
	key := engine.Key{Table: engine.TableRotations, Partition: appID, Row: row}
	require.NoError(w.t, w.store.Write(w.t.Context(), engine.Change{Op: engine.Put, Key: key, Properties: properties}))
}

// Whichever row a newer version has changed, its application stays as it is, no
// message fails, and it is looked at until this version can read it again.
func TestARowOfANewerSchemaIsLeftAlone(t *testing.T) {
	for name, row := range map[string]string{
		"the head": "live.head", "a target": "live.target.kv", "a holding": "live.holding.kv",
		"a rotation": "secret.00000002", "a deployment": "secret.00000002.kv",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := policy()
			p.Lifetime = 48 * time.Hour
			w.manage(p, "kv")
			w.run(time.Minute)
			w.ask(engine.Ask{})
			w.run(time.Minute)
			w.change(row, map[string]any{"schema": int64(2)})
			before := w.rows(engine.TableRotations, appID, "")

			w.run(48 * time.Hour)
			assert.Equal(t, before, w.rows(engine.TableRotations, appID, ""))
			assert.Equal(t, []string{"key-1", "key-2"}, w.graph.keyIDs(), "nothing is made or removed")
			_, err := w.Ask(t.Context(), engine.Ask{AppID: appID, Kind: rotation.Secret})
			require.ErrorIs(t, err, engine.ErrNewerSchema)

			w.change(row, map[string]any{"schema": int64(1)})
			w.run(10 * time.Minute)
			assert.Equal(t, rotation.Completed, w.rotation(3).State)
			w.run(26 * time.Hour)
			assert.Equal(t, []string{"key-3"}, w.graph.keyIDs())
		})
	}
}

// An older deployment may be read for the first time while a newer one is under way.
func TestAnOlderDeploymentOfANewerSchemaHoldsTheNewOneBack(t *testing.T) {
	for name, change := range map[string]map[string]any{
		"a newer schema":   {"schema": int64(2)},
		"an unknown state": {"state": "parked"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) {
				return rotation.Outcome{Handle: "job", After: time.Hour}, nil
			}
			w.manage(policy(), "kv")
			w.run(time.Minute)
			w.ask(engine.Ask{})
			w.change("secret.00000001.kv", change)
			w.place.answer = nil
			w.run(6 * time.Hour)
			assert.Equal(t, []string{"key-1"}, w.place.keyIDs(), "whether the older one has ended is not known")

			w.change("secret.00000001.kv", map[string]any{"schema": int64(1), "state": "running"})
			w.run(time.Hour)
			assert.Equal(t, rotation.Completed, w.rotation(2).State)
		})
	}
}

func TestAnUnknownStateIsLeftAlone(t *testing.T) {
	for name, row := range map[string]string{
		"of the rotation in flight": "secret.00000003", "of the current rotation": "secret.00000002", "of a deployment": "secret.00000002.kv",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.manage(policy(), "kv")
			w.run(time.Minute)
			w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) {
				return rotation.Outcome{After: 10 * time.Minute}, nil
			}
			w.ask(engine.Ask{})
			w.run(time.Minute)
			asked := w.ask(engine.Ask{})
			known := w.rows(engine.TableRotations, appID, row)[0].Properties["state"]
			w.change(row, map[string]any{"state": "parked"})
			before := w.rows(engine.TableRotations, appID, "secret.")

			w.place.answer = nil
			w.run(72 * time.Hour)
			assert.Equal(t, before, w.rows(engine.TableRotations, appID, "secret."))
			assert.Equal(t, []string{"key-1", "key-2"}, w.graph.keyIDs())
			assert.LessOrEqual(t, len(w.rows(engine.TableSchedule, w.shard(), "")), 4, "wake-ups fall into one")
			if row == "secret.00000003" {
				_, err := w.Cancel(t.Context(), asked.ID, "somebody")
				require.ErrorIs(t, err, engine.ErrRefused)
				_, err = w.Ask(t.Context(), engine.Ask{AppID: appID, Kind: rotation.Secret, Emergency: true})
				require.ErrorIs(t, err, engine.ErrRefused)
			}

			w.change(row, map[string]any{"state": known})
			w.run(30 * time.Hour)
			assert.Equal(t, rotation.Completed, w.rotation(3).State)
			assert.Equal(t, []string{"key-3"}, w.graph.keyIDs())
		})
	}
}

// What a newer version has added stays where this one writes.
func TestAMergeDropsNothing(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) {
		return rotation.Outcome{After: 10 * time.Minute}, nil
	}
	w.ask(engine.Ask{})
	w.run(time.Minute)
	rows := []string{"live.head", "live.target.kv", "live.holding.kv", "secret.00000002", "secret.00000002.kv"}
	for _, row := range rows {
		w.change(row, map[string]any{"added": "by a newer version"})
	}
	w.place.answer = nil
	w.target("kv", `{"changed":true}`, true)
	w.run(30 * time.Hour)
	require.Equal(t, []string{"key-2"}, w.graph.keyIDs(), "every one of them was written")
	for _, row := range rows {
		assert.Equal(t, "by a newer version", w.rows(engine.TableRotations, appID, row)[0].Properties["added"], row)
	}
}

// A row that lacks what this version has added reads as if it were empty there.
func TestRowsOfAnOlderVersionAreRead(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	for _, row := range w.rows(engine.TableRotations, appID, "") {
		for name := range row.Properties {
			switch name {
			case "schema", "head", "outbox", "steps", "waiting", "failingSince", "prepared", "preparedAt", "windows", "goneSince":
				delete(row.Properties, name)
			}
		}
		require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Delete, Key: row.Key}))
		require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Insert, Key: row.Key, Properties: row.Properties}))
	}
	w.ask(engine.Ask{})
	w.run(30 * time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(2).State)
	assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
}

// The schedule's keys say what is to be woken: a newer version may say more.
func TestAWakeUpOfANewerVersionIsKept(t *testing.T) {
	w := newWorld(t)
	key := engine.Key{Table: engine.TableSchedule, Partition: "07", Row: "2026-03-01T00:00:30.000Z|" + appID + "|passkey|more"}
	require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Insert, Key: key, Properties: map[string]any{"schema": int64(2), "added": "x"}}))
	unreadable := engine.Key{Table: engine.TableSchedule, Partition: "07", Row: "2026-03-01T00:00:40.000Z|" + appID}
	require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Insert, Key: unreadable, Properties: map[string]any{"schema": int64(1)}}))
	w.run(time.Hour)
	rows := w.rows(engine.TableSchedule, "07", "")
	require.Len(t, rows, 1, "what is of this version and says nothing goes")
	assert.True(t, strings.HasSuffix(rows[0].Row, "|"+appID+"|passkey|more"), rows[0].Row)
	assert.Equal(t, "x", rows[0].Properties["added"])
	assert.Zero(t, w.calls, "and nobody is woken for it")
}
