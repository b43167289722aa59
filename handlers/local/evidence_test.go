package main

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestALeakIsFound leaves a credential in every place that is searched, spelled
// differently in each.
func TestALeakIsFound(t *testing.T) {
	t.Parallel() // it waits most of the time
	s, e := startTapped(t, func(o *Options) { o.Apps = 1 })
	app := s.manage(t, 0, fast(nil), rbacVault)
	s.latestDone(t, app)
	s.checkNothingLeaked(t, e)

	secret := s.secretOf(t, app)
	for place, leak := range map[*trail]string{
		e.messages:  secret[20:],
		e.calls:     base64.StdEncoding.EncodeToString([]byte("user:" + secret)),
		e.answers:   hex.EncodeToString([]byte(secret[:20])),
		e.processes: "REKEY_HINT=" + base64.RawURLEncoding.EncodeToString([]byte(secret[:20])),
	} {
		_, err := place.Write([]byte(leak))
		require.NoError(t, err)
	}
	_, err := s.feed.Write([]byte(secret))
	require.NoError(t, err)

	leaks, err := e.leaks(s)
	require.NoError(t, err)
	unknowing := &evidence{}
	assert.ErrorContains(t, unknowing.knowsAll(s), "of Orders API is not searched for", "what is not known cannot be found")
	found := map[string]bool{}
	for _, leak := range leaks {
		place, what, _ := strings.Cut(leak, ": ")
		found[place] = true
		assert.Contains(t, what, "password "+digest(secret))
		assert.NotContains(t, leak, secret[:20])
	}
	assert.Equal(t, map[string]bool{"messages.tap": true, "calls.txt": true, "answers.txt": true, "processes.txt": true, "handler.log": true}, found)
}

// secretOf is what the application's vault holds.
func (s *Stack) secretOf(t *testing.T, appID string) string {
	t.Helper()
	var answer struct{ Value string }
	url := "https://" + rbacVault + ".vault.azure.net/secrets/" + s.secretName(t, appID) + "/"
	require.NoError(t, s.vaultCall(t.Context(), http.MethodGet, url, nil, &answer))
	require.Len(t, answer.Value, 40)
	return answer.Value
}
