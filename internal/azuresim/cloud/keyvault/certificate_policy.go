package keyvault

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
)

// policy is how a certificate is kept and renewed.
// https://learn.microsoft.com/rest/api/keyvault/certificates/import-certificate#certificatepolicy
type policy struct {
	ID         string            `json:"id,omitempty"`
	Key        *keyProperties    `json:"key_props,omitempty"`
	Secret     *secretProperties `json:"secret_props,omitempty"`
	X509       *x509Properties   `json:"x509_props,omitempty"`
	Actions    json.RawMessage   `json:"lifetime_actions,omitempty"`
	Issuer     *issuer           `json:"issuer,omitempty"`
	Attributes *attributes       `json:"attributes,omitempty"`
}

type keyProperties struct {
	Exportable *bool  `json:"exportable,omitempty"`
	Type       string `json:"kty,omitempty"`
	Size       int    `json:"key_size,omitempty"`
	Curve      string `json:"crv,omitempty"`
	Reuse      bool   `json:"reuse_key"`
}

type secretProperties struct {
	ContentType string `json:"contentType,omitempty"`
}

type x509Properties struct {
	Subject  string   `json:"subject"`
	Usages   []string `json:"ekus"`
	KeyUsage []string `json:"key_usage"`
	Months   int      `json:"validity_months"`
}

type issuer struct {
	Name string `json:"name,omitempty"`
}

// contentType is the form of an import that says none: PFX.
func (p *policy) contentType() string {
	if p == nil || p.Secret == nil || p.Secret.ContentType == "" {
		return typePFX
	}
	return p.Secret.ContentType
}

func (p *policy) exportable() bool {
	return p == nil || p.Key == nil || p.Key.Exportable == nil || *p.Key.Exportable
}

func (p *policy) check() error {
	if kind := p.contentType(); kind != typePFX && kind != typePEM {
		return badParameter("Property secret_props.contentType has unsupported value %s.", kind)
	}
	if p != nil && p.Issuer != nil && p.Issuer.Name != "" && p.Issuer.Name != "Unknown" && p.Issuer.Name != "Self" {
		return badParameter("The issuer %s is not known to this key vault.", p.Issuer.Name)
	}
	return nil
}

// of completes what an import asked for with what its certificate says, and
// refuses what contradicts it.
func (p *policy) of(c content) (policy, error) {
	exportable, actual := p.exportable(), keyProperties{}
	switch key := c.key.(type) {
	case *rsa.PrivateKey:
		actual = keyProperties{Type: "RSA", Size: key.N.BitLen()}
	case *ecdsa.PrivateKey:
		actual = keyProperties{Type: "EC", Size: key.Params().BitSize, Curve: key.Params().Name}
	}
	actual.Exportable = &exportable
	result := policy{
		Key: &actual, Secret: &secretProperties{p.contentType()}, X509: describeX509(c.leaf), Issuer: &issuer{"Unknown"},
		Actions: json.RawMessage(`[{"trigger":{"lifetime_percentage":80},"action":{"action_type":"EmailContacts"}}]`),
	}
	if p == nil {
		return result, nil
	}
	if asked := p.Key; asked != nil {
		if asked.Type != "" && asked.Type != actual.Type || asked.Size != 0 && asked.Size != actual.Size {
			return result, badParameter("The policy's key properties do not match the key of the X.509 certificate content.")
		}
		actual.Reuse = asked.Reuse
	}
	if p.Actions != nil {
		result.Actions = p.Actions
	}
	if p.Issuer != nil && p.Issuer.Name != "" {
		result.Issuer = p.Issuer
	}
	return result, nil
}

func describeX509(c *x509.Certificate) *x509Properties {
	years, months := c.NotAfter.Year()-c.NotBefore.Year(), int(c.NotAfter.Month()-c.NotBefore.Month())
	return &x509Properties{Subject: c.Subject.String(), Usages: []string{}, KeyUsage: []string{}, Months: 12*years + months}
}

func (c *call) policy(o *object, v *version) *policy {
	p := v.policy
	p.ID = c.base() + "/certificates/" + o.name + "/policy"
	enabled := true
	p.Attributes = &attributes{Enabled: &enabled, Created: o.versions[0].created.Unix(), Updated: v.created.Unix()}
	return &p
}
