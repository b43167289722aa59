package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

func full() vault.Secret {
	begin := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	return vault.Secret{
		Value: secret.New(value), ContentType: "text/plain", Tags: map[string]string{"a": "1", "b": ""},
		NotBefore: begin, Expires: begin.Add(time.Hour),
	}
}

func inUTC(s vault.Secret) vault.Secret {
	s.NotBefore, s.Expires = s.NotBefore.UTC(), s.Expires.UTC()
	return s
}

func TestTheLatestVersionIsRead(t *testing.T) {
	w := start(t, azuresim.Latency{})
	first, err := w.client.Set(t.Context(), "staging", "db", vault.Secret{Value: secret.New("older")})
	require.NoError(t, err)
	got, err := w.client.Get(t.Context(), "staging", "db")
	require.NoError(t, err)
	assert.Equal(t, vault.Secret{Value: secret.New("older"), Tags: map[string]string{}, Version: first}, inUTC(got))

	second, err := w.client.Set(t.Context(), "staging", "db", full())
	require.NoError(t, err)
	assert.NotEqual(t, first, second)
	want := full()
	want.Version = second
	got, err = w.client.Get(t.Context(), "staging", "db")
	require.NoError(t, err)
	assert.Equal(t, want, inUTC(got))
}

func TestADeletedSecretIsRecovered(t *testing.T) {
	w := start(t, azuresim.Latency{})
	_, err := w.client.Set(t.Context(), "staging", "db", full())
	require.NoError(t, err)
	require.NoError(t, w.client.Delete(t.Context(), "staging", "db"))
	_, err = w.client.Set(t.Context(), "staging", "db", full())
	require.ErrorIs(t, err, vault.ErrSoftDeleted)
	assert.EqualError(t, err, `vault: set "db" in "staging": the name is soft-deleted`)
	assert.Equal(t, rotation.Conflict, rotation.ClassOf(err))
	require.NoError(t, w.client.Recover(t.Context(), "staging", "db"))
	_, err = w.client.Get(t.Context(), "staging", "db")
	require.NoError(t, err)
}

func TestOnlyTheFirstCallIsChallenged(t *testing.T) {
	w := start(t, azuresim.Latency{})
	for range 3 {
		_, err := w.client.Set(t.Context(), "staging", "db", full())
		require.NoError(t, err)
	}
	assert.ElementsMatch(t, []string{"PUT /secrets/{name} 401 x1", "PUT /secrets/{name} 200 x3"}, w.calls())
}

// everyMethod is each call, on the secret "db" of a vault.
func (w *world) everyMethod(vaultName string) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"set":     func(ctx context.Context) error { _, err := w.client.Set(ctx, vaultName, "db", full()); return err },
		"get":     func(ctx context.Context) error { _, err := w.client.Get(ctx, vaultName, "db"); return err },
		"recover": func(ctx context.Context) error { return w.client.Recover(ctx, vaultName, "db") },
		"delete":  func(ctx context.Context) error { return w.client.Delete(ctx, vaultName, "db") },
		"import certificate": func(ctx context.Context) error {
			_, err := w.client.ImportCertificate(ctx, vaultName, "db", vault.Certificate{Pair: pair()})
			return err
		},
		"get certificate": func(ctx context.Context) error { _, err := w.client.Certificate(ctx, vaultName, "db"); return err },
		"recover certificate": func(ctx context.Context) error {
			return w.client.RecoverCertificate(ctx, vaultName, "db")
		},
		"delete certificate": func(ctx context.Context) error { return w.client.DeleteCertificate(ctx, vaultName, "db") },
	}
}

func TestOnlyVaultsAreCalled(t *testing.T) {
	w := start(t, azuresim.Latency{})
	for _, name := range []string{"", "a", "staging.example.com", "staging/", "staging#", "user@staging", "staging:443", "1staging", "stag--ing", "this-name-is-far-too-long-for-a-vault"} {
		for doing, do := range w.everyMethod(name) {
			err := do(t.Context())
			require.Error(t, err)
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err), err)
			assert.Contains(t, err.Error(), "vault: "+doing+` "db" in "`+name+`": "`+name+`" cannot be the name of a vault`)
		}
	}
	assert.Empty(t, w.calls())
}

func TestAVaultThatIsNotThereIsTransient(t *testing.T) {
	w := start(t, azuresim.Latency{})
	for doing, do := range w.everyMethod("nowhere") {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := do(ctx)
		cancel()
		require.ErrorContains(t, err, "vault: "+doing+` "db" in "nowhere": `)
		assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	}
}

func TestTheContextEndsACall(t *testing.T) {
	w := start(t, azuresim.Latency{})
	w.misbehave(cloud.Fault{Host: host, Latency: "1h"})
	for doing, do := range w.everyMethod("staging") {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err := do(ctx)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded, doing)
		assert.Equal(t, rotation.Transient, rotation.ClassOf(err), doing)
	}
}

// What the simulated vaults refuse by themselves, as the real ones do.
func TestRefusalsOfVaults(t *testing.T) {
	w := start(t, azuresim.Latency{})
	w.addVault(resourcemanager.Vault{Name: "roles", RBAC: true})
	w.addVault(resourcemanager.Vault{Name: "policies"})
	w.addVault(resourcemanager.Vault{Name: "fenced", RBAC: true, Firewalled: true, AllowedIPs: []string{"203.0.113.0/24"}})
	for vaultName, c := range map[string]struct {
		class  rotation.Class
		text   string
		remedy string
	}{
		"staging":  {rotation.NotFound, "404 SecretNotFound: ", ""},
		"roles":    {rotation.Denied, "403 Forbidden/ForbiddenByRbac: ", "; give rekey's identity the role Key Vault Secrets Officer on the vault"},
		"policies": {rotation.Denied, "403 Forbidden/AccessDenied: ", "; give rekey's identity the permissions get, set, delete and recover for secrets in the vault's access policies"},
		"fenced":   {rotation.Denied, "403 Forbidden/ForbiddenByFirewall: ", "; allow rekey's address in the vault's network rules, or let trusted services in"},
	} {
		_, err := w.client.Get(t.Context(), vaultName, "db")
		require.ErrorContains(t, err, `vault: get "db" in "`+vaultName+`": `+c.text)
		assert.Equal(t, c.class, rotation.ClassOf(err), vaultName)
		assert.Regexp(t, c.remedy+"$", err.Error())
		assert.NotContains(t, err.Error(), "\n")
		assert.Equal(t, vaultName == "fenced", errors.Is(err, vault.ErrClosed))
	}
}

func TestEveryStatusHasAClass(t *testing.T) {
	w := start(t, azuresim.Latency{})
	atOnce := map[string]string{"x-ms-retry-after-ms": "1"} // the SDK's own repetitions need not be waited for
	seconds := json.Number("2.5")
	for status, want := range map[int]rotation.Class{
		400: rotation.Permanent, 401: rotation.Denied, 403: rotation.Denied, 404: rotation.NotFound, 405: rotation.Permanent,
		408: rotation.Transient, 409: rotation.Conflict, 413: rotation.Permanent, 429: rotation.Throttled,
		500: rotation.Transient, 502: rotation.Transient, 503: rotation.Transient, 504: rotation.Transient,
	} {
		w.misbehave(cloud.Fault{Host: host, Status: status, RetryAfter: &seconds, Headers: atOnce})
		_, err := w.client.Set(t.Context(), "staging", "db", full())
		require.Error(t, err, status)
		assert.Equal(t, want, rotation.ClassOf(err), "%d: %v", status, err)
		if status == 429 {
			assert.Equal(t, 2500*time.Millisecond, rotation.AfterOf(err))
		}
	}
}

func TestAValueThatIsEchoedIsNotRepeated(t *testing.T) {
	w := start(t, azuresim.Latency{})
	lines := full()
	lines.Value = secret.New("not-to-be-seen,\nline by line")
	body, err := json.Marshal(map[string]any{"error": map[string]string{
		"code": "BadParameter", "message": "The value\r\n" + lines.Value.Reveal() + " is bad.",
	}})
	require.NoError(t, err)
	w.misbehave(cloud.Fault{Host: host, Status: 400, Body: body})
	_, err = w.client.Set(t.Context(), "staging", "db", lines)
	assert.EqualError(t, err, `vault: set "db" in "staging": 400 BadParameter: The value [redacted] is bad.`)
}

func TestALostAnswerIsAskedForAgain(t *testing.T) {
	w := start(t, azuresim.Latency{})
	_, err := w.client.Get(t.Context(), "staging", "db")
	require.Error(t, err, "from here on there is a token")
	once := 1
	w.misbehave(cloud.Fault{Host: host, Lose: true, Count: &once})
	version, err := w.client.Set(t.Context(), "staging", "db", full())
	require.NoError(t, err)
	versions := w.versions("db")
	require.Len(t, versions, 2, "equal ones")
	assert.Equal(t, versions[0].SHA256, versions[1].SHA256)
	got, err := w.client.Get(t.Context(), "staging", "db")
	require.NoError(t, err)
	assert.Equal(t, version, got.Version)
}
