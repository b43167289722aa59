// Package certificate makes the certificates that applications sign in with, and
// writes them in the forms that places want: PFX, PEM and CER.
//
// A certificate is self-signed: Entra ID compares what it was given and follows no
// chain. Its key is RSA, the only kind that Entra ID takes in client assertions.
//
// Facts come from
//   - https://learn.microsoft.com/entra/identity-platform/certificate-credentials
//   - https://www.rfc-editor.org/rfc/rfc5280 (the certificate, and how long a common
//     name may be)
//   - https://www.rfc-editor.org/rfc/rfc7292 (PFX)
package certificate

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode"
)

// Pair is a certificate with its private key.
type Pair struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
}

// Request says what certificate to make.
type Request struct {
	Name       string // of the application; it becomes the subject
	Bits       int    // of the key: 2048, 3072 or 4096
	Start, End time.Time
}

// New makes a key pair and a certificate that it signs itself.
func New(r Request) (Pair, error) {
	key, err := rsa.GenerateKey(rand.Reader, r.Bits)
	if err != nil {
		return Pair{}, fmt.Errorf("certificate: make a key of %d bits: %w", r.Bits, err)
	}
	return SelfSign(key, r)
}

// SelfSign makes a certificate for a key that exists. Its length is the key's.
func SelfSign(key *rsa.PrivateKey, r Request) (Pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return Pair{}, fmt.Errorf("certificate: choose a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: CommonName(r.Name)},
		NotBefore:    r.Start, NotAfter: r.End,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return Pair{}, fmt.Errorf("certificate: sign: %w", err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		return Pair{}, fmt.Errorf("certificate: read back: %w", err)
	}
	return Pair{key, made}, nil
}

// longestCommonName is ub-common-name of RFC 5280, in characters.
const longestCommonName = 64

// CommonName makes a subject's common name of an application's name: what cannot
// be printed is left out, and what is too long is cut.
func CommonName(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	runes := []rune(strings.TrimSpace(name))
	name = strings.TrimSpace(string(runes[:min(len(runes), longestCommonName)]))
	if name == "" {
		return "rekey"
	}
	return name
}

// Thumbprint is the SHA-1 of the certificate in upper-case hexadecimal, which
// Entra ID, Windows and Azure DevOps name certificates by.
func (p Pair) Thumbprint() string {
	sum := sha1.Sum(p.Certificate.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// errKey says that a private key does not belong to the certificate beside it.
var errKey = errors.New("certificate: the private key does not belong to the certificate")

// pair puts together what belongs together.
func pair(key any, certificate *x509.Certificate) (Pair, error) {
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return Pair{}, fmt.Errorf("certificate: the private key must be an RSA key, not a %T", key)
	}
	if certificate == nil || !private.PublicKey.Equal(certificate.PublicKey) {
		return Pair{}, errKey
	}
	return Pair{private, certificate}, nil
}
