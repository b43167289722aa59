package vault_test

import (
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

// FuzzAnswers gives any answer to every call of a vault.
func FuzzAnswers(f *testing.F) {
	w := start(f, azuresim.Latency{})
	tape := cloudtest.Record(w.Cloud.Client().Transport)
	_, _ = w.use(f, vault.New(w, cloudtest.Through(tape)))
	tape.Seed(f)
	f.Fuzz(func(t *testing.T, n, status int, retryAfter, contentType string, body []byte, endless bool) {
		odd := cloudtest.Odd(status, retryAfter, contentType, body, endless, value)
		player := tape.Play(int(uint(n)%uint(tape.Len())), odd)
		all, errs := w.use(t, vault.New(w, cloudtest.Through(player)))
		for i, err := range errs {
			if err == nil {
				continue
			}
			targettest.AssertFault(t, err)
			if odd.Status < 300 || strings.HasPrefix(all[i], "set") { // a refusal can repeat what it was sent alone
				assert.NotContains(t, err.Error(), value[:12], all[i])
			}
		}
		for _, host := range player.Hosts() {
			assert.Equal(t, "staging.vault.azure.net", host)
		}
		assert.LessOrEqual(t, player.Read(), int64(17<<20))
	})
}

// use makes every call there is, whatever came of those before, and returns their
// names and errors.
func (w *world) use(t testing.TB, client *vault.Client) (names []string, errs []error) {
	t.Helper()
	ctx := policy.WithRetryOptions(t.Context(), policy.RetryOptions{MaxRetries: -1})
	stage := vault.NewStage(client, "staging", "test", time.Now)
	secretOf := rotation.Credential{Rotation: rotation.ID{AppID: "app", Kind: rotation.Secret, Generation: 1}, Attempt: 1, KeyID: "key", Value: secret.New(value)}
	note := func(name string, err error) { names, errs = append(names, name), append(errs, err) }
	_, err := client.Set(ctx, "staging", "plain", vault.Secret{Value: secret.New(value), Expires: time.Now().Add(time.Hour)})
	note("set", err)
	_, err = client.Get(ctx, "staging", "plain")
	note("get", err)
	version, err := client.ImportCertificate(ctx, "staging", "web", vault.Certificate{Pair: pair()})
	assert.Equal(t, err == nil, version != "", "an import that succeeded has a version")
	note("import", err)
	found, err := client.PublicCertificate(ctx, "staging", "web")
	assert.Equal(t, err == nil, found.Pair.Certificate != nil)
	note("public", err)
	found, err = client.Certificate(ctx, "staging", "web")
	assert.True(t, err != nil || found.Pair.Key != nil && found.Pair.Key.PublicKey.Equal(found.Pair.Certificate.PublicKey))
	note("certificate", err)
	_, err = client.Set(ctx, "staging", "staged", vault.Secret{Value: secretOf.Value, Tags: map[string]string{
		"rotation": "app.secret.1", "attempt": "1", "keyId": "key", "start": "2026-03-01T12:00:00Z", "end": "2026-03-22T12:00:00Z"}})
	note("set staged", err)
	staged, err := stage.Get(ctx, rotation.Secret, "staged")
	assert.True(t, err != nil || staged.KeyID != "" && staged.Rotation.Generation > 0, "a staged copy says whose it is")
	note("staged", err)
	_, err = stage.Token(ctx, "plain")
	note("token", err)
	for _, name := range []string{"plain", "staged"} {
		note("delete", stage.Delete(ctx, rotation.Secret, name))
	}
	note("recover", client.Recover(ctx, "staging", "plain"))
	note("delete certificate", stage.Delete(ctx, rotation.Certificate, "web"))
	note("recover certificate", client.RecoverCertificate(ctx, "staging", "web"))
	return names, errs
}
