package keyvault

import "encoding/base64"

// attributes are a version's; nbf, exp, created and updated in Unix seconds.
type attributes struct {
	Enabled         *bool  `json:"enabled,omitempty"`
	NotBefore       *int64 `json:"nbf,omitempty"`
	Expires         *int64 `json:"exp,omitempty"`
	Created         int64  `json:"created,omitempty"`
	Updated         int64  `json:"updated,omitempty"`
	RecoveryLevel   string `json:"recoveryLevel,omitempty"`
	RecoverableDays int    `json:"recoverableDays,omitempty"`
}

// bundle is SecretBundle and CertificateBundle, their items in lists and their
// deleted forms in one.
type bundle struct {
	Value       *string           `json:"value,omitempty"`
	ID          string            `json:"id"`
	ContentType string            `json:"contentType,omitempty"`
	Attributes  attributes        `json:"attributes"`
	Tags        map[string]string `json:"tags,omitempty"`
	KeyID       string            `json:"kid,omitempty"`
	Managed     bool              `json:"managed,omitempty"` // of a secret: a certificate's

	SecretID   string  `json:"sid,omitempty"`
	Thumbprint string  `json:"x5t,omitempty"`
	CER        []byte  `json:"cer,omitempty"`
	Policy     *policy `json:"policy,omitempty"`

	RecoveryID         string `json:"recoveryId,omitempty"`
	DeletedDate        int64  `json:"deletedDate,omitempty"`
	ScheduledPurgeDate int64  `json:"scheduledPurgeDate,omitempty"`
}

// properties are what lists of versions show of one.
func (c *call) properties(o *object, v *version) bundle {
	b := bundle{ID: c.id(c.kind, o, v), Attributes: v.attributes(c.vault), Tags: v.tags}
	switch {
	case c.kind == certificates:
		b.Thumbprint = base64.RawURLEncoding.EncodeToString(thumbprint(v.x509))
	case o.kind == certificates:
		b.ContentType, b.KeyID, b.Managed, b.Tags = v.contentType, c.id("keys", o, v), true, nil
	default:
		b.ContentType = v.contentType
	}
	return b
}

// bundle is what a read or a write of a version shows, but for a secret's value.
func (c *call) bundle(o *object, v *version) bundle {
	b := c.properties(o, v)
	if c.kind == certificates {
		b.KeyID, b.SecretID = c.id("keys", o, v), c.id(secrets, o, v)
		b.ContentType, b.CER, b.Policy = v.contentType, v.x509.Raw, c.policy(o, v)
	}
	return b
}

// item is what lists show: the current version's properties under the bare name.
func (c *call) item(o *object) bundle {
	b := c.properties(o, o.current())
	b.ID = c.base() + "/" + c.kind + "/" + o.name
	return b
}

func (c *call) asDeleted(o *object, b bundle) bundle {
	b.RecoveryID = c.base() + "/deleted" + c.kind + "/" + o.name
	b.DeletedDate = o.deleted.Unix()
	b.ScheduledPurgeDate = o.purgeDate(c.vault).Unix()
	return b
}

func (c *call) id(kind string, o *object, v *version) string {
	return c.base() + "/" + kind + "/" + o.name + "/" + v.id
}

func (v *version) attributes(vault Vault) attributes {
	return attributes{
		Enabled:         &v.enabled,
		NotBefore:       v.notBefore,
		Expires:         v.expires,
		Created:         v.created.Unix(),
		Updated:         v.updated.Unix(),
		RecoveryLevel:   recoveryLevel(vault),
		RecoverableDays: vault.RetentionDays,
	}
}

func recoveryLevel(vault Vault) string {
	level := "Recoverable"
	if vault.RetentionDays < 90 {
		level = "CustomizedRecoverable"
	}
	if vault.PurgeProtection {
		return level
	}
	return level + "+Purgeable"
}
