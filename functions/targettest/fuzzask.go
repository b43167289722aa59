package targettest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Choose is one question for choices: a setting, and what was chosen for others.
type Choose struct {
	Setting string
	Chosen  map[string]string
}

// FuzzQuestions asks the target what it checks beforehand and offers for its settings,
// while one of the service's answers is another. What cannot be said is a Fault; what
// is said can be shown.
func FuzzQuestions(f *testing.F, place Place, over func(http.RoundTripper) rotation.Target, choices ...Choose) {
	tape := cloudtest.Record(place.Cloud.Client().Transport)
	for what, err := range place.ask(f.Context(), f, over(tape), choices) {
		require.NoError(f, err, what)
	}
	tape.Seed(f)
	f.Fuzz(func(t *testing.T, n, status int, retryAfter, contentType string, body []byte, endless bool) {
		odd := cloudtest.Odd(status, retryAfter, contentType, body, endless, "")
		player := tape.Play(int(uint(n)%uint(tape.Len())), odd)
		for what, err := range place.ask(t.Context(), t, over(player), choices) {
			if err != nil {
				AssertFault(t, fmt.Errorf("%s: %w", what, err))
			}
		}
		assert.NotContains(t, player.Hosts(), cloudtest.Elsewhere)
		assert.LessOrEqual(t, player.Read(), int64(17<<20))
	})
}

// ask asks everything and returns the errors by what was asked.
func (p Place) ask(ctx context.Context, t testing.TB, target rotation.Target, choices []Choose) map[string]error {
	errs := map[string]error{}
	if checker, ok := target.(rotation.Checker); ok {
		notes, err := checker.Check(ctx, p.App, p.Row)
		errs["check"] = err
		shown(t, notes)
	}
	for _, c := range choices {
		found, err := target.(rotation.Lister).Choices(ctx, c.Setting, c.Chosen)
		errs["choices for "+c.Setting] = err
		shown(t, found)
	}
	return errs
}

// shown asserts that something can be told over HTTP.
func shown(t testing.TB, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	require.True(t, json.Valid(text))
}
