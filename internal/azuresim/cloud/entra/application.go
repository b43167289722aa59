package entra

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Application is an application registration. Values of it are snapshots: what
// they refer to is never written to; change a Clone.
type Application struct {
	ObjectID, AppID string
	DisplayName     string
	Description     string
	Notes           string
	SignInAudience  string
	Tags            []string
	IdentifierURIs  []string
	CreatedAt       time.Time
	// TokenVersion is of which version access tokens for it are: 2, or else 1.
	// https://learn.microsoft.com/graph/api/resources/apiapplication
	TokenVersion int
	// Owners are the object ids of users and service principals.
	Owners    []string
	Passwords []Password
	Keys      []Key
	Federated []FederatedCredential
}

// FederatedCredential trusts another issuer's tokens in place of a secret.
// https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
type FederatedCredential struct {
	ID, Name        string
	Issuer, Subject string
	Audiences       []string
}

// Password is a client secret, of which only the hash is known.
type Password struct {
	KeyID        string
	DisplayName  string
	Hint         string
	SecretSHA256 [sha256.Size]byte
	Start, End   time.Time
}

// Key is a certificate that the application signs its assertions with.
type Key struct {
	KeyID       string
	DisplayName string
	Type, Usage string
	// CustomKeyIdentifier is the certificate's SHA-1 thumbprint in capital hex,
	// unless the one who registered it chose something else.
	CustomKeyIdentifier string
	Certificate         *x509.Certificate
	Start, End          time.Time
}

// Clone returns a copy that shares nothing with a.
func (a Application) Clone() Application {
	a.Tags = slices.Clone(a.Tags)
	a.IdentifierURIs = slices.Clone(a.IdentifierURIs)
	a.Owners = slices.Clone(a.Owners)
	a.Passwords = slices.Clone(a.Passwords)
	a.Keys = slices.Clone(a.Keys)
	a.Federated = slices.Clone(a.Federated)
	return a
}

// OwnedBy reports whether a principal is among the owners.
func (a Application) OwnedBy(objectID string) bool { return slices.Contains(a.Owners, objectID) }

const (
	secretLength   = 40
	hintLength     = 3
	secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~.-"
)

// NewPassword makes a client secret as addPassword does: 40 characters that are
// shown once, with the first three as a hint.
func NewPassword(displayName string, start, end time.Time) (p Password, secret string) {
	secret = randomText()
	return Password{
		KeyID:        uuid.NewString(),
		DisplayName:  displayName,
		Hint:         secret[:hintLength],
		SecretSHA256: sha256.Sum256([]byte(secret)),
		Start:        start,
		End:          end,
	}, secret
}

// randomText draws each character evenly: bytes beyond a multiple of the
// alphabet's length are drawn again.
func randomText() string {
	limit := byte(256 - 256%len(secretAlphabet))
	var text strings.Builder
	for draw := make([]byte, 1); text.Len() < secretLength; {
		rand.Read(draw) // never fails: see crypto/rand
		if draw[0] < limit {
			text.WriteByte(secretAlphabet[int(draw[0])%len(secretAlphabet)])
		}
	}
	return text.String()
}

// NewKey registers a certificate for verifying assertions, valid as long as the
// certificate itself.
func NewKey(certificate *x509.Certificate) Key {
	return Key{
		KeyID:               uuid.NewString(),
		DisplayName:         certificate.Subject.String(),
		Type:                "AsymmetricX509Cert",
		Usage:               "Verify",
		CustomKeyIdentifier: Thumbprint(certificate),
		Certificate:         certificate,
		Start:               certificate.NotBefore,
		End:                 certificate.NotAfter,
	}
}

// Thumbprint returns a certificate's SHA-1 in capital hex.
func Thumbprint(certificate *x509.Certificate) string {
	sum := sha1.Sum(certificate.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
