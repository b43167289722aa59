package vault

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Certificate is one version of a certificate with its private key.
type Certificate struct {
	Pair certificate.Pair
	Tags map[string]string
	// Set by Certificate. When it begins and ends, a certificate says itself.
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

// Certificate reads the latest version. Its private key takes the permission to
// read secrets.
// https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate
func (c *Client) Certificate(ctx context.Context, vault, name string) (Certificate, error) {
	client, err := c.of(vault)
	if err != nil {
		return Certificate{}, certificateFault("get", vault, name, err)
	}
	public, err := client.certificates.GetCertificate(ctx, name, "", nil)
	if err != nil {
		return Certificate{}, certificateFault("get", vault, name, err)
	}
	private, err := client.GetSecret(ctx, name, public.ID.Version(), nil)
	if err != nil {
		return Certificate{}, fault("get the private key of", vault, name, err)
	}
	pair, err := pairOf(private.Secret)
	if err != nil {
		return Certificate{}, certificateFault("get", vault, name, rotation.Permanently("%w", err))
	}
	result := Certificate{Pair: pair, Tags: texts(public.Tags), Version: public.ID.Version()}
	if a := public.Attributes; a != nil {
		result.NotBefore, result.Expires = value(a.NotBefore), value(a.Expires)
	}
	return result, nil
}

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
