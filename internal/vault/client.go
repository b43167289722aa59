// Package vault speaks to Azure Key Vault's data plane for secrets and certificates,
// through the official SDKs: https://learn.microsoft.com/rest/api/keyvault/secrets
// and https://learn.microsoft.com/rest/api/keyvault/certificates
//
// Client knows any vault by its name. Stage is the vault of rekey's own in which
// a new credential is kept from its creation on.
//
// It promises that
//   - a token goes to vaults of Azure alone, whatever name it is asked for;
//   - errors are rotation.Faults that name the vault and the object, and never
//     hold a value, even if the service repeats it;
//   - a certificate is read with its private key, which the vault keeps as the
//     secret of the same name and version;
//   - a call ends with its context. Until then the SDK repeats what was throttled
//     or went wrong on the way, so that a write may make two equal versions.
//
// Facts come from
//   - https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
//   - https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview
//   - https://learn.microsoft.com/azure/key-vault/general/service-limits
package vault

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Client reads and writes secrets and certificates. It may be used from any goroutine.
type Client struct {
	credential azcore.TokenCredential
	transport  policy.Transporter

	mu     sync.Mutex
	vaults map[string]clients
}

// clients are those of one vault.
type clients struct {
	*azsecrets.Client
	certificates *azcertificates.Client
}

// New returns a client that calls through the transport as the credential's identity.
func New(credential azcore.TokenCredential, transport *http.Transport) *Client {
	return &Client{
		credential: credential,
		transport:  outbound.To(transport, "*"+domain),
		vaults:     map[string]clients{},
	}
}

// Secret is one version of a secret.
type Secret struct {
	Value       secret.Value
	ContentType string
	Tags        map[string]string
	NotBefore   time.Time // zero: none
	Expires     time.Time // zero: none
	Version     string    // set by Get
}

// nameForm is the form of a vault's name, which becomes part of an address.
// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#vault-name-and-object-name
var nameForm = regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9]){2,23}$`)

// domain is that of every vault, in Azure's public cloud.
const domain = ".vault.azure.net"

// of returns the clients of one vault. They keep the vault's challenge, so that
// only the first call to a vault takes two requests.
func (c *Client) of(vault string) (clients, error) {
	if !nameForm.MatchString(vault) {
		return clients{}, rotation.Permanently("%q cannot be the name of a vault", vault)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.vaults[vault]; ok {
		return known, nil
	}
	made, err := c.dial("https://" + vault + domain)
	if err == nil {
		c.vaults[vault] = made
	}
	return made, err
}

func (c *Client) dial(address string) (made clients, err error) {
	options := azcore.ClientOptions{Transport: c.transport}
	made.Client, err = azsecrets.NewClient(address, c.credential, &azsecrets.ClientOptions{ClientOptions: options})
	if err != nil {
		return made, err
	}
	made.certificates, err = azcertificates.NewClient(address, c.credential, &azcertificates.ClientOptions{ClientOptions: options})
	return made, err
}

// Set writes a new version and returns its id. A name that is soft-deleted gives
// ErrSoftDeleted.
// https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret
func (c *Client) Set(ctx context.Context, vault, name string, s Secret) (version string, err error) {
	client, err := c.of(vault)
	if err != nil {
		return "", fault("set", vault, name, err)
	}
	value := s.Value.Reveal()
	answer, err := client.SetSecret(ctx, name, azsecrets.SetSecretParameters{
		Value:       &value,
		ContentType: optional(s.ContentType),
		Tags:        pointers(s.Tags),
		SecretAttributes: &azsecrets.SecretAttributes{
			NotBefore: optional(s.NotBefore), Expires: optional(s.Expires),
		},
	}, nil)
	if err != nil {
		return "", fault("set", vault, name, err, s.Value)
	}
	return answer.ID.Version(), nil
}

// Get reads the latest version.
// https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret
func (c *Client) Get(ctx context.Context, vault, name string) (Secret, error) {
	client, err := c.of(vault)
	if err != nil {
		return Secret{}, fault("get", vault, name, err)
	}
	answer, err := client.GetSecret(ctx, name, "", nil)
	if err != nil {
		return Secret{}, fault("get", vault, name, err)
	}
	return fromAnswer(answer.Secret), nil
}

func fromAnswer(s azsecrets.Secret) Secret {
	result := Secret{
		Value: secret.New(value(s.Value)), ContentType: value(s.ContentType), Tags: texts(s.Tags),
	}
	if s.ID != nil {
		result.Version = s.ID.Version()
	}
	if a := s.Attributes; a != nil {
		result.NotBefore, result.Expires = value(a.NotBefore), value(a.Expires)
	}
	return result
}

// IsDeleted reports whether the name is that of a secret that is soft-deleted: the next
// write there brings it back. It takes the permission to read secrets.
// https://learn.microsoft.com/rest/api/keyvault/secrets/get-deleted-secret
func (c *Client) IsDeleted(ctx context.Context, vault, name string) (bool, error) {
	client, err := c.of(vault)
	if err != nil {
		return false, fault("look for deleted", vault, name, err)
	}
	return found(vault, name, func() error { _, err := client.GetDeletedSecret(ctx, name, nil); return err })
}

// IsDeletedCertificate does the same for a certificate.
// https://learn.microsoft.com/rest/api/keyvault/certificates/get-deleted-certificate
func (c *Client) IsDeletedCertificate(ctx context.Context, vault, name string) (bool, error) {
	client, err := c.of(vault)
	if err != nil {
		return false, fault("look for deleted", vault, name, err)
	}
	return found(vault, name, func() error { _, err := client.certificates.GetDeletedCertificate(ctx, name, nil); return err })
}

func found(vault, name string, get func() error) (bool, error) {
	err := get()
	if err == nil {
		return true, nil
	}
	if err = fault("look for deleted", vault, name, err); rotation.ClassOf(err) == rotation.NotFound {
		return false, nil
	}
	return false, err
}

// Recover brings a soft-deleted secret back, with all its versions. It takes
// effect a moment later.
// https://learn.microsoft.com/rest/api/keyvault/secrets/recover-deleted-secret
func (c *Client) Recover(ctx context.Context, vault, name string) error {
	client, err := c.of(vault)
	if err != nil {
		return fault("recover", vault, name, err)
	}
	if _, err = client.RecoverDeletedSecret(ctx, name, nil); err != nil {
		return fault("recover", vault, name, err)
	}
	return nil
}

// Delete soft-deletes a secret.
// https://learn.microsoft.com/rest/api/keyvault/secrets/delete-secret
func (c *Client) Delete(ctx context.Context, vault, name string) error {
	client, err := c.of(vault)
	if err != nil {
		return fault("delete", vault, name, err)
	}
	if _, err = client.DeleteSecret(ctx, name, nil); err != nil {
		return fault("delete", vault, name, err)
	}
	return nil
}

// optional leaves a zero value out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// value reads what may be left out.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func pointers(tags map[string]string) map[string]*string {
	all := make(map[string]*string, len(tags))
	for key, text := range maps.All(tags) {
		all[key] = &text
	}
	return all
}

func texts(tags map[string]*string) map[string]string {
	all := make(map[string]string, len(tags))
	for key, text := range tags {
		all[key] = value(text)
	}
	return all
}
