package targettest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// specsFolder is where error answers are collected that vendors have published or
// that people have quoted, outside the repository, or empty.
func specsFolder() string { return os.Getenv("REKEY_SPECS") }

// published is one such answer.
type published struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// collections are the files with a service's answers, by the hosts that it has.
var collections = map[string]string{
	".vault.azure.net":     "keyvault-dataplane/error-examples.json",
	"dev.azure.com":        "azure-devops/error-examples.json",
	"management.azure.com": "arm-common/arm-errors-and-lro.json",
}

// testPublished has every call of a delivery answered by each collected error, in
// its own form: it is classified by its status, and its words reach the person.
func testPublished(t *testing.T, s *subject) {
	for _, call := range s.Calls {
		all := examples(t, call.Host)
		t.Logf("%d published answers to %s", len(all), call)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			s.answerPublished(t, call, name, all[name])
		}
	}
}

func (s *subject) answerPublished(t *testing.T, call Call, name string, answer published) {
	t.Helper()
	d := s.next(t)
	delete(answer.Headers, "WWW-Authenticate") // a challenge is met, not classified
	s.faults(t, call.fault(cloud.Fault{Status: answer.Status, Headers: answer.Headers, Body: answer.Body}))
	class, ok := s.Classes[answer.Status]
	if !ok {
		class = statuses[answer.Status]
	}
	outcome, err := s.Target.Deploy(t.Context(), d)
	s.faults(t)
	why := fmt.Sprintf("%s for %s: %v", name, call, err)
	if !assert.Error(t, err, why) || answer.Status == http.StatusConflict {
		return // a conflict's code says what is to be done about it
	}
	assert.False(t, outcome.Confirmed, why)
	assert.Equal(t, class.String(), rotation.ClassOf(err).String(), why)
	assert.Contains(t, strings.Join(strings.Fields(err.Error()), " "), sentence(answer.Body), why)
}

// sentence is the beginning of what an answer says to people.
func sentence(body json.RawMessage) string {
	var known struct {
		Message string
		Error   struct{ Message string }
	}
	_ = json.Unmarshal(body, &known) // what has no message says nothing
	words := strings.Fields(known.Message + known.Error.Message)
	return strings.Join(words[:min(len(words), 6)], " ")
}

// examples reads the answers of a host's service that are errors and complete.
func examples(t *testing.T, host string) map[string]published {
	t.Helper()
	found := map[string]published{}
	for suffix, file := range collections {
		if !strings.HasSuffix(host, suffix) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(specsFolder(), file))
		require.NoError(t, err)
		var all map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(text, &all))
		if nested, ok := all["examples"]; ok {
			require.NoError(t, json.Unmarshal(nested, &all))
		}
		for name, one := range all {
			var answer published
			if json.Unmarshal(one, &answer) == nil && answer.Status >= 400 && len(answer.Body) > 0 {
				found[name] = answer
			}
		}
	}
	return found
}
