package keyvault

import (
	"context"
	"maps"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

// object is what a target writes versions of. Errors are rotation.Faults.
type object interface {
	// written returns the latest version if it holds just this, or "".
	written(ctx context.Context) (version string, err error)
	write(ctx context.Context) (version string, err error)
	recover(ctx context.Context) error
}

var (
	_ object = secretObject{}
	_ object = certificateObject{}
)

// object returns what a delivery writes, and what of it nobody may see.
func (t *Target) object(s Settings, d rotation.Delivery) (object, secret.Value, error) {
	if s.asCertificate() {
		pair, err := certificate.Parse(d.Credential.Value)
		if err != nil {
			return nil, secret.Value{}, rotation.Permanently("keyvault: the credential of %s: %w", d.Credential.Rotation, err)
		}
		return certificateObject{t.config.Vaults, s, vault.Certificate{Pair: pair, Tags: t.tags(d)}}, d.Credential.Value, nil
	}
	value, contentType, err := s.text(d)
	return secretObject{t.config.Vaults, s, vault.Secret{
		Value: value, ContentType: contentType, Tags: t.tags(d),
		NotBefore: d.Credential.Start, Expires: d.Credential.End,
	}}, value, err
}

// secretObject is a secret that is to hold a content.
type secretObject struct {
	vaults  Secrets
	at      Settings
	content vault.Secret
}

func (o secretObject) written(ctx context.Context) (string, error) {
	latest, err := o.vaults.Get(ctx, o.at.vaultName(), o.at.Name)
	if err != nil || latest.Value != o.content.Value || !maps.Equal(latest.Tags, o.content.Tags) {
		return "", err
	}
	return latest.Version, nil
}

func (o secretObject) write(ctx context.Context) (string, error) {
	return o.vaults.Set(ctx, o.at.vaultName(), o.at.Name, o.content)
}

func (o secretObject) recover(ctx context.Context) error {
	return o.vaults.Recover(ctx, o.at.vaultName(), o.at.Name)
}

// certificateObject is a certificate that is to hold a content. What it holds is
// told by the public part: an import takes no private key that does not belong.
type certificateObject struct {
	vaults  Certificates
	at      Settings
	content vault.Certificate
}

func (o certificateObject) written(ctx context.Context) (string, error) {
	latest, err := o.vaults.PublicCertificate(ctx, o.at.vaultName(), o.at.Name)
	if err != nil || !latest.Pair.Certificate.Equal(o.content.Pair.Certificate) || !maps.Equal(latest.Tags, o.content.Tags) {
		return "", err
	}
	return latest.Version, nil
}

func (o certificateObject) write(ctx context.Context) (string, error) {
	return o.vaults.ImportCertificate(ctx, o.at.vaultName(), o.at.Name, o.content)
}

func (o certificateObject) recover(ctx context.Context) error {
	return o.vaults.RecoverCertificate(ctx, o.at.vaultName(), o.at.Name)
}
