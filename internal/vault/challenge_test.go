package vault_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

// giver gives tokens and remembers what for.
type giver struct{ scopes []string }

func (g *giver) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	g.scopes = append(g.scopes, o.Scopes...)
	return azcore.AccessToken{Token: "for " + o.Scopes[0], ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// TestAVaultChoosesNoOtherToken: a vault says in its challenge what token it wants, and
// one that lies gets none, neither of its own choice nor any other.
// https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
func TestAVaultChoosesNoOtherToken(t *testing.T) {
	for name, resource := range map[string]string{
		"of Resource Manager":       "https://management.azure.com",
		"of Graph":                  "https://graph.microsoft.com",
		"of a domain that ends so":  "https://evilvault.azure.net",
		"of a domain that has it":   "https://vault.azure.net.elsewhere.example",
		"of its name as a user":     "https://vault.azure.net@elsewhere.example",
		"of another vault":          "https://other.vault.azure.net",
		"of nothing that is a name": "https://",
	} {
		t.Run(name, func(t *testing.T) {
			front, credential := cloudtest.Start(t, clock.New()), &giver{}
			var seen []string
			front.Handle("*.vault.azure.net", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, r.Header.Get("Authorization"))
				w.Header().Set("WWW-Authenticate", `Bearer authorization="https://elsewhere.example/`+tenant+`", resource="`+resource+`"`)
				w.WriteHeader(http.StatusUnauthorized)
			}))
			client := vault.New(credential, front.Client().Transport.(*http.Transport))
			_, err := client.Set(t.Context(), "staging", "x", vault.Secret{Value: secret.New(value)})
			require.Error(t, err)
			assert.NotContains(t, err.Error(), value)
			assert.Empty(t, credential.scopes)
			assert.Equal(t, []string{""}, seen)
		})
	}
}

// TestOnlyANameIsAVault: whatever a row or an event names, a call goes to a vault of
// Azure's or is not made.
func TestOnlyANameIsAVault(t *testing.T) {
	front, credential := cloudtest.Start(t, clock.New()), &giver{}
	called := 0
	for _, domain := range []string{"net", "example", "com"} {
		front.Handle("*."+domain, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
	}
	client := vault.New(credential, front.Client().Transport.(*http.Transport))
	for _, name := range []string{
		"", "a", "elsewhere.example", "elsewhere.example/", "elsewhere.example#", "elsewhere.example?", "elsewhere.example:443/",
		"user@elsewhere", "user:password@elsewhere.example/", "shop/../..", "shop%2eelsewhere", "shop%00", "shop\x00", "shop\n", "shop ", " shop",
		"elsewhere\u3002example", "elsewhere\uff0eexample", "elsew\u212aere", "sh\u00f6p", "169.254.169.254", "[::1]", "2852039166", "localhost.", "shop.",
		"-shop", "shop-", "sh--op", "a2345678901234567890123456",
	} {
		_, err := client.Get(t.Context(), name, "x")
		assert.ErrorContains(t, err, "cannot be the name of a vault", "%q", name)
		_, err = client.Set(t.Context(), name, "x", vault.Secret{Value: secret.New(value)})
		assert.ErrorContains(t, err, "cannot be the name of a vault", "%q", name)
		_, err = client.PublicCertificate(t.Context(), name, "x")
		assert.ErrorContains(t, err, "cannot be the name of a vault", "%q", name)
	}
	assert.Empty(t, credential.scopes)
	assert.Zero(t, called)
}
