package vault

import (
	"context"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

var _ engine.Tokens = (*Stage)(nil)

// tokenType tells an access token from a staged copy.
const tokenType = "application/vnd.rekey.token"

// PutToken keeps an access token. A soft-deleted one of the same name is recovered
// first.
func (s *Stage) PutToken(ctx context.Context, name string, token secret.Value) error {
	return s.set(ctx, name, Secret{Value: token, ContentType: tokenType, Tags: map[string]string{tagInstallation: s.installation}})
}

// Token reads an access token back.
func (s *Stage) Token(ctx context.Context, name string) (secret.Value, error) {
	kept, err := s.client.Get(ctx, s.vault, name)
	if err != nil {
		return secret.Value{}, err
	}
	if kept.ContentType != tokenType {
		return secret.Value{}, rotation.Permanently("vault: %q in %q is no access token: its content type is %q", name, s.vault, kept.ContentType)
	}
	return kept.Value, nil
}

// DeleteToken removes an access token. One that is gone already is success.
func (s *Stage) DeleteToken(ctx context.Context, name string) error {
	return s.Delete(ctx, rotation.Secret, name)
}
