package vault

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Certificate is one version of a certificate.
type Certificate struct {
	Pair certificate.Pair // without its key where only the public part was asked for
	Tags map[string]string
	// Set by what reads it. When it begins and ends, a certificate says itself.
	Version            string
	NotBefore, Expires time.Time
}

// The forms in which a vault keeps a certificate.
const (
	typePFX = "application/x-pkcs12"
	typePEM = "application/x-pem-file"
)

// ImportCertificate writes a new version and returns its id. The vault keeps it as
// a PFX whose private key can be read. A name that is soft-deleted gives
// ErrSoftDeleted.
// https://learn.microsoft.com/rest/api/keyvault/certificates/import-certificate
func (c *Client) ImportCertificate(ctx context.Context, vault, name string, cert Certificate) (version string, err error) {
	pfx, err := cert.Pair.PFX(secret.Value{})
	if err != nil {
		return "", certificateFault("import", vault, name, rotation.Permanently("%w", err))
	}
	client, err := c.of(vault)
	if err != nil {
		return "", certificateFault("import", vault, name, err)
	}
	content := pfx.Reveal()
	answer, err := client.certificates.ImportCertificate(ctx, name, azcertificates.ImportCertificateParameters{
		Base64EncodedCertificate: &content,
		CertificatePolicy:        policyOf(cert.Pair),
		Tags:                     pointers(cert.Tags),
	}, nil)
	if err != nil {
		return "", certificateFault("import", vault, name, err, pfx)
	}
	if answer.ID == nil {
		return "", certificateFault("import", vault, name, errNoCertificate)
	}
	return answer.ID.Version(), nil
}

func policyOf(pair certificate.Pair) *azcertificates.CertificatePolicy {
	kind, size, form := azcertificates.KeyTypeRSA, int32(pair.Key.N.BitLen()), typePFX
	exportable, reuse := true, false
	return &azcertificates.CertificatePolicy{
		KeyProperties:    &azcertificates.KeyProperties{Exportable: &exportable, KeyType: &kind, KeySize: &size, ReuseKey: &reuse},
		SecretProperties: &azcertificates.SecretProperties{ContentType: &form},
	}
}

// Certificate reads the latest version with its private key, which takes the
// permission to read secrets.
// https://learn.microsoft.com/azure/key-vault/certificates/about-certificates#composition-of-a-certificate
func (c *Client) Certificate(ctx context.Context, vault, name string) (Certificate, error) {
	found, err := c.PublicCertificate(ctx, vault, name)
	if err != nil {
		return found, err
	}
	client, err := c.of(vault)
	if err != nil {
		return Certificate{}, certificateFault("get", vault, name, err)
	}
	private, err := client.GetSecret(ctx, name, found.Version, nil)
	if err != nil {
		return Certificate{}, fault("get the private key of", vault, name, err)
	}
	if found.Pair, err = pairOf(private.Secret); err != nil {
		return Certificate{}, certificateFault("get", vault, name, rotation.Permanently("%w", err))
	}
	return found, nil
}

// PublicCertificate reads the latest version without its private key.
// https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate
func (c *Client) PublicCertificate(ctx context.Context, vault, name string) (Certificate, error) {
	client, err := c.of(vault)
	if err != nil {
		return Certificate{}, certificateFault("get", vault, name, err)
	}
	answer, err := client.certificates.GetCertificate(ctx, name, "", nil)
	if err != nil {
		return Certificate{}, certificateFault("get", vault, name, err)
	}
	made, err := x509.ParseCertificate(answer.CER)
	if err != nil || answer.ID == nil {
		return Certificate{}, certificateFault("get", vault, name, errNoCertificate)
	}
	result := Certificate{Pair: certificate.Pair{Certificate: made}, Tags: texts(answer.Tags), Version: answer.ID.Version()}
	if a := answer.Attributes; a != nil {
		result.NotBefore, result.Expires = value(a.NotBefore), value(a.Expires)
	}
	return result, nil
}

var errNoCertificate = errors.New("the answer holds no certificate")

func pairOf(s azsecrets.Secret) (certificate.Pair, error) {
	content := secret.New(value(s.Value))
	if value(s.ContentType) == typePEM {
		return certificate.Parse(content)
	}
	return certificate.ParsePFX(content, secret.Value{})
}

// RecoverCertificate brings a soft-deleted certificate back, with all its versions.
// It takes effect a moment later.
// https://learn.microsoft.com/rest/api/keyvault/certificates/recover-deleted-certificate
func (c *Client) RecoverCertificate(ctx context.Context, vault, name string) error {
	client, err := c.of(vault)
	if err != nil {
		return certificateFault("recover", vault, name, err)
	}
	if _, err = client.certificates.RecoverDeletedCertificate(ctx, name, nil); err != nil {
		return certificateFault("recover", vault, name, err)
	}
	return nil
}

// DeleteCertificate soft-deletes a certificate.
// https://learn.microsoft.com/rest/api/keyvault/certificates/delete-certificate
func (c *Client) DeleteCertificate(ctx context.Context, vault, name string) error {
	client, err := c.of(vault)
	if err != nil {
		return certificateFault("delete", vault, name, err)
	}
	if _, err = client.certificates.DeleteCertificate(ctx, name, nil); err != nil {
		return certificateFault("delete", vault, name, err)
	}
	return nil
}
