package targettest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func testConfirmed(t *testing.T, s *subject) {
	for range 3 {
		d := s.next(t)
		s.deliver(t, d)
		s.assertHeld(t, d)
	}
}

func testPrepared(t *testing.T, s *subject) {
	preparer, ok := s.Target.(rotation.Preparer)
	if !ok {
		return // the target needs no preparation
	}
	for range 3 {
		require.NoError(t, preparer.Prepare(t.Context(), s.App, s.Row))
	}
	d := s.next(t)
	s.deliver(t, d)
	s.assertHeld(t, d)
}

func testRepeated(t *testing.T, s *subject) {
	s.deliver(t, s.next(t))
	d := s.next(t)
	first := s.deliver(t, d)
	for d.Tries = 2; d.Tries < 5; d.Tries++ {
		assert.Equal(t, first.Receipt, s.deliver(t, d).Receipt)
		s.assertHeld(t, d)
	}
}

func testLostAnswer(t *testing.T, s *subject) {
	for _, call := range s.Calls {
		d := s.next(t)
		s.faults(t, call.fault(cloud.Fault{Lose: true, Count: new(1)}))
		_ = s.refused(t, d, rotation.Transient, "the answer is lost of "+call.String())
		d.Tries = 2
		s.deliver(t, d)
		s.assertHeld(t, d)
	}
}

func testCut(t *testing.T, s *subject) {
	for _, call := range s.Calls {
		d := s.next(t)
		s.faults(t, call.fault(cloud.Fault{Cut: true}))
		_ = s.refused(t, d, rotation.Transient, "the connection is cut of "+call.String())
		s.faults(t)
		d.Tries = 2
		s.deliver(t, d)
		s.assertHeld(t, d)
	}
}

// statuses are those that a client has to expect from anybody.
var statuses = map[int]rotation.Class{
	400: rotation.Permanent,
	401: rotation.Denied,
	403: rotation.Denied,
	404: rotation.NotFound,
	405: rotation.Permanent,
	408: rotation.Transient,
	409: rotation.Conflict,
	413: rotation.Permanent,
	429: rotation.Throttled,
	500: rotation.Transient,
	502: rotation.Transient,
	503: rotation.Transient,
	504: rotation.Transient,
}

func testStatuses(t *testing.T, s *subject) {
	for _, call := range s.Calls {
		for status, class := range statuses {
			if other, ok := s.Classes[status]; ok {
				class = other
			}
			d := s.next(t)
			s.faults(t, call.fault(cloud.Fault{Status: status, RetryAfter: retryAfter(status)}))
			err := s.refused(t, d, class, fmt.Sprintf("%d for %s", status, call))
			if class == rotation.Throttled {
				assert.Equal(t, 7*time.Second, rotation.AfterOf(err))
			}
			s.faults(t)
			d.Tries = 2
			s.deliver(t, d)
			s.assertHeld(t, d)
		}
	}
}

func retryAfter(status int) *json.Number {
	if status != 429 {
		return nil
	}
	return new(json.Number("7"))
}

func testNonsense(t *testing.T, s *subject) {
	for _, call := range s.Calls {
		for what, answer := range map[string]cloud.Fault{
			"a page instead of JSON":         {Status: 200, Body: json.RawMessage(`"<html>sign in</html>"`)},
			"an empty object":                {Status: 200, Body: json.RawMessage(`{}`)},
			"null":                           {Status: 200, Body: json.RawMessage(`null`)},
			"a list":                         {Status: 200, Body: json.RawMessage(`[]`)},
			"a gateway's page":               {Status: 502, Body: json.RawMessage(`"<html>bad gateway</html>"`)},
			"an error of another form":       {Status: 503, Body: json.RawMessage(`{"error":"busy"}`)},
			"an error that is only a string": {Status: 500, Body: json.RawMessage(`"busy"`)},
		} {
			d := s.next(t)
			s.faults(t, call.fault(answer))
			class := rotation.Transient
			if s.Meaning != nil {
				if other, ok := s.Meaning(call, what); ok {
					class = other
				}
			}
			_ = s.refused(t, d, class, what+" for "+call.String())
			s.faults(t)
			d.Tries = 2
			s.deliver(t, d)
			s.assertHeld(t, d)
		}
	}
}

func testEndedContext(t *testing.T, s *subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := s.next(t)
	outcome, err := s.Target.Deploy(ctx, d)
	require.Error(t, err)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	assert.False(t, outcome.Confirmed)
	d.Tries = 2
	s.deliver(t, d)
	s.assertHeld(t, d)
}

func testUnreadableSettings(t *testing.T, s *subject) {
	held := s.Held()
	for _, settings := range []string{``, `[]`, `{}`, `{"no such setting":1}`} {
		d := s.next(t)
		d.Target.Settings = json.RawMessage(settings)
		_ = s.refused(t, d, rotation.Permanent, "settings "+settings)
		if preparer, ok := s.Target.(rotation.Preparer); ok {
			err := preparer.Prepare(t.Context(), s.App, d.Target)
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err), settings)
		}
	}
	assert.Equal(t, held, s.Held())
}

// testEcho has the place repeat what it was sent in its refusals, as some do.
func testEcho(t *testing.T, s *subject) {
	for _, call := range s.Calls {
		for status := range statuses {
			d := s.next(t)
			message, err := json.Marshal("invalid value: " + d.Credential.Value.Reveal())
			require.NoError(t, err)
			body := fmt.Sprintf(`{"error":{"code":"Invalid","message":%s,"details":[{"message":%s}]},"message":%[1]s}`, message, message)
			s.faults(t, call.fault(cloud.Fault{Status: status, Body: json.RawMessage(body)}))
			_, err = s.Target.Deploy(t.Context(), d)
			require.Error(t, err)
			s.assertSilent(t, fmt.Sprintf("%v %+v %#v", err, err, err))
		}
	}
}
