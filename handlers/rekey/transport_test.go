package main

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startTLS is a server that speaks no newer version, and a file with its authority.
func startTLS(t *testing.T, newest uint16) (address, caFile string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: newest}
	server.StartTLS()
	t.Cleanup(server.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	require.NoError(t, os.WriteFile(caFile, pem.EncodeToMemory(block), 0o600))
	return server.URL, caFile
}

func TestTheTransportTakesNothingOlderThanTLS12(t *testing.T) {
	for name, c := range map[string]struct {
		newest uint16
		works  bool
	}{
		"TLS 1.0": {tls.VersionTLS10, false}, "TLS 1.1": {tls.VersionTLS11, false},
		"TLS 1.2": {tls.VersionTLS12, true}, "TLS 1.3": {tls.VersionTLS13, true},
	} {
		t.Run(name, func(t *testing.T) {
			address, caFile := startTLS(t, c.newest)
			transport, err := newTransport(caFile)
			require.NoError(t, err)
			defer transport.CloseIdleConnections()
			answer, err := (&http.Client{Transport: transport}).Get(address)
			if !c.works {
				assert.ErrorContains(t, err, "protocol version")
				return
			}
			require.NoError(t, err)
			assert.NoError(t, answer.Body.Close())
		})
	}
}

func TestOnlyTheExtraAuthorityIsTrustedBesidesTheSystems(t *testing.T) {
	address, _ := startTLS(t, tls.VersionTLS13)
	transport, err := newTransport("")
	require.NoError(t, err)
	_, err = (&http.Client{Transport: transport}).Get(address)
	assert.ErrorContains(t, err, "certificate signed by unknown authority")
	assert.False(t, transport.TLSClientConfig.InsecureSkipVerify)
	assert.NotNil(t, transport.Proxy, "the environment's proxy is used")

	_, err = newTransport(filepath.Join(t.TempDir(), "none.pem"))
	assert.ErrorContains(t, err, "REKEY_EXTRA_CA_FILE: ")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, []byte("no certificate"), 0o600))
	_, err = newTransport(empty)
	assert.ErrorContains(t, err, "holds no PEM certificate")
}
