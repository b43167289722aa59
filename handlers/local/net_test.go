package main

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}

// askUntilAccepted requests a rotation as a careful client does: with a key, and
// again when no answer came.
func (s *Stack) askUntilAccepted(t *testing.T, appID, key string) {
	t.Helper()
	eventually(t, "202", func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			s.Endpoints.Host+"/api/applications/"+appID+"/rotations", strings.NewReader(`{"kind":"secret"}`))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
		response, err := s.client.Do(request)
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusAccepted
	})
}
