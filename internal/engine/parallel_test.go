package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Other programs write to the same application. Graph answers success, and the
// password is lost all the same: it never works, and so nobody gets it.
func TestAPasswordThatAParallelWriteUndidIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	w.graph.verdict = func(c rotation.Credential) rotation.Verdict {
		delete(w.graph.passwords, "key-1")
		if _, exists := w.graph.passwords[c.KeyID]; !exists {
			return rotation.Verdict{Kind: rotation.NotYet, Reason: "AADSTS7000215"}
		}
		return rotation.Verdict{Kind: rotation.Accepted}
	}
	w.manage(policy(), "kv")
	w.run(20 * time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Equal(t, 2, w.rotation(1).Attempt)
	assert.Equal(t, []string{"key-2"}, w.place.keyIDs())
	w.run(time.Hour)
	assert.Len(t, w.state().Ledger, 1, "what was lost is not looked for any more")
	assert.Len(t, w.stage.copies, 1)
}

// Graph refuses writes that collide. They are tried again, and cost no attempt.
func TestWritesThatCollideAreTriedAgain(t *testing.T) {
	for _, kind := range rotation.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			w.kind = kind
			collisions := 0
			collide := func() (bool, error) {
				if collisions++; collisions > 7 {
					return true, nil
				}
				return false, &rotation.Fault{Class: rotation.Conflict, Err: errors.New("graph: concurrent requests")}
			}
			w.graph.failAdd, w.graph.failKeys = collide, collide
			w.manage(rotation.DefaultPolicy(kind), "kv")
			w.run(time.Hour)
			assert.Equal(t, rotation.Completed, w.rotation(1).State)
			assert.Equal(t, 1, w.rotation(1).Attempt)
			assert.Len(t, w.graph.keyIDs(), 1)
		})
	}
}

// While one invocation waits for Graph, others are woken for the same application:
// the lease lets one of them write at a time.
func TestOneInvocationWritesAtATime(t *testing.T) {
	for _, kind := range rotation.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			w.kind = kind
			w.manage(rotation.DefaultPolicy(kind), "kv")
			inside, writes, most := 0, 0, 0
			w.graph.during = func() {
				inside++
				writes++
				most = max(most, inside)
				for range 5 * (2 - min(inside, 2)) {
					assert.NoError(t, w.Advance(t.Context(), w.invocation(), rotation.Advance{AppID: appID, Kind: kind}))
				}
				inside--
			}
			w.run(time.Minute)
			w.ask(engine.Ask{})
			w.run(27 * time.Hour)
			assert.Equal(t, 1, most)
			assert.Equal(t, 3, writes, "two were made and one was removed")
			assert.Equal(t, []string{w.rotation(2).KeyID}, w.graph.keyIDs())
		})
	}
}
