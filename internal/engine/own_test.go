package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const otherID = "22222222-2222-4222-8222-222222222222"

// forge replaces a text in one property of a row, as whoever has the account's key can.
func (w *world) forge(key engine.Key, property, old, forged string) {
	w.t.Helper()
	row, err := w.store.Get(w.t.Context(), key)
	require.NoError(w.t, err)
	text, ok := row.Properties[property].(string)
	require.True(w.t, ok && strings.Contains(text, old), "%v", row.Properties)
	require.NoError(w.t, w.store.Write(w.t.Context(), engine.Change{
		Op: engine.Merge, Key: key, ETag: row.ETag, Properties: map[string]any{property: strings.ReplaceAll(text, old, forged)},
	}))
}

// TestAForgedRowReachesNoOtherApplication: the staging vault has the credentials of
// every application, and what an application's rows name of it must be its own.
func TestAForgedRowReachesNoOtherApplication(t *testing.T) {
	stolen := "rekey-" + otherID + "-secret-1-1"
	rows := func(name string) engine.Key {
		return engine.Key{Table: engine.TableRotations, Partition: appID, Row: name}
	}
	for name, forge := range map[string]func(*world){
		"the current credential's copy is another's": func(w *world) {
			w.forge(rows("live.head"), "secret", "rekey-"+appID+"-secret-1-1", stolen)
		},
		"the copy is an access token": func(w *world) {
			w.forge(rows("live.head"), "secret", "rekey-"+appID+"-secret-1-1", "rekey-token-acme")
		},
		"the copy is a certificate's": func(w *world) {
			w.forge(rows("live.head"), "secret", "rekey-"+appID+"-secret", "rekey-"+appID+"-certificate")
		},
		"the head is another's": func(w *world) { w.forge(rows("live.head"), "appId", appID, otherID) },
		"the application is another": func(w *world) {
			w.forge(engine.Key{Table: engine.TableApplications, Partition: "tenant", Row: appID}, "appId", appID, otherID)
		},
		"the rotation is another's": func(w *world) { w.forge(rows("secret.00000001"), "id", appID, otherID) },
		"the deployment is another's": func(w *world) {
			w.forge(rows("secret.00000001.kv"), "rotation", appID, otherID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			busy := errors.New("place: busy")
			w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) { return rotation.Outcome{}, busy }
			w.manage(policy(), "kv")
			w.run(time.Minute)
			require.NotEmpty(t, w.place.given, "the delivery has begun")
			w.stage.copies[stolen] = rotation.Credential{KeyID: "other's", Value: secret.New("value-other's")}
			w.stage.copies["rekey-token-acme"] = rotation.Credential{KeyID: "token", Value: secret.New("value-token")}
			forge(w)
			w.place.given, w.place.answer = nil, nil

			w.run(48 * time.Hour)
			assert.Empty(t, w.place.given)
			assert.Empty(t, w.graph.removed)
			assert.Contains(t, w.stage.copies, stolen)
			assert.Contains(t, w.stage.copies, "rekey-token-acme")
			_, err := w.SaveTarget(t.Context(), appID, rotation.TargetRow{ID: "kv2", Integration: "place", Kind: w.kind, Enabled: true}, "", "test")
			assert.ErrorIs(t, err, engine.ErrForeignRow)
		})
	}
}

// TestAProtectedApplicationIsNeverRotated, whatever stands in its row.
func TestAProtectedApplicationIsNeverRotated(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.Self = []string{appID}
	w.run(48 * time.Hour)
	assert.Zero(t, w.graph.made)
	w.Self = nil
	w.run(time.Hour)
	assert.Equal(t, 1, w.graph.made, "its wake-up is still there")
}

// TestAForgedMessageNamesNothing: messages carry ids only, and what they name is looked
// up. One that names what is not there, or a wake-up of another application, changes
// nothing.
func TestAForgedMessageNamesNothing(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	given := len(w.place.given)
	before := w.dump()
	foreign := wakeUpOf(w)
	own := rotation.ID{AppID: appID, Kind: rotation.Secret, Generation: 1}
	stranger := rotation.ID{AppID: otherID, Kind: rotation.Secret, Generation: 1}
	for name, message := range map[string]rotation.Rotated{
		"of an unknown application":             {Rotation: stranger, Target: "kv", Row: foreign},
		"of an unknown rotation":                {Rotation: rotation.ID{AppID: appID, Kind: rotation.Secret, Generation: 7}, Target: "kv", Row: foreign},
		"of an unknown target":                  {Rotation: own, Target: "elsewhere", Row: foreign},
		"of a target that looks like a row key": {Rotation: own, Target: "../live.head", Row: foreign},
	} {
		require.NoError(t, w.Deploy(t.Context(), w.invocation(), w.place, message), name)
		assert.Equal(t, before, w.dump(), name)
	}
	require.NoError(t, w.Advance(t.Context(), w.invocation(), rotation.Advance{AppID: otherID, Kind: rotation.Secret, Row: foreign}))
	assert.Equal(t, before, w.dump())
	assert.Len(t, w.place.given, given)
	assert.Equal(t, 1, w.graph.made)
}

// wakeUpOf is the wake-up by which the application is looked at again.
func wakeUpOf(w *world) *rotation.WakeUp {
	for _, row := range w.dump() {
		if row.Table == engine.TableSchedule {
			return &rotation.WakeUp{Partition: row.Partition, Row: row.Row}
		}
	}
	require.Fail(w.t, "the application has no wake-up")
	return nil
}

// dump is every row.
func (w *world) dump() (all []engine.Row) {
	partitions := []engine.Range{{Table: engine.TableApplications, Partition: "tenant"}}
	for _, app := range []string{appID, otherID} {
		partitions = append(partitions, engine.Range{Table: engine.TableRotations, Partition: app})
	}
	for n := range 16 {
		partitions = append(partitions, engine.Range{Table: engine.TableSchedule, Partition: string([]byte{byte('0' + n/10), byte('0' + n%10)})})
	}
	for _, within := range partitions {
		for row, err := range w.store.Query(w.t.Context(), within) {
			require.NoError(w.t, err)
			all = append(all, row)
		}
	}
	return all
}
