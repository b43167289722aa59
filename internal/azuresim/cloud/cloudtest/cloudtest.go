// Package cloudtest starts a simulated cloud for a test.
package cloudtest

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
)

// Start returns a cloud that serves on a free port until the test ends.
func Start(t testing.TB, c *clock.Clock) *cloud.Cloud {
	t.Helper()
	front, err := cloud.New(cloud.Options{Clock: c})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- front.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, front.Close())
		require.NoError(t, <-served)
	})
	return front
}
