// Package targettest is the suite that every target passes, over the wire and
// against the simulated cloud: what rotation.Target demands, proved in one place.
//
//   - A delivery is confirmed, and the place then holds the credential.
//   - Deploy is idempotent: repeated, after a lost answer or a cut connection, it
//     writes nothing twice and is confirmed in the end.
//   - Every HTTP status is classified, at every call that a delivery makes, and a
//     place that recovers gets its delivery.
//   - An answer that makes no sense confirms nothing and breaks nothing.
//   - What ends the context ends the call.
//   - The credential is in no error, outcome or log line, in no spelling, even
//     where the place sends it back.
//   - Settings, however they are forged, lead to no other host and out of no path.
//   - All of that holds for a certificate, where the row is of that kind.
//
// A target's package describes its place and calls Run from a test.
package targettest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secretscan"
)

// Place is where a target delivers, ready for a first delivery.
type Place struct {
	Target rotation.Target
	App    rotation.Application
	Row    rotation.TargetRow
	Cloud  *cloud.Cloud
	Clock  *clock.Clock

	// Calls are the calls that a first try makes. The suite makes each one fail.
	Calls []Call
	// Held returns the SHA-256, in hexadecimal, of what the place holds, oldest
	// first. A place that keeps no versions holds one at most.
	Held func() []string
	// Digest returns the SHA-256 of what the place makes of a delivery, if that is
	// not the credential's value.
	Digest func(rotation.Delivery) string
	// Issued is told each credential before it is delivered, where the place proves
	// it to the directory.
	Issued func(rotation.Delivery)
	// Meaning returns the class of an answer that makes no sense elsewhere and does
	// at this place, by its name in the suite; ok is false for all others.
	Meaning func(call Call, answer string) (class rotation.Class, ok bool)
	// Unsent says that no call is given the credential: nobody can repeat it.
	Unsent bool
	// Log is where the target logs.
	Log *Log
	// Classes are those of statuses that mean something else at this place.
	Classes map[int]rotation.Class
}

// Call names one call of a target: cloud.Fault says how the patterns match.
type Call struct{ Host, Method, Path string }

func (c Call) String() string { return c.Method + " " + c.Host + c.Path }

// fault returns how the call is to misbehave.
func (c Call) fault(how cloud.Fault) cloud.Fault {
	how.Host, how.Method, how.Path = c.Host, c.Method, c.Path
	return how
}

// Log keeps what was logged. It may be written and read at the same time.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns everything that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Run runs the suite. start makes a place in a world of its own.
func Run(t *testing.T, start func(t *testing.T) Place) {
	tests := map[string]func(*testing.T, *subject){
		"a delivery is confirmed and held":               testConfirmed,
		"access is prepared any number of times":         testPrepared,
		"a repeated delivery changes nothing":            testRepeated,
		"a lost answer is found again":                   testLostAnswer,
		"a cut connection is transient":                  testCut,
		"every status is classified":                     testStatuses,
		"an answer that makes no sense confirms nothing": testNonsense,
		"an ended context ends the call":                 testEndedContext,
		"settings that cannot be read are permanent":     testUnreadableSettings,
		"a credential that comes back is not repeated":   testEcho,
		"settings lead nowhere else":                     testElsewhere,
	}
	if specsFolder() != "" {
		tests["published errors are understood"] = testPublished
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &subject{Place: start(t)}
			test(t, s)
			s.faults(t)
			s.assertSilent(t, s.Log.String())
		})
	}
}

// subject is a place under test with the credentials that were made for it.
type subject struct {
	Place
	generation int
	secrets    secretscan.Scanner
}

// next returns the first try of a new generation, of the row's kind.
func (s *subject) next(t testing.TB) rotation.Delivery {
	t.Helper()
	s.generation++
	start := s.Clock.Now().Add(-time.Minute).Truncate(time.Second)
	end := start.Add(21 * 24 * time.Hour)
	d := rotation.Delivery{
		Application: s.App, Target: s.Row, Name: fmt.Sprintf("rekey-%s-suite-%d", s.Row.Kind, s.generation), Tries: 1,
		Credential: rotation.Credential{
			Rotation: rotation.ID{AppID: s.App.AppID, Kind: s.Row.Kind, Generation: s.generation}, Attempt: 1,
			KeyID: fmt.Sprintf("00000000-0000-4000-8000-%012d", s.generation),
			Start: start, End: end, Value: s.value(t, start, end),
		},
	}
	if s.Issued != nil {
		s.Issued(d)
	}
	return d
}

const enoughTries = 50

// deliver tries as the engine does, until the delivery is confirmed.
func (s *subject) deliver(t testing.TB, d rotation.Delivery) rotation.Outcome {
	t.Helper()
	for ; d.Tries <= enoughTries; d.Tries++ {
		outcome, err := s.Target.Deploy(t.Context(), d)
		require.NoError(t, err)
		s.assertSilent(t, fmt.Sprintf("%+v", outcome))
		if outcome.Confirmed {
			return outcome
		}
		d.Handle, d.Steps = outcome.Handle, outcome.Steps
		s.Clock.Advance(max(outcome.After, time.Second))
	}
	require.FailNow(t, "the delivery was never confirmed")
	return rotation.Outcome{}
}

// refused makes one try that has to end in an error of a class.
func (s *subject) refused(t *testing.T, d rotation.Delivery, class rotation.Class, why string) error {
	t.Helper()
	outcome, err := s.Target.Deploy(t.Context(), d)
	require.Error(t, err, why)
	assert.Equal(t, class.String(), rotation.ClassOf(err).String(), "%s: %v", why, err)
	assert.False(t, outcome.Confirmed, why)
	s.assertSilent(t, fmt.Sprintf("%v %+v %#v", err, err, outcome))
	return err
}

func (s *subject) digest(d rotation.Delivery) string {
	if s.Digest != nil {
		return s.Digest(d)
	}
	sum := sha256.Sum256([]byte(d.Credential.Value.Reveal()))
	return hex.EncodeToString(sum[:])
}

// assertHeld asserts that the place's newest is the delivery's credential, and
// that it was written once.
func (s *subject) assertHeld(t *testing.T, d rotation.Delivery) {
	t.Helper()
	digest, count := s.digest(d), 0
	held := s.Held()
	for _, one := range held {
		if one == digest {
			count++
		}
	}
	assert.Equal(t, 1, count, "the credential is held once")
	assert.Equal(t, digest, held[len(held)-1], "and is the newest")
}
