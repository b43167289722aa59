package vault_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// pair is one certificate for all tests: making a key takes time.
var pair = sync.OnceValue(func() certificate.Pair {
	begin := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	made, err := certificate.New(certificate.Request{Name: "orders", Bits: 2048, Start: begin, End: begin.AddDate(1, 0, 0)})
	if err != nil {
		panic(err)
	}
	return made
})

func TestACertificateIsReadWithItsKey(t *testing.T) {
	w := start(t, azuresim.Latency{})
	version, err := w.client.ImportCertificate(t.Context(), "staging", "web", vault.Certificate{Pair: pair(), Tags: map[string]string{"a": "1", "b": ""}})
	require.NoError(t, err)
	got, err := w.client.Certificate(t.Context(), "staging", "web")
	require.NoError(t, err)
	assert.True(t, pair().Key.Equal(got.Pair.Key))
	assert.Equal(t, pair().Certificate.Raw, got.Pair.Certificate.Raw)
	assert.Equal(t, map[string]string{"a": "1", "b": ""}, got.Tags)
	public, err := w.client.PublicCertificate(t.Context(), "staging", "web")
	require.NoError(t, err)
	assert.Nil(t, public.Pair.Key)
	public.Pair.Key = got.Pair.Key
	assert.Equal(t, got, public)
	assert.Equal(t, version, got.Version)
	assert.Equal(t, pair().Certificate.NotBefore, got.NotBefore.UTC())
	assert.Equal(t, pair().Certificate.NotAfter, got.Expires.UTC())
	kept := w.Vaults.State().Vaults["staging"].Certificates["web"].Versions
	require.Len(t, kept, 1)
	assert.Equal(t, pair().Thumbprint(), kept[0].Thumbprint)
}

func TestADeletedCertificateIsRecovered(t *testing.T) {
	w := start(t, azuresim.Latency{})
	put := func() error {
		_, err := w.client.ImportCertificate(t.Context(), "staging", "web", vault.Certificate{Pair: pair()})
		return err
	}
	require.NoError(t, put())
	require.NoError(t, w.client.DeleteCertificate(t.Context(), "staging", "web"))
	err := put()
	require.ErrorIs(t, err, vault.ErrSoftDeleted)
	assert.EqualError(t, err, `vault: import certificate "web" in "staging": the name is soft-deleted`)
	require.NoError(t, w.client.RecoverCertificate(t.Context(), "staging", "web"))
	require.NoError(t, put())
}

// echoing is a vault that refuses everything and repeats what it was sent.
func echoing(t *testing.T) *http.Transport {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.windows.net/`+tenant+`", resource="https://vault.azure.net"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var sent struct{ Value string }
		_ = json.NewDecoder(r.Body).Decode(&sent)
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": "BadParameter", "message": "The value " + sent.Value + " is bad."}})
	}))
	t.Cleanup(server.Close)
	transport, ok := server.Client().Transport.(*http.Transport)
	require.True(t, ok)
	transport.TLSClientConfig.ServerName = "example.com" // as the server's certificate says
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	return transport
}

func TestAnImportThatIsEchoedIsNotRepeated(t *testing.T) {
	client := vault.New(start(t, azuresim.Latency{}), echoing(t))
	_, err := client.ImportCertificate(t.Context(), "staging", "web", vault.Certificate{Pair: pair()})
	assert.EqualError(t, err, `vault: import certificate "web" in "staging": 400 BadParameter: The value [redacted] is bad.`)
}

func TestACertificateWithoutItsKeyIsRefused(t *testing.T) {
	w := start(t, azuresim.Latency{})
	_, err := w.client.ImportCertificate(t.Context(), "staging", "web", vault.Certificate{Pair: pair()})
	require.NoError(t, err)
	body, err := json.Marshal(map[string]string{"value": pair().CER(), "contentType": "application/x-pem-file"})
	require.NoError(t, err)
	w.misbehave(cloud.Fault{Host: host, Path: "/secrets/*", Status: 200, Body: body})
	_, err = w.client.Certificate(t.Context(), "staging", "web")
	require.ErrorContains(t, err, `vault: get certificate "web" in "staging": certificate: `)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
}

func TestACertificateInPEMIsReadToo(t *testing.T) {
	w := start(t, azuresim.Latency{})
	_, err := w.client.ImportCertificate(t.Context(), "staging", "web", vault.Certificate{Pair: pair()})
	require.NoError(t, err)
	text, err := pair().PEM()
	require.NoError(t, err)
	body, err := json.Marshal(map[string]string{"value": text.Reveal(), "contentType": "application/x-pem-file"})
	require.NoError(t, err)
	w.misbehave(cloud.Fault{Host: host, Path: "/secrets/*", Status: 200, Body: body})
	got, err := w.client.Certificate(t.Context(), "staging", "web")
	require.NoError(t, err)
	assert.True(t, pair().Key.Equal(got.Pair.Key))
}

func TestRefusalsOfCertificatesNameWhatHelps(t *testing.T) {
	w := start(t, azuresim.Latency{})
	roles := w.addVault(resourcemanager.Vault{Name: "roles", RBAC: true})
	w.addVault(resourcemanager.Vault{Name: "policies"})
	for vaultName, remedy := range map[string]string{
		"roles":    "give rekey's identity the role Key Vault Certificates Officer on the vault",
		"policies": "give rekey's identity the permissions get, import, delete and recover for certificates in the vault's access policies",
	} {
		_, err := w.client.ImportCertificate(t.Context(), vaultName, "web", vault.Certificate{Pair: pair()})
		require.ErrorContains(t, err, "; "+remedy)
		assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
	}
	w.ResourceManager.AddRoleAssignment(resourcemanager.RoleAssignment{
		Scope: roles, RoleID: resourcemanager.KeyVaultCertificatesOfficer, PrincipalID: w.identity.ObjectID})
	_, err := w.client.ImportCertificate(t.Context(), "roles", "web", vault.Certificate{Pair: pair()})
	require.NoError(t, err)
	_, err = w.client.Certificate(t.Context(), "roles", "web")
	require.ErrorContains(t, err, `vault: get the private key of "web" in "roles": 403 Forbidden/ForbiddenByRbac: `)
}
