package apiconnection

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// hidden is a secret value on its way into a connection: a text, or a PFX with its
// password.
type hidden struct{ text, pfx, password secret.Value }

// reveal is what the request holds.
func (h hidden) reveal() any {
	if h.pfx.IsZero() {
		return h.text.Reveal()
	}
	return map[string]string{"pfx": h.pfx.Reveal(), "password": h.password.Reveal()}
}

// concealed puts a credential into the form that its parameter wants.
func concealed(c rotation.Credential, kind rotation.Kind) (hidden, error) {
	if kind != rotation.Certificate {
		return hidden{text: c.Value}, nil
	}
	pair, err := certificate.Parse(c.Value)
	if err != nil {
		return hidden{}, rotation.Permanently("apiconnection: read the certificate: %w", err)
	}
	password := secret.New(rand.Text())
	pfx, err := pair.PFX(password)
	if err != nil {
		return hidden{}, rotation.Permanently("apiconnection: %w", err)
	}
	return hidden{pfx: pfx, password: password}, nil
}

// plainValues are what the connection shows, and over it what the settings say, all
// spelled as the connector does. The service refuses what it does not know, so what
// it shows and has no definition of is left out.
func (s signIn) plainValues(settings Settings) (map[string]any, error) {
	values := map[string]any{}
	for name, value := range s.values {
		if known, ok := spelled(s.parameters, name); ok && !s.parameters[known].isSecret() {
			values[known] = value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(settings.Parameters)) {
		known, ok := spelled(s.parameters, name)
		switch {
		case !ok:
			return nil, s.unknown(name)
		case s.parameters[known].isSecret():
			return nil, refuse(rotation.Permanent, "name its place in a vault in the setting secrets", "apiconnection: parameter %q of connector %q is a secret", known, s.connector.name)
		}
		values[known] = settings.Parameters[name]
	}
	return values, nil
}

func (s signIn) unknown(name string) error {
	return refuse(rotation.Permanent, "correct the settings", "apiconnection: connector %q has no parameter %q for this connection", s.connector.name, name)
}

// furtherSecrets are the parameters that the settings name, as the connector spells
// them. A required one that they do not name would get lost with the next write.
// Of the others nobody can say whether they are set.
func (s signIn) furtherSecrets(settings Settings) (named map[string]string, unnamed []string, err error) {
	named = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(settings.Secrets)) {
		known, ok := spelled(s.parameters, name)
		if !ok {
			return nil, nil, s.unknown(name)
		}
		named[known] = settings.Secrets[name]
	}
	for _, name := range slices.Sorted(maps.Keys(s.parameters)) {
		p := s.parameters[name]
		if named[name] != "" || !p.isSecret() || isCredential(name) {
			continue
		}
		if p.isRequired() {
			return nil, nil, refuse(rotation.Permanent, "put it into a vault and name it in the setting secrets",
				"apiconnection: connection %q has the secret parameter %q, which cannot be read and would get lost", s.connection.Name, name)
		}
		unnamed = append(unnamed, name)
	}
	return named, unnamed, nil
}

// fetch reads the further secrets from their vaults.
func (t *Target) fetch(ctx context.Context, named map[string]string) (map[string]hidden, error) {
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1}) // the engine comes back
	fetched := map[string]hidden{}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		parts := identifierForm.FindStringSubmatch(named[name])
		found, err := t.config.Vaults.Get(ctx, parts[1], parts[2])
		if err != nil {
			return nil, err
		}
		fetched[name] = hidden{text: found.Value}
	}
	return fetched, nil
}
