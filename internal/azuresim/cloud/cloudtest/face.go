package cloudtest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
)

// Misbehave puts rules in force, in place of those before.
func Misbehave(t testing.TB, front *cloud.Cloud, rules ...cloud.Fault) {
	t.Helper()
	body, err := json.Marshal(append([]cloud.Fault{}, rules...))
	require.NoError(t, err)
	Face(t, front, http.MethodPut, "/sim/faults", string(body), nil)
}

// Face asks the simulator's own face, and reads its answer into a value or nil.
func Face(t testing.TB, front *cloud.Cloud, method, path, body string, into any) {
	t.Helper()
	address, err := front.Address(t.Context())
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, strings.NewReader(body))
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	if into != nil {
		require.NoError(t, json.NewDecoder(answer.Body).Decode(into))
	}
}
