package certificate

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/rekey-dev/rekey/internal/secret"
)

// PEM is the private key (PKCS #8) and then the certificate. It is also how a
// certificate travels inside rekey, as the value of a credential.
func (p Pair) PEM() (secret.Value, error) {
	key, err := x509.MarshalPKCS8PrivateKey(p.Key)
	if err != nil {
		return secret.Value{}, fmt.Errorf("certificate: write the private key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return secret.New(string(text) + p.CER()), nil
}

// CER is the certificate alone, its public part, as PEM.
func (p Pair) CER() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate.Raw}))
}

// PFX is the certificate with its private key as PKCS #12 in base64. It is encrypted
// as Windows has always done it, because newer ways cannot be read by all of its
// versions; what protects it is the way it travels.
func (p Pair) PFX(password secret.Value) (secret.Value, error) {
	der, err := pkcs12.LegacyDES.Encode(p.Key, p.Certificate, nil, password.Reveal())
	if err != nil {
		return secret.Value{}, fmt.Errorf("certificate: write a PFX: %w", err)
	}
	return secret.New(base64.StdEncoding.EncodeToString(der)), nil
}

// Parse reads what PEM wrote.
func Parse(value secret.Value) (Pair, error) {
	var key any
	var certificate *x509.Certificate
	for rest := []byte(value.Reveal()); ; {
		block, more := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = more
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "CERTIFICATE":
			certificate, err = x509.ParseCertificate(block.Bytes)
		}
		if err != nil {
			return Pair{}, fmt.Errorf("certificate: the %s cannot be read", block.Type) // the cause may quote the key
		}
	}
	if key == nil || certificate == nil {
		return Pair{}, errors.New("certificate: must be a private key and a certificate as PEM")
	}
	return pair(key, certificate)
}

// ParsePFX reads a PFX in base64.
func ParsePFX(value, password secret.Value) (Pair, error) {
	der, err := base64.StdEncoding.DecodeString(value.Reveal())
	if err != nil {
		return Pair{}, errors.New("certificate: the PFX is not in base64")
	}
	key, certificate, _, err := pkcs12.DecodeChain(der, password.Reveal())
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return Pair{}, errors.New("certificate: the PFX has another password")
	}
	if err != nil { // in the decoder's own words, which are no one else's
		return Pair{}, errors.New("certificate: the PFX cannot be read: it must be PKCS #12 with a private key and its certificate")
	}
	return pair(key, certificate)
}
