package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
)

// newTransport returns the one transport of every outside call over HTTPS: it
// goes through the proxy that the environment names, and trusts an inspecting
// proxy's certificate authority besides the system's.
func newTransport(extraCAFile string) (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 32
	transport.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(64), // new connections to known hosts are cheaper
	}
	if extraCAFile == "" {
		return transport, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	pem, err := os.ReadFile(extraCAFile)
	if err != nil {
		return nil, fmt.Errorf("REKEY_EXTRA_CA_FILE: %w", err)
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("REKEY_EXTRA_CA_FILE: %q holds no PEM certificate", extraCAFile)
	}
	transport.TLSClientConfig.RootCAs = roots
	return transport, nil
}
