package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestAnApplicationIsRotatedFromItsFirstDay(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)

	first := w.rotation(1)
	assert.Equal(t, rotation.Completed, first.State)
	assert.Equal(t, rotation.BySchedule, first.Source)
	assert.Equal(t, []string{"key-1"}, w.place.keyIDs())
	assert.Equal(t, "value-1", w.place.given[0].Credential.Value.Reveal())
	assert.Equal(t, []string{"key-1"}, w.graph.keyIDs())

	w.run(20 * 24 * time.Hour)
	assert.Equal(t, 1, w.graph.made, "not due yet")

	w.run(2 * 24 * time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(2).State)
	assert.Equal(t, []string{"key-1", "key-2"}, w.graph.keyIDs(), "the old one stays during the overlap")
	assert.WithinDuration(t, first.PublishedAt.Add(21*24*time.Hour-time.Hour), w.rotation(2).RequestedAt, 2*time.Minute)

	w.run(26 * time.Hour)
	assert.Equal(t, []string{"key-2"}, w.graph.keyIDs(), "the old one goes after the overlap")
	assert.Len(t, w.stage.copies, 1, "its staged copy goes too")
	assert.Empty(t, w.view().Retirements())
	require.Len(t, w.rotation(2).Retired, 1)
	assert.Equal(t, "key-1", w.rotation(2).Retired[0].KeyID)
}

func TestALostAnswerLeavesNoOrphan(t *testing.T) {
	for name, took := range map[string]bool{"the password was made": true, "the password was not made": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			lost := false
			w.graph.failAdd = func() (bool, error) {
				if lost {
					return true, nil
				}
				lost = true
				return took, errors.New("graph: the connection was cut")
			}
			w.manage(policy(), "kv")
			w.run(5 * time.Minute)
			assert.Equal(t, rotation.Completed, w.rotation(1).State)
			assert.Equal(t, 2, w.rotation(1).Attempt)

			w.run(25 * time.Hour)
			assert.Len(t, w.graph.keyIDs(), 1, "what the first attempt made is removed")
			ledger := w.view().Head.Secret.Ledger
			require.Len(t, ledger, 1, "nothing is looked for any more")
			assert.Equal(t, w.graph.keyIDs()[0], ledger[0].KeyID)
		})
	}
}

func TestARefusalIsShownAndTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.graph.failAdd = func() (bool, error) { return false, rotation.Permanently("graph: passwords are forbidden by policy") }
	w.manage(policy(), "kv")
	w.run(time.Minute)

	failed := w.rotation(1)
	assert.Equal(t, rotation.Failed, failed.State)
	assert.Equal(t, "create: graph: passwords are forbidden by policy", failed.Reason)
	assert.Empty(t, w.view().Head.Secret.Ledger, "nothing was made, so nothing is looked for")

	w.graph.failAdd = nil
	w.run(62 * time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(2).State)
}

func TestReplicationIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	ready := w.now.Add(17 * time.Second)
	w.graph.verdict = func(rotation.Credential) rotation.Verdict {
		if w.now.Before(ready) {
			return rotation.Verdict{Kind: rotation.NotYet, Reason: "AADSTS7000215"}
		}
		return rotation.Verdict{Kind: rotation.Accepted}
	}
	w.manage(policy(), "kv")
	w.run(10 * time.Second)
	assert.Equal(t, rotation.Staged, w.rotation(1).State)
	assert.Empty(t, w.place.given, "nobody gets what is not proven")
	w.run(20 * time.Second)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Equal(t, 1, w.graph.made)
}

func TestAnAttemptThatNeverWorksIsGivenUpAndRemoved(t *testing.T) {
	w := newWorld(t)
	w.graph.verdict = func(c rotation.Credential) rotation.Verdict {
		if c.KeyID == "key-1" {
			return rotation.Verdict{Kind: rotation.NotYet, Reason: "AADSTS7000215"}
		}
		return rotation.Verdict{Kind: rotation.Accepted}
	}
	w.manage(policy(), "kv")
	w.run(20 * time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
	assert.Equal(t, []string{"key-2"}, w.place.keyIDs())
}

func TestAFailedTargetKeepsTheOldCredential(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "good", "bad")
	w.run(time.Minute)
	w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
		if d.Target.ID == "bad" {
			return rotation.Outcome{}, rotation.Permanently("place: it is full")
		}
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.ask(engine.Ask{})
	w.run(72 * time.Hour)
	second := w.rotation(2)
	assert.Equal(t, rotation.Incomplete, second.State)
	assert.Equal(t, "failed at bad", second.Reason)
	assert.Equal(t, []string{"key-1", "key-2"}, w.graph.keyIDs(), "the target that failed still uses the old one")

	w.place.answer = nil
	require.NoError(t, w.Resume(t.Context(), second.ID, "bad", "somebody"))
	w.run(time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(2).State)
	assert.Equal(t, 2, w.graph.made, "resuming makes no new credential")
	w.run(27 * time.Hour)
	assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
}

func TestATargetThatIsAddedGetsTheCurrentCredentialAtOnce(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(time.Minute)
	w.target("late", `{}`, true)
	assert.True(t, w.view().Holding("late").Unknown, "it may hold anything until it confirms")
	w.run(time.Minute)
	assert.False(t, w.view().Holding("late").Unknown)
	assert.Equal(t, []string{"key-1", "key-2", "key-2"}, w.place.keyIDs())
	assert.Equal(t, rotation.Completed, w.rotation(2).State)
}

func TestAWaitingDeploymentIsAskedWithItsHandle(t *testing.T) {
	w := newWorld(t)
	w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
		if d.Handle == "" {
			return rotation.Outcome{Handle: "job-1", After: 3 * time.Minute, Steps: []rotation.StepReport{{Name: "one", State: rotation.StepRunning}}}, nil
		}
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.manage(policy(), "job")
	w.run(time.Minute)
	assert.Equal(t, rotation.Published, w.rotation(1).State)
	w.run(5 * time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	require.Len(t, w.place.given, 2)
	assert.Equal(t, "job-1", w.place.given[1].Handle)
	assert.Equal(t, []rotation.StepReport{{Name: "one", State: rotation.StepRunning}}, w.place.given[1].Steps)
	assert.Equal(t, w.place.given[0].Name, w.place.given[1].Name)
}

func TestTransientErrorsAreGivenUpByAge(t *testing.T) {
	w := newWorld(t)
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) {
		return rotation.Outcome{}, errors.New("place: 503")
	}
	w.manage(policy(), "kv")
	w.run(23 * time.Hour)
	assert.Equal(t, rotation.Published, w.rotation(1).State)
	w.run(2 * time.Hour)
	assert.Equal(t, rotation.Incomplete, w.rotation(1).State)
	d, _ := w.view().Deployment("kv")
	assert.Contains(t, d.Reason, "given up after 24h")
	assert.Less(t, len(w.place.given), 200)
}

func TestEmergencies(t *testing.T) {
	t.Run("it supersedes what is not published", func(t *testing.T) {
		w := newWorld(t)
		w.graph.verdict = func(c rotation.Credential) rotation.Verdict {
			return rotation.Verdict{Kind: map[bool]rotation.VerdictKind{true: rotation.NotYet, false: rotation.Accepted}[c.KeyID == "key-1"]}
		}
		w.manage(policy(), "kv")
		w.run(10 * time.Second)
		asked := w.ask(engine.Ask{Emergency: true})
		assert.Equal(t, 2, asked.ID.Generation)
		w.run(time.Minute)
		assert.Equal(t, rotation.Superseded, w.rotation(1).State)
		assert.Equal(t, rotation.Completed, w.rotation(2).State)
		assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
	})
	t.Run("it revokes after a quarter of an hour, confirmed or not", func(t *testing.T) {
		w := newWorld(t)
		w.manage(policy(), "kv")
		w.run(time.Minute)
		w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) { return rotation.Outcome{}, errors.New("down") }
		w.ask(engine.Ask{Emergency: true})
		w.run(14 * time.Minute)
		assert.Equal(t, []string{"key-1", "key-2"}, w.graph.keyIDs())
		w.run(3 * time.Minute)
		assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
	})
	t.Run("revokeNow revokes at publication", func(t *testing.T) {
		w := newWorld(t)
		w.manage(policy(), "kv")
		w.run(time.Minute)
		w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) { return rotation.Outcome{}, errors.New("down") }
		w.ask(engine.Ask{Emergency: true, RevokeNow: true})
		w.run(time.Minute)
		assert.Equal(t, []string{"key-2"}, w.graph.keyIDs())
	})
	t.Run("a second one joins the first and may add revokeNow", func(t *testing.T) {
		w := newWorld(t)
		w.manage(policy(), "kv")
		w.run(time.Minute)
		first := w.ask(engine.Ask{Emergency: true})
		second := w.ask(engine.Ask{Emergency: true, RevokeNow: true})
		assert.Equal(t, first.ID, second.ID)
		assert.True(t, w.rotation(2).RevokeNow)
	})
}

func TestRequests(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	first := w.ask(engine.Ask{IdempotencyKey: "a"})
	assert.Equal(t, first.ID, w.ask(engine.Ask{}).ID, "one in flight: its id")
	assert.Equal(t, first.ID, w.ask(engine.Ask{IdempotencyKey: "b"}).ID)
	w.run(time.Minute)
	assert.Equal(t, first.ID, w.ask(engine.Ask{IdempotencyKey: "a"}).ID, "a repetition finds the first")
	assert.Equal(t, first.ID, w.ask(engine.Ask{IdempotencyKey: "b"}).ID, "also one that joined")
	assert.NotEqual(t, first.ID, w.ask(engine.Ask{IdempotencyKey: "c"}).ID)

	w.Self = []string{appID}
	_, err := w.Ask(t.Context(), engine.Ask{AppID: appID, Kind: rotation.Secret})
	require.ErrorIs(t, err, engine.ErrRefused)
	_, err = w.Ask(t.Context(), engine.Ask{AppID: "other", Kind: rotation.Secret})
	require.ErrorIs(t, err, engine.ErrUnknownApplication)
}

// TestAPasswordThatIsGoneAlreadyIsNoAbsence removes one whose first removal was
// answered to nobody: Graph then knows no such password, and the application well.
func TestAPasswordThatIsGoneAlreadyIsNoAbsence(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	w.ask(engine.Ask{})
	refusals := 1
	w.graph.removal = func() error {
		if refusals--; refusals < 0 {
			return nil
		}
		return &rotation.Fault{Class: rotation.NotFound, Err: errors.New("graph: no password has this key id")}
	}
	w.run(policy().Overlap + 3*time.Minute)
	assert.Len(t, w.view().Head.Secret.Ledger, 1, "it does not wait for an application to come back")
}

func TestCancelRemovesWhatWasMade(t *testing.T) {
	w := newWorld(t)
	w.graph.verdict = func(rotation.Credential) rotation.Verdict { return rotation.Verdict{Kind: rotation.NotYet} }
	w.manage(policy(), "kv")
	w.run(10 * time.Second)
	cancelled, err := w.Cancel(t.Context(), rotation.ID{AppID: appID, Kind: rotation.Secret, Generation: 1}, "somebody")
	require.NoError(t, err)
	assert.Equal(t, rotation.Cancelled, cancelled.State)
	w.run(time.Minute)
	assert.Empty(t, w.graph.keyIDs())
	_, err = w.Cancel(t.Context(), cancelled.ID, "somebody")
	require.NoError(t, err, "twice is once")
}

func TestAdoption(t *testing.T) {
	w := newWorld(t)
	w.graph.passwords["foreign"] = engine.DirectoryCredential{KeyID: "foreign", Start: w.now.Add(-480 * time.Hour), End: w.now.Add(72 * time.Hour)}
	w.graph.passwords["other"] = engine.DirectoryCredential{KeyID: "other", End: w.now.Add(9999 * time.Hour)}
	w.manage(policy(), "kv")
	require.NoError(t, w.Adopt(t.Context(), appID, rotation.Secret, "foreign", "somebody"))
	w.run(time.Minute)
	assert.Zero(t, w.graph.made, "the adopted one is the current one, and not due")
	assert.Empty(t, w.place.given, "it cannot be delivered: nobody knows its value")

	w.run(24 * time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Equal(t, []string{"foreign", "key-1", "other"}, w.graph.keyIDs())
	w.run(26 * time.Hour)
	assert.Equal(t, []string{"key-1", "other"}, w.graph.keyIDs(), "what was not handed over is never touched")

	var invalid *engine.Invalid
	require.ErrorAs(t, w.Adopt(t.Context(), appID, rotation.Secret, "none", "somebody"), &invalid)
	assert.Equal(t, "keyId", invalid.Problems[0].Field)
}

func TestACurrentCredentialThatVanishedIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(time.Minute)
	delete(w.graph.passwords, "key-2")
	w.run(26 * time.Hour)
	assert.Equal(t, rotation.ByMissing, w.rotation(3).Source)
	assert.Equal(t, rotation.Completed, w.rotation(3).State)
	assert.NotContains(t, w.graph.removed, "key-2")
	w.run(26 * time.Hour)
	assert.Equal(t, []string{"key-3"}, w.graph.keyIDs())
}

func TestAnApplicationThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.graph.gone = true
	w.run(2 * time.Hour)
	assert.Equal(t, rotation.Failed, w.rotation(1).State)
	assert.Contains(t, w.rotation(1).Reason, "application gone")
	before := w.calls
	w.run(20 * time.Hour)
	assert.Less(t, w.calls-before, 5, "it is looked at once a day")
}

func TestPauseHoldsBackWhatIsNotAnEmergency(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	require.NoError(t, w.SetPaused(t.Context(), appID, true, "somebody"))
	w.run(30 * 24 * time.Hour)
	assert.Equal(t, 1, w.graph.made)
	_, err := w.Ask(t.Context(), engine.Ask{AppID: appID, Kind: rotation.Secret})
	require.ErrorIs(t, err, engine.ErrRefused)
	w.ask(engine.Ask{Emergency: true})
	w.run(time.Minute)
	assert.Equal(t, 2, w.graph.made)

	require.NoError(t, w.SetPaused(t.Context(), appID, false, "somebody"))
	require.NoError(t, w.SetEverythingPaused(t.Context(), true, "somebody"))
	_, err = w.Ask(t.Context(), engine.Ask{AppID: appID, Kind: rotation.Secret})
	require.ErrorIs(t, err, engine.ErrRefused)
	w.run(30 * 24 * time.Hour)
	made := w.graph.made
	require.NoError(t, w.SetEverythingPaused(t.Context(), false, "somebody"))
	w.run(30 * time.Second)
	assert.Equal(t, made+1, w.graph.made, "what fell due meanwhile is rotated at once")
}

func TestDeletingAnApplicationWithARotationInFlightIsRefused(t *testing.T) {
	w := newWorld(t)
	w.graph.verdict = func(rotation.Credential) rotation.Verdict { return rotation.Verdict{Kind: rotation.NotYet} }
	w.manage(policy(), "kv")
	w.run(10 * time.Second)
	require.ErrorIs(t, w.DeleteApplication(t.Context(), appID, "", "somebody"), engine.ErrRefused)
	w.graph.verdict = nil
	w.run(time.Minute)
	require.NoError(t, w.DeleteApplication(t.Context(), appID, "", "somebody"))
	_, _, err := w.Application(t.Context(), appID)
	require.ErrorIs(t, err, engine.ErrUnknownApplication)
	w.run(30 * 24 * time.Hour)
	assert.Equal(t, []string{"key-1"}, w.graph.keyIDs(), "its credentials stay as they are")
}

func TestMessagesOnlyWake(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	id := rotation.ID{AppID: appID, Kind: rotation.Secret, Generation: 1}
	for range 3 {
		require.NoError(t, w.Advance(t.Context(), w.invocation(), rotation.Advance{AppID: appID, Kind: rotation.Secret}))
		require.NoError(t, w.Deploy(t.Context(), w.invocation(), w.place, rotation.Rotated{Rotation: id, Target: "kv"}))
	}
	require.NoError(t, w.Deploy(t.Context(), w.invocation(), w.place, rotation.Rotated{Rotation: id, Target: "unknown"}))
	require.NoError(t, w.Advance(t.Context(), w.invocation(), rotation.Advance{AppID: "unknown", Kind: rotation.Secret}))
	assert.Equal(t, 1, w.graph.made)
	assert.Len(t, w.place.given, 1, "a confirmed deployment is not repeated")
}

func TestTheScheduleStaysSmall(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "a", "b")
	w.run(100 * 24 * time.Hour)
	rows := 0
	for n := range 16 {
		for _, err := range w.store.Query(t.Context(), engine.Range{Table: engine.TableSchedule, Partition: fmt.Sprintf("%02d", n)}) {
			require.NoError(t, err)
			rows++
		}
	}
	assert.LessOrEqual(t, rows, 2, "wake-ups fall into one")
	assert.LessOrEqual(t, w.calls, 300, "a day without events costs one look")
	assert.Equal(t, 5, w.graph.made)
}

func TestWakeUpsForOneThingThatAreDueTogetherAreSentOnce(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	for n := range 3 {
		row := engine.Key{Table: engine.TableSchedule, Partition: w.shard(), Row: w.now.Add(time.Duration(n)*time.Second).Format("2006-01-02T15:04:05.000Z") + "|" + appID + "|secret"}
		require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Put, Key: row}))
	}
	w.now = w.now.Add(time.Minute)
	sent, err := w.Sweep(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, sent)
}

// shard is the application's partition of the schedule: the one with its wake-up.
func (w *world) shard() string {
	for n := range 16 {
		partition := fmt.Sprintf("%02d", n)
		for range w.store.Query(w.t.Context(), engine.Range{Table: engine.TableSchedule, Partition: partition}) {
			return partition
		}
	}
	require.Fail(w.t, "the application has no wake-up")
	return ""
}

func TestALastingRefusalIsGivenUpByAge(t *testing.T) {
	w := newWorld(t)
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) {
		return rotation.Outcome{}, &rotation.Fault{Class: rotation.Denied, Err: errors.New("place: 403")}
	}
	w.preparer = func() error { return nil }
	w.manage(policy(), "kv")
	w.run(26 * time.Hour)
	assert.Equal(t, rotation.Incomplete, w.rotation(1).State)
	d, _ := w.view().Deployment("kv")
	assert.Contains(t, d.Reason, "place: 403")
}

func TestAGrantIsAskedForOnceForEachDelivery(t *testing.T) {
	w := newWorld(t)
	prepared := 0
	w.preparer = func() error { prepared++; return nil }
	w.manage(policy(), "kv")
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(time.Minute)
	assert.Equal(t, 1, prepared)
	w.target("kv", `{"changed":true}`, true)
	w.run(time.Minute)
	assert.Equal(t, 2, prepared)
	assert.Equal(t, []string{"key-1", "key-2", "key-2"}, w.place.keyIDs())
}

func TestATargetThatIsDeletedAndAddedAgainIsDeliveredAgain(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	require.NoError(t, w.DeleteTarget(t.Context(), appID, "kv", "", "somebody"))
	w.run(time.Minute)
	w.target("kv", `{"elsewhere":true}`, true)
	w.run(time.Minute)
	assert.Equal(t, []string{"key-1", "key-1"}, w.place.keyIDs())
	assert.False(t, w.view().Holding("kv").Unknown)
}

func TestARollbackBringsThePreviousCredentialBack(t *testing.T) {
	for _, kind := range rotation.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			w.kind = kind
			p := rotation.DefaultPolicy(kind)
			p.WideLimits, p.Lifetime, p.Threshold = true, 96*time.Hour, time.Hour
			w.manage(p, "kv")
			w.run(time.Minute)
			w.ask(engine.Ask{})
			w.run(time.Minute)
			first, second := w.rotation(1).KeyID, w.rotation(2).KeyID

			r, err := w.Rollback(t.Context(), appID, kind, "somebody")
			require.NoError(t, err)
			assert.Equal(t, rotation.Staged, r.State)
			w.run(time.Minute)
			assert.Equal(t, rotation.Completed, w.rotation(3).State, w.rotation(3).Reason)
			assert.Equal(t, first, w.state().Current)
			last := w.place.given[len(w.place.given)-1].Credential
			assert.Equal(t, first, last.KeyID)
			assert.Equal(t, 3, last.Rotation.Generation, "tags and names are those of the new generation")

			w.run(48 * time.Hour)
			assert.Equal(t, []string{first}, w.graph.keyIDs())
			assert.NotContains(t, w.graph.keyIDs(), second)
			w.run(96 * time.Hour)
			assert.Equal(t, 3, w.state().Generation, "the schedule would undo it")
			require.NoError(t, w.SetPaused(t.Context(), appID, false, "somebody"))
			w.run(time.Hour)
			assert.Equal(t, 4, w.state().Generation, "until it is resumed")
		})
	}
}

func TestRollbacksThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv")
	w.run(time.Minute)
	back := func() error {
		_, err := w.Rollback(t.Context(), appID, rotation.Secret, "somebody")
		return err
	}
	assert.ErrorContains(t, back(), "no earlier credential of rekey's is left; ask for a rotation instead")
	r := w.ask(engine.Ask{})
	assert.ErrorContains(t, back(), `rotation "`+r.ID.String()+`" is in flight; cancel it or wait for it`)
	w.run(time.Minute)
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) { return rotation.Outcome{After: time.Hour}, nil }
	w.ask(engine.Ask{Emergency: true})
	w.run(time.Minute)
	assert.ErrorContains(t, back(), "is being removed; ask for a rotation instead")
}

// What the target may still hold is the previous credential under its first number.
func TestARollbackRemembersWhoHoldsTheCredential(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "kv", "slow")
	w.run(time.Minute)
	first := w.rotation(1).KeyID
	w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
		if d.Target.ID == "slow" {
			return rotation.Outcome{}, rotation.Permanently("slow: no")
		}
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.ask(engine.Ask{})
	w.run(time.Minute)
	_, err := w.Rollback(t.Context(), appID, rotation.Secret, "somebody")
	require.NoError(t, err)
	w.run(time.Minute)
	require.NoError(t, w.SetPaused(t.Context(), appID, false, "somebody"))
	w.ask(engine.Ask{})
	w.run(96 * time.Hour)
	assert.Contains(t, w.graph.keyIDs(), first, "the slow target holds it")
}

// A window holds the delivery back and not the creation.
func TestAWindowHoldsTheDeliveryBack(t *testing.T) {
	w := newWorld(t)
	w.manage(policy())
	night := rotation.Windows{{From: "22:00", To: "23:00", TimeZone: "UTC"}}
	_, err := w.SaveTarget(t.Context(), appID, rotation.TargetRow{
		ID: "kv", Integration: "place", Kind: rotation.Secret, Enabled: true, Settings: []byte(`{}`), Windows: night,
	}, "", "test")
	require.NoError(t, err)
	w.run(time.Hour)
	assert.Equal(t, rotation.Published, w.rotation(1).State)
	d, _ := w.view().Deployment("kv")
	assert.Equal(t, "waiting for the window until 2026-03-01T22:00:00Z", d.Waiting)
	assert.Empty(t, w.place.given)
	w.run(20*time.Hour + 59*time.Minute)
	assert.Empty(t, w.place.given)
	w.run(2 * time.Minute)
	assert.Len(t, w.place.given, 1)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)

	w.ask(engine.Ask{Emergency: true})
	w.run(90 * time.Minute)
	w.ask(engine.Ask{Emergency: true})
	w.run(time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(3).State, "an emergency waits for no window")
}

// The time in which nothing could be tried does not count.
func TestGivingUpCountsOpenTimeOnly(t *testing.T) {
	w := newWorld(t)
	p := policy()
	p.Waits.GiveUp = 90 * time.Minute
	w.manage(p)
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) {
		return rotation.Outcome{}, fmt.Errorf("out of order")
	}
	_, err := w.SaveTarget(t.Context(), appID, rotation.TargetRow{
		ID: "kv", Integration: "place", Kind: rotation.Secret, Enabled: true, Settings: []byte(`{}`),
		Windows: rotation.Windows{{From: "22:00", To: "23:00", TimeZone: "UTC"}},
	}, "", "test")
	require.NoError(t, err)
	w.run(46 * time.Hour) // 22:00 of the second day
	d, _ := w.view().Deployment("kv")
	assert.False(t, d.State.Ended(), "%s %s", d.State, d.Reason)
	w.run(time.Hour)
	d, _ = w.view().Deployment("kv")
	assert.Equal(t, rotation.DeploymentFailed, d.State)
	assert.Regexp(t, `given up after 1h(3\d|4[0-5])m`, d.Reason, "at the first try after 90 minutes; tries are up to 15 minutes apart")
}

// A place that answers is waited for without end.
func TestAPlaceThatAnswersIsNotGivenUp(t *testing.T) {
	w := newWorld(t)
	p := policy()
	p.Waits.GiveUp = time.Hour
	w.manage(p, "kv")
	tries := 0
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) {
		if tries++; tries%2 == 0 {
			return rotation.Outcome{}, fmt.Errorf("out of order for a moment")
		}
		return rotation.Outcome{Handle: "h", After: 10 * time.Minute, Waiting: "for a deployment"}, nil
	}
	w.run(72 * time.Hour)
	d, _ := w.view().Deployment("kv")
	assert.Equal(t, rotation.DeploymentRunning, d.State, d.Reason)
	w.place.answer = nil
	w.run(time.Hour)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
}

// Each target is brought up to date for itself.
func TestASlowOrBrokenTargetHoldsUpNoOther(t *testing.T) {
	w := newWorld(t)
	w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
		switch d.Target.ID {
		case "broken":
			return rotation.Outcome{}, fmt.Errorf("out of order")
		case "refusing":
			return rotation.Outcome{}, rotation.Permanently("no")
		case "slow":
			return rotation.Outcome{Handle: "h", After: time.Hour}, nil
		}
		return rotation.Outcome{Confirmed: true}, nil
	}
	w.manage(policy(), "broken", "quick", "refusing", "slow")
	w.run(time.Minute)
	states := map[string]rotation.DeploymentState{}
	for _, d := range w.view().Deployments {
		states[d.Target] = d.State
	}
	assert.Equal(t, map[string]rotation.DeploymentState{
		"broken": rotation.DeploymentPending, "quick": rotation.DeploymentConfirmed,
		"refusing": rotation.DeploymentFailed, "slow": rotation.DeploymentRunning,
	}, states)
}
