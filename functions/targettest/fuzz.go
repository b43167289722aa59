package targettest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Fuzz delivers while one of the service's answers is another: of any status, of any
// form, too long, cut off, a page, a repetition of the credential. Whatever it is,
//
//   - the delivery is confirmed, waits, or ends in a Fault whose class fits the status
//     and whose text is one that a person can read;
//   - what could not be written is not confirmed;
//   - the credential is in nothing that is said, and nothing goes to another host;
//   - an answer without end is not read to its end;
//   - what has to be kept of it fits a row.
//
// over returns the place's target over another transport.
func Fuzz(f *testing.F, place Place, over func(http.RoundTripper) rotation.Target) {
	s := &subject{Place: place}
	tape := cloudtest.Record(s.Cloud.Client().Transport)
	d := s.next(f)
	hosts := s.record(f, over(tape), d)
	tape.Seed(f)
	f.Fuzz(func(t *testing.T, n, status int, retryAfter, contentType string, body []byte, endless bool) {
		odd := cloudtest.Odd(status, retryAfter, contentType, body, endless, s.echo(d))
		player := tape.Play(int(uint(n)%uint(tape.Len())), odd)
		s.play(t, over(player), d, player, odd)
		for _, host := range player.Hosts() {
			assert.Contains(t, hosts, host, "nothing goes to another host")
		}
		assert.LessOrEqual(t, player.Read(), int64(17<<20), "of an answer without end")
	})
}

// echo is what a service can repeat of a delivery, spelled as in JSON.
func (s *subject) echo(d rotation.Delivery) string {
	if s.Unsent {
		return ""
	}
	quoted, _ := json.Marshal(d.Credential.Value.Reveal()) // a string has no error
	return strings.Trim(string(quoted), `"`)
}

// record delivers to the end and returns the hosts that were asked.
func (s *subject) record(f *testing.F, target rotation.Target, d rotation.Delivery) map[string]bool {
	f.Helper()
	place := s.Target
	defer func() { s.Target = place }()
	s.Target = target
	s.deliver(f, d)
	hosts := map[string]bool{}
	for _, call := range s.Calls {
		hosts[call.Host] = true
	}
	return hosts
}

// telling is how much of a credential gives too much of it away.
const telling = 12

// mostLooks is how often an unfinished delivery is asked about.
const mostLooks = 4

// play delivers as the engine does.
func (s *subject) play(t *testing.T, target rotation.Target, d rotation.Delivery, player *cloudtest.Player, odd cloudtest.Answer) {
	for ; d.Tries <= mostLooks; d.Tries++ {
		outcome, err := target.Deploy(t.Context(), d)
		said := fmt.Sprintf("%+v %v %#v %s", outcome, err, err, s.Log)
		s.assertSilent(t, said)
		require.NotContains(t, said, d.Credential.Value.Reveal()[:telling], "its beginning")
		require.Less(t, len(outcome.Handle), 4000, "a handle")
		require.GreaterOrEqual(t, outcome.After, time.Duration(0))
		require.LessOrEqual(t, outcome.After, 24*time.Hour)
		if err != nil {
			AssertFault(t, err)
			if player.EndedOdd() {
				AssertClass(t, err, odd)
			}
			require.False(t, outcome.Confirmed)
			return
		}
		if player.OddWrite() && !s.Unsent && refuses(odd.Status) {
			require.False(t, outcome.Confirmed, "what was not written, answered with %d", odd.Status)
		}
		if outcome.Confirmed {
			return
		}
		d.Handle, d.Steps = outcome.Handle, outcome.Steps
	}
}

// refuses reports whether a status says that nothing was written, now or before.
func refuses(status int) bool {
	return status >= http.StatusMultipleChoices && status != http.StatusConflict && status != http.StatusPreconditionFailed
}

// AssertFault asserts that an error says what to do next, and what was wrong in words
// that a person can read.
func AssertFault(t *testing.T, err error) {
	t.Helper()
	var fault *rotation.Fault
	require.ErrorAs(t, err, &fault)
	text := err.Error()
	require.True(t, utf8.ValidString(text), "%q", text)
	require.Less(t, len(text), 4000, text)
	require.GreaterOrEqual(t, len(text), 20, "it says what was wrong: %s", text)
	require.GreaterOrEqual(t, rotation.AfterOf(err), time.Duration(0))
	require.LessOrEqual(t, rotation.AfterOf(err), 24*time.Hour)
}

// AssertClass asserts that an error's class fits the answer that it came of.
func AssertClass(t *testing.T, err error, answer cloudtest.Answer) {
	t.Helper()
	if answer.Endless && rotation.ClassOf(err) == rotation.Transient {
		return // an SDK reads before it looks at the status
	}
	require.Contains(t, classes(answer.Status), rotation.ClassOf(err).String(), "%d: %v", answer.Status, err)
}

// classes are those that an answer's status may have, whatever its body says. An
// answer that may have come after the effect has none that says there was none.
func classes(status int) []string {
	all := []rotation.Class{rotation.Transient, rotation.Permanent, rotation.NotFound, rotation.Conflict, rotation.Denied}
	switch {
	case status == http.StatusTooManyRequests:
		all = []rotation.Class{rotation.Throttled}
	case status == http.StatusRequestTimeout:
		all = []rotation.Class{rotation.Transient}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		all = []rotation.Class{rotation.Denied, rotation.Transient}
	case status >= http.StatusInternalServerError:
		all = []rotation.Class{rotation.Transient, rotation.Throttled}
	}
	var words []string
	for _, class := range all {
		words = append(words, class.String())
	}
	return words
}
