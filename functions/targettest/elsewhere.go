package targettest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// tricks are what somebody who can write a row, or save a target, may put where a name
// belongs; {} is what stood there.
var tricks = []string{
	"elsewhere.example", "elsewhere.example#", "elsewhere.example/", "elsewhere.example:443/", "https://elsewhere.example/",
	"//elsewhere.example/", "user@elsewhere.example", "user:word@elsewhere.example/", "{}@elsewhere.example", "@elsewhere.example/{}",
	"169.254.169.254", "[::1]", "2852039166", "localhost.", "{}.", "{}:8443", "{}.elsewhere.example",
	"..", "../..", "{}/../../x", "..%2f..%2fx", "{}%2f..", "{}\\..\\x", "{}?x=y", "{}#x", "{};x", "{}\x00", "{}\r\nHost: elsewhere.example",
	"elsewhere\u3002example", "elsewhere\uff0eexample", "{}\u2044..", "\u212a{}",
}

// testElsewhere puts every trick into every text of the settings. Whatever comes of it,
// nobody is called but those whom deliveries call, and on no path that climbs.
func testElsewhere(t *testing.T, s *subject) {
	known := s.knownHosts(t)
	for _, trick := range tricks {
		for settings := range variations(t, s.Row.Settings, trick) {
			d := s.next(t)
			d.Target.Settings = json.RawMessage(settings)
			s.seenHosts(t)
			_, err := s.Target.Deploy(t.Context(), d)
			if checker, ok := s.Target.(rotation.Checker); ok && err != nil {
				_, _ = checker.Check(t.Context(), s.App, d.Target)
			}
			for _, call := range s.seenHosts(t) {
				assert.Contains(t, known, call.Host, settings)
				assert.NotContains(t, call.Path, "..", settings)
			}
		}
	}
}

// variations are settings of which one text is replaced by a trick.
func variations(t *testing.T, settings json.RawMessage, trick string) map[string]bool {
	t.Helper()
	var fields map[string]any
	require.NoError(t, json.Unmarshal(settings, &fields))
	all := map[string]bool{}
	for name, was := range fields {
		if list, ok := was.([]any); ok && len(list) > 0 {
			if text, ok := list[0].(string); ok {
				fields[name] = []any{strings.ReplaceAll(trick, "{}", text)}
			}
		}
		if text, ok := was.(string); ok {
			fields[name] = strings.ReplaceAll(trick, "{}", text)
		}
		changed, err := json.Marshal(fields)
		require.NoError(t, err)
		all[string(changed)] = true
		fields[name] = was
	}
	return all
}

// knownHosts are those whom a delivery and its check call.
func (s *subject) knownHosts(t *testing.T) map[string]bool {
	t.Helper()
	s.deliver(t, s.next(t))
	if checker, ok := s.Target.(rotation.Checker); ok {
		_, err := checker.Check(t.Context(), s.App, s.Row)
		require.NoError(t, err)
	}
	known := map[string]bool{}
	for _, call := range s.seenHosts(t) {
		known[call.Host] = true
	}
	return known
}

type seenCall struct{ Host, Path string }

// seenHosts are the calls since the last time.
func (s *subject) seenHosts(t *testing.T) []seenCall {
	t.Helper()
	var seen struct{ Calls []seenCall }
	cloudtest.Face(t, s.Cloud, http.MethodGet, "/sim/calls?reset=true", "", &seen)
	return seen.Calls
}
