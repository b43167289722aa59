package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/rekey-dev/rekey/internal/client"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/secret"
)

// keyHeader carries an API key.
const keyHeader = "X-Api-Key"

// authorize returns what says who calls. On this machine nobody needs to.
func (s *session) authorize(loopback bool) (func(context.Context, http.Header) error, error) {
	key, err := s.key()
	switch {
	case err != nil:
		return nil, err
	case !key.IsZero():
		return func(_ context.Context, h http.Header) error {
			h.Set(keyHeader, key.Reveal())
			return nil
		}, nil
	case s.scope != "":
		return s.token()
	case loopback:
		return nil, nil
	}
	return nil, &client.NoCredential{Err: errors.New("who asks? Set REKEY_API_KEY or --api-key-file to an API key, or REKEY_API_SCOPE or --scope to api://<client id>/.default for a token of Entra ID")}
}

// key is the API key that was given, or nothing. A file that is named counts before
// the environment.
func (s *session) key() (secret.Value, error) {
	key := s.Key
	if s.keyFile != "" {
		text, err := os.ReadFile(s.keyFile)
		if err != nil {
			return secret.Value{}, &client.NoCredential{Err: fmt.Errorf("the file of the API key: %w", err)}
		}
		key = secret.New(strings.TrimSpace(string(text)))
		if key.IsZero() {
			return key, &client.NoCredential{Err: fmt.Errorf("the file of the API key, %q, is empty", s.keyFile)}
		}
	}
	if strings.ContainsFunc(key.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return secret.Value{}, &client.NoCredential{Err: errors.New("the API key has characters that no key has; is it one line, and nothing else?")}
	}
	return key, nil
}

// token asks for tokens of Entra ID in the ways that the SDK knows: as this program's
// environment says, with a workload's or a managed identity, or as whoever signed in
// with az, azd or PowerShell.
// https://learn.microsoft.com/azure/developer/go/sdk/authentication/credential-chains
func (s *session) token() (func(context.Context, http.Header) error, error) {
	credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: outbound.Straight(s.Transport)},
	})
	if err != nil {
		return nil, &client.NoCredential{Err: err}
	}
	return func(ctx context.Context, h http.Header) error {
		token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{s.scope}})
		if err == nil {
			h.Set("Authorization", "Bearer "+token.Token)
		}
		return err
	}, nil
}
