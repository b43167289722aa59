package engine_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// certificates is a world that rotates certificates, in which somebody else has
// one as well.
func certificates(t *testing.T) *world {
	w := newWorld(t)
	w.kind = rotation.Certificate
	w.graph.keys = []engine.DirectoryCredential{{
		KeyID: "foreign", DisplayName: "SAML", Usage: "Sign", Identifier: []byte{1, 2}, Certificate: []byte("public part"),
		End: w.now.AddDate(1, 0, 0),
	}}
	return w
}

func certificatePolicy() rotation.Policy { return rotation.DefaultPolicy(rotation.Certificate) }

func TestACertificateIsMadeProvenDeliveredAndRetired(t *testing.T) {
	w := certificates(t)
	w.manage(certificatePolicy(), "kv")
	w.run(time.Minute)
	first := w.rotation(1)
	require.Equal(t, rotation.Completed, first.State, first.Reason)
	pair, err := certificate.Parse(w.place.given[0].Credential.Value)
	require.NoError(t, err)
	assert.Equal(t, "CN=App", pair.Certificate.Subject.String())
	ours := w.graph.keys[1]
	assert.Equal(t, pair.Certificate.Raw, ours.Certificate)
	assert.Equal(t, "rekey/test/1.1", ours.DisplayName)
	assert.Equal(t, "Verify", ours.Usage)
	assert.False(t, pair.Certificate.NotAfter.Before(ours.End), "Graph takes no end after the certificate's own")
	assert.Equal(t, 5*time.Minute, ours.Start.Sub(pair.Certificate.NotBefore), "for clocks that differ")

	w.ask(engine.Ask{})
	w.run(48 * time.Hour)
	require.Equal(t, rotation.Completed, w.rotation(2).State)
	assert.ElementsMatch(t, []string{"foreign", w.rotation(2).KeyID}, w.graph.keyIDs())
	assert.Equal(t, []byte{1, 2}, w.graph.keys[0].Identifier, "what is not ours goes back as it came")
	assert.Len(t, w.stage.copies, 1)
}

func TestItIsStagedBeforeEntraHearsOfIt(t *testing.T) {
	w := certificates(t)
	w.graph.failKeys = func() (bool, error) {
		assert.Len(t, w.stage.copies, 1)
		return true, nil
	}
	w.manage(certificatePolicy(), "kv")
	w.run(time.Minute)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
}

func TestALostAnswerIsFoundAgainAndNothingIsMadeTwice(t *testing.T) {
	w := certificates(t)
	lost := 0
	w.graph.failKeys = func() (bool, error) {
		if lost++; lost == 1 {
			return true, errors.New("the connection was cut")
		}
		return true, nil
	}
	w.manage(certificatePolicy(), "kv")
	w.run(5 * time.Minute)
	r := w.rotation(1)
	require.Equal(t, rotation.Completed, r.State, r.Reason)
	assert.Equal(t, 1, r.Attempt, "the attempt goes on")
	assert.Len(t, w.graph.keys, 2)
	assert.Equal(t, 1, lost, "and nothing is sent again")
}

// Graph answers from replicas: one that lags would have us send a list without
// what was added last.
func TestAReadThatLacksWhatWeKnowChangesNothing(t *testing.T) {
	w := certificates(t)
	w.manage(certificatePolicy(), "kv")
	w.run(time.Minute)
	require.Equal(t, rotation.Completed, w.rotation(1).State)
	stale, n := w.graph.keys[:1], 0
	w.graph.reads = func() []engine.DirectoryCredential {
		if n++; n <= 2 { // not twice the same, some time apart
			return slices.Clone(stale[:2-n])
		}
		return slices.Clone(w.graph.keys)
	}
	w.ask(engine.Ask{})
	w.run(time.Minute)
	require.Equal(t, rotation.Completed, w.rotation(2).State)
	assert.ElementsMatch(t, []string{"foreign", w.rotation(1).KeyID, w.rotation(2).KeyID}, w.graph.keyIDs())
}

// Somebody may really have removed a certificate: two reads that agree are believed.
func TestTwoReadsThatAgreeAreBelieved(t *testing.T) {
	w := certificates(t)
	w.manage(certificatePolicy(), "kv")
	w.run(time.Minute)
	w.graph.keys = w.graph.keys[1:] // the foreign one goes
	w.ask(engine.Ask{})
	w.run(time.Minute)
	require.Equal(t, rotation.Completed, w.rotation(2).State)
	assert.ElementsMatch(t, []string{w.rotation(1).KeyID, w.rotation(2).KeyID}, w.graph.keyIDs())
}

func TestALostCertificateRaisesAnAlarmAndIsNotPutBack(t *testing.T) {
	w := certificates(t)
	w.graph.failKeys = func() (bool, error) { return true, nil }
	w.manage(certificatePolicy(), "kv")
	// Another program writes a list of its own at the same moment: ours and its.
	w.graph.reads = func() []engine.DirectoryCredential {
		if len(w.graph.keys) > 1 {
			w.graph.keys = slices.DeleteFunc(w.graph.keys, func(k engine.DirectoryCredential) bool { return k.KeyID == "foreign" })
		}
		return slices.Clone(w.graph.keys)
	}
	w.run(time.Minute)
	require.Equal(t, rotation.Completed, w.rotation(1).State)
	assert.Equal(t, []string{w.rotation(1).KeyID}, w.graph.keyIDs())
	lines, _, err := w.LogEntries(t.Context(), engine.LogFilter{AppID: appID}, "", 100)
	require.NoError(t, err)
	alarms := slices.DeleteFunc(lines, func(l rotation.LogEntry) bool { return l.What != "lost" })
	require.Len(t, alarms, 1)
	assert.True(t, alarms[0].Failure)
	assert.Contains(t, alarms[0].Detail, "key id foreign")
	assert.Contains(t, alarms[0].Detail, base64.StdEncoding.EncodeToString([]byte("public part")))
}

func TestWhatACancelledAttemptStagedIsRemoved(t *testing.T) {
	w := certificates(t)
	w.graph.failKeys = func() (bool, error) {
		return false, &rotation.Fault{Class: rotation.Throttled, After: time.Hour, Err: errors.New("graph: too many requests")}
	}
	w.manage(certificatePolicy(), "kv")
	w.run(time.Minute)
	require.Len(t, w.stage.copies, 1)
	p := certificatePolicy()
	p.Enabled = false
	w.manage(p)
	_, err := w.Cancel(t.Context(), w.rotation(1).ID, "somebody")
	require.NoError(t, err)
	w.run(30 * time.Hour)
	assert.Empty(t, w.stage.copies)
	assert.Empty(t, w.state().Ledger)
	assert.Equal(t, []string{"foreign"}, w.graph.keyIDs())
}

func TestBothKindsRotateAtOnce(t *testing.T) {
	w := certificates(t)
	app := rotation.Application{AppID: appID, Policies: map[rotation.Kind]rotation.Policy{
		rotation.Certificate: certificatePolicy(), rotation.Secret: policy(),
	}}
	_, _, err := w.SaveApplication(t.Context(), app, "", "test")
	require.NoError(t, err)
	for _, w.kind = range rotation.Kinds() {
		w.target("kv-"+string(w.kind), `{}`, true)
	}
	w.run(5 * time.Minute)
	for _, w.kind = range rotation.Kinds() {
		assert.Equal(t, rotation.Completed, w.rotation(1).State, w.kind)
	}
	assert.Len(t, w.graph.passwords, 1)
	assert.Len(t, w.graph.keys, 2)
}

// Somebody else changes the head while an invocation gives its lease back: the
// lease must not stay taken until it runs out.
func TestALostRaceLeavesNoLease(t *testing.T) {
	w := certificates(t)
	w.manage(certificatePolicy(), "kv")
	raced := false
	w.graph.reads = func() []engine.DirectoryCredential {
		if len(w.graph.keys) == 2 && !raced {
			raced = true
			_, err := w.Ask(t.Context(), engine.Ask{AppID: appID, Kind: w.kind, Source: rotation.ByPerson, IdempotencyKey: "once"})
			require.NoError(t, err)
			return slices.Clone(w.graph.keys[:1]) // a slow replica: come back in five seconds
		}
		return slices.Clone(w.graph.keys)
	}
	w.run(20 * time.Second)
	assert.True(t, raced)
	assert.Equal(t, rotation.Completed, w.rotation(1).State)
}

// A slow replica still shows a certificate that was removed a moment ago. Sending
// it back would bring it to life again, and nobody would know it any more.
func TestWhatWasRemovedIsNotSentAgain(t *testing.T) {
	w := certificates(t)
	w.manage(certificatePolicy(), "kv")
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(time.Minute)
	w.ask(engine.Ask{})
	w.run(time.Minute)
	first := w.graph.keys[1]
	require.Equal(t, w.rotation(1).KeyID, first.KeyID)
	since := 0
	w.graph.reads = func() []engine.DirectoryCredential {
		shown := slices.Clone(w.graph.keys)
		if !slices.ContainsFunc(shown, func(k engine.DirectoryCredential) bool { return k.KeyID == first.KeyID }) {
			if since++; since == 2 { // the first read after the one that confirmed the removal
				return append(shown, first)
			}
		}
		return shown
	}
	w.run(27 * time.Hour)
	assert.Greater(t, since, 2)
	assert.ElementsMatch(t, []string{"foreign", w.rotation(3).KeyID}, w.graph.keyIDs())
	assert.Len(t, w.state().Ledger, 1)
}

// Somebody may change what is staged. It is of no use then, and Entra has not heard
// of it: the next attempt makes another.
func TestAStagedCertificateThatCannotBeReadIsMadeAnew(t *testing.T) {
	w := certificates(t)
	w.graph.failKeys = func() (bool, error) {
		return false, &rotation.Fault{Class: rotation.Throttled, After: time.Minute, Err: errors.New("graph: too many requests")}
	}
	w.manage(certificatePolicy(), "kv")
	w.run(30 * time.Second)
	for name, c := range w.stage.copies {
		c.Value = secret.New("no certificate")
		w.stage.copies[name] = c
	}
	w.graph.failKeys = nil
	w.run(5 * time.Minute)
	r := w.rotation(1)
	assert.Equal(t, rotation.Completed, r.State, r.Reason)
	assert.Equal(t, 2, r.Attempt)
	w.run(30 * time.Hour)
	assert.Len(t, w.stage.copies, 1, "the unreadable one is gone")
	assert.Len(t, w.state().Ledger, 1)
}
