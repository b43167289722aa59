package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// loseTables puts empty tables in the place of those that there are. What messages
// there were goes with them.
func (w *world) loseTables() {
	w.store, w.bus = &memory.Store{}, &memory.Bus{}
	w.Store, w.Bus = w.store, w.bus
}

// said are the lines of one word in the application's log, the newest first.
func (w *world) said(what string) (details []string) {
	w.t.Helper()
	lines, _, err := w.LogEntries(w.t.Context(), engine.LogFilter{AppID: appID}, "", 1000)
	require.NoError(w.t, err)
	for _, line := range lines {
		if line.What == what {
			details = append(details, line.Detail)
		}
	}
	return details
}

// What Entra holds is found by its markers. Nothing is removed before the targets
// have confirmed something newer, and no number comes twice.
func TestTheTablesLostAltogether(t *testing.T) {
	for _, kind := range rotation.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			w.kind = kind
			w.manage(rotation.DefaultPolicy(kind), "kv")
			w.run(time.Minute)
			w.ask(engine.Ask{})
			w.run(time.Minute)
			first, second := w.rotation(1).KeyID, w.rotation(2).KeyID
			names := map[string]bool{}
			for _, d := range w.place.given {
				names[d.Name] = true
			}

			w.loseTables()
			given := len(w.place.given)
			w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) { return rotation.Outcome{After: time.Hour}, nil }
			w.manage(rotation.DefaultPolicy(kind), "kv")
			w.run(72 * time.Hour)
			assert.Contains(t, w.graph.keyIDs(), first, "the target may hold it")
			assert.Contains(t, w.graph.keyIDs(), second, "the target may hold it")
			assert.Equal(t, rotation.Superseded, w.rotation(1).State)
			assert.Equal(t, fmt.Sprintf("its number was used before the tables were lost; %s goes on in its place", w.rotation(103).ID), w.rotation(1).Reason)
			assert.Equal(t, rotation.BySchedule, w.rotation(103).Source)
			require.Len(t, w.said("recollected"), 1)
			assert.Contains(t, w.said("recollected")[0], "key ids "+second+", "+first)
			assert.Len(t, w.state().Ledger, 3)
			assert.False(t, names[w.place.given[given].Name], "no job is named as an earlier one")

			w.place.answer = nil
			w.run(2 * time.Hour)
			assert.Equal(t, rotation.Completed, w.rotation(103).State)
			w.run(26 * time.Hour)
			assert.Equal(t, []string{w.rotation(103).KeyID}, w.graph.keyIDs())
			assert.Len(t, w.stage.copies, 1, "the staged copies go with them")
			assert.Len(t, w.state().Ledger, 1)
		})
	}
}

// A backup brings back tables that know less than Entra. What the target got since
// then stays until it has confirmed something newer.
func TestTablesOfAnOlderBackup(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	backup := w.copyTables()
	w.ask(engine.Ask{})
	w.run(time.Minute)
	held := w.rotation(2).KeyID

	w.loseTables()
	w.restoreTables(backup)
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) { return rotation.Outcome{After: time.Hour}, nil }
	w.ask(engine.Ask{})
	w.run(72 * time.Hour)
	assert.Contains(t, w.graph.keyIDs(), held)
	assert.True(t, w.view().Holding("kv").Unknown)
	w.place.answer = nil
	w.run(30 * time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(103).State)
	assert.Equal(t, []string{w.rotation(103).KeyID}, w.graph.keyIDs())
}

func TestWhatAnotherInstallationMadeIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	for i, name := range []string{"rekey/other/7.1", "rekey/test/7.1x", "rekey/test/07.1", "rekey/test/0.1", "rekey/test/-1.1", "mine"} {
		id := fmt.Sprintf("foreign-%d", i)
		w.graph.passwords[id] = engine.DirectoryCredential{KeyID: id, DisplayName: name, Start: w.now, End: w.now.AddDate(1, 0, 0)}
	}
	w.manage(policy(), "kv")
	w.run(72 * time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Len(t, w.graph.keyIDs(), 7)
	assert.Empty(t, w.said("recollected"))
}

// Who hands a credential over first has the others found with it.
func TestAfterALossAdoptionFindsTheRest(t *testing.T) {
	w := newWorld(t)
	w.graph.passwords["foreign"] = engine.DirectoryCredential{KeyID: "foreign", Start: w.now, End: w.now.AddDate(1, 0, 0)}
	w.graph.passwords["ours"] = engine.DirectoryCredential{KeyID: "ours", DisplayName: "rekey/test/5.2", Start: w.now, End: w.now.AddDate(1, 0, 0)}
	p := policy()
	p.Enabled = false
	w.manage(p, "kv")
	require.NoError(t, w.Adopt(t.Context(), appID, rotation.Secret, "foreign", "somebody"))
	state := w.state()
	assert.Equal(t, "foreign", state.Current)
	assert.Equal(t, 105, state.Generation)
	require.NotNil(t, state.ByKeyID("ours"))
	assert.Equal(t, "rekey-"+appID+"-secret-5-2", state.ByKeyID("ours").Staged)
	require.NoError(t, w.Adopt(t.Context(), appID, rotation.Secret, "ours", "somebody"), "it is known already")
	assert.Len(t, w.state().Ledger, 2)
}

// The head is one row: what does not fit into it is found the next time.
func TestHundredsThatWereLeftBehind(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 300; n++ {
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
		w.graph.passwords[id] = engine.DirectoryCredential{
			KeyID: id, DisplayName: rotation.Marker("test", n, 1), Start: w.now, End: w.now.AddDate(1, 0, 0),
		}
	}
	w.manage(policy(), "kv")
	for range 12 {
		w.run(30 * time.Hour)
		w.ask(engine.Ask{})
	}
	w.run(30 * time.Hour)
	assert.Equal(t, []string{w.state().Current}, w.graph.keyIDs())
}

// copyTables copies every row about the application.
func (w *world) copyTables() (rows []engine.Row) {
	w.t.Helper()
	for table, partition := range map[string]string{engine.TableApplications: w.Tenant, engine.TableRotations: appID} {
		for row, err := range w.store.Query(w.t.Context(), engine.Range{Table: table, Partition: partition}) {
			require.NoError(w.t, err)
			rows = append(rows, row)
		}
	}
	return rows
}

func (w *world) restoreTables(rows []engine.Row) {
	w.t.Helper()
	for _, row := range rows {
		require.NoError(w.t, w.store.Write(w.t.Context(), engine.Change{Op: engine.Insert, Key: row.Key, Properties: row.Properties}))
	}
}
