package engine_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// put writes properties into a row, as somebody does who edits a table.
func (w *world) put(table, partition, row string, properties map[string]any) {
	w.t.Helper()
	require.NoError(w.t, w.store.Write(w.t.Context(), engine.Change{
		Op: engine.Put, Key: engine.Key{Table: table, Partition: partition, Row: row}, Properties: properties,
	}))
}

// Rows that this code never writes are named and left alone: nothing is done on the
// strength of them, and no message comes back at once because of them.
func TestEditedRowsAreNamedAndLeftAlone(t *testing.T) {
	hasty := rotation.DefaultPolicy(rotation.Secret)
	hasty.Lifetime = 0
	policies, err := json.Marshal(map[rotation.Kind]rotation.Policy{rotation.Secret: hasty})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		table, partition, row, property, value string
		want                                   string
	}{
		"a policy that makes one credential after the other": {engine.TableApplications, "tenant", appID, "policies", string(policies),
			`application "` + appID + `": the row cannot be read: secret policy: threshold: must be shorter than the lifetime of 0s: a credential would be due before it starts`},
		"a policy that is none": {engine.TableApplications, "tenant", appID, "policies", `[]`,
			`application "` + appID + `": row "` + appID + `": the row cannot be read: property "policies": json: cannot unmarshal array into Go value of type map[rotation.Kind]rotation.Policy`},
		"a head that is half of one": {engine.TableRotations, appID, "live.head", "secret", `{"ledger":[`,
			`application "` + appID + `": row "live.head": the row cannot be read: property "secret": unexpected end of JSON input`},
		"a rotation of another number": {engine.TableRotations, appID, "secret.00000001", "id", appID + ".secret.2",
			`rotation "` + appID + `.secret.1": row "secret.00000001": the row cannot be read: it is about "secret.00000002", not "secret.00000001"`},
		"a deployment to another target": {engine.TableRotations, appID, "secret.00000001.one", "target", "two",
			`rotation "` + appID + `.secret.1": row "secret.00000001.one": the row cannot be read: it is about "secret.00000001.two", not "secret.00000001.one"`},
		"a target of another name": {engine.TableRotations, appID, "live.target.one", "id", "two",
			`application "` + appID + `": row "live.target.one": the row cannot be read: it is about "live.target.two", not "live.target.one"`},
		"a holding of another target": {engine.TableRotations, appID, "live.holding.one", "target", "two",
			`application "` + appID + `": row "live.holding.one": the row cannot be read: it is about "live.holding.two", not "live.holding.one"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.manage(policy(), "one")
			w.run(time.Minute)
			w.put(c.table, c.partition, c.row, map[string]any{c.property: c.value})
			_, err := w.View(t.Context(), appID, w.kind)
			require.EqualError(t, err, c.want)
			require.ErrorIs(t, err, engine.ErrUnreadable)
			assert.NoError(t, w.Advance(t.Context(), "x", rotation.Advance{AppID: appID, Kind: w.kind}))
			assert.NoError(t, w.Deploy(t.Context(), "x", w.place, rotation.Rotated{Rotation: rotation.ID{AppID: appID, Kind: w.kind, Generation: 1}, Target: "one"}))
			assert.Equal(t, 1, w.graph.made)
			assert.Len(t, w.place.given, 1)
		})
	}
}

// A row that was written before there was such a wait lacks it.
func TestAWaitThatARowLacksIsTheUsualOne(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "one")
	old := map[string]any{}
	text, err := json.Marshal(policy())
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &old))
	delete(old, "waits")
	text, err = json.Marshal(map[rotation.Kind]any{rotation.Secret: old})
	require.NoError(t, err)
	w.put(engine.TableApplications, "tenant", appID, map[string]any{"policies": string(text)})
	refusals := 3
	w.graph.verdict = func(rotation.Credential) rotation.Verdict {
		if refusals--; refusals >= 0 {
			return rotation.Verdict{Kind: rotation.NotYet}
		}
		return rotation.Verdict{Kind: rotation.Accepted}
	}
	w.run(time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
}

// The longest pause that the API takes, doubled, is longer than a duration can be.
func TestTheLongestPauseAfterErrorsCanBeDoubled(t *testing.T) {
	w := newWorld(t)
	p := policy()
	p.Waits.RetryAfter, p.Waits.GiveUp = 10_000*24*time.Hour, 10_000*24*time.Hour
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) { return rotation.Outcome{}, errors.New("place: cut") }
	w.manage(p, "one")
	w.run(time.Minute)
	id := rotation.ID{AppID: appID, Kind: w.kind, Generation: 1}
	for n := range 9 {
		w.put(engine.TableRotations, appID, "secret.00000001.one", map[string]any{"nextAt": "", "attempts": int64(n)})
		require.NoError(t, w.Deploy(t.Context(), "x", w.place, rotation.Rotated{Rotation: id, Target: "one"}))
	}
}

func TestACountOfLooksBelowZeroIsNone(t *testing.T) {
	w := newWorld(t)
	w.graph.failAdd = func() (bool, error) { return false, errors.New("cut") }
	w.manage(policy())
	w.run(3 * time.Minute)
	state := w.state()
	require.NotEmpty(t, state.Ledger)
	for i := range state.Ledger {
		state.Ledger[i].Looks = -1
	}
	text, err := json.Marshal(state)
	require.NoError(t, err)
	w.put(engine.TableRotations, appID, "live.head", map[string]any{"secret": string(text)})
	w.graph.failAdd = nil
	w.run(25 * time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
}

// What a service calls its work, and what a script prints, may have any length.
func TestOutcomesOfAnyLengthAreWrittenDown(t *testing.T) {
	long := strings.Repeat("ä\x01", 50_000)
	steps := slices.Repeat([]rotation.StepReport{{Name: "s", State: rotation.StepRunning, Output: long, Detail: long}}, 10)
	for name, c := range map[string]struct {
		outcome rotation.Outcome
		state   rotation.DeploymentState
	}{
		"a receipt":        {rotation.Outcome{Confirmed: true, Receipt: long}, rotation.DeploymentConfirmed},
		"what is awaited":  {rotation.Outcome{Handle: "h", After: time.Hour, Waiting: long}, rotation.DeploymentRunning},
		"reports of steps": {rotation.Outcome{Handle: "h", After: time.Hour, Steps: steps}, rotation.DeploymentRunning},
		"a handle":         {rotation.Outcome{Handle: long, After: time.Hour}, rotation.DeploymentFailed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) { return c.outcome, nil }
			w.manage(policy(), "one")
			w.run(time.Minute)
			d, known := w.view().Deployment("one")
			require.True(t, known)
			assert.Equal(t, c.state, d.State)
			assert.Len(t, d.Steps, len(c.outcome.Steps))
		})
	}
}
