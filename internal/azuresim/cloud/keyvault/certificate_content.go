package keyvault

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"

	"software.sslmate.com/src/go-pkcs12"
)

// The forms in which a certificate is imported and its secret is read.
const (
	typePFX = "application/x-pkcs12"
	typePEM = "application/x-pem-file"
)

// content is a certificate with its private key and those that signed it.
type content struct {
	key     any
	leaf    *x509.Certificate
	signers []*x509.Certificate
}

func thumbprint(c *x509.Certificate) []byte {
	sum := sha1.Sum(c.Raw)
	return sum[:]
}

func readContent(value, password, contentType string) (content, error) {
	read := readPEM
	if contentType == typePFX {
		read = func(value string) (content, error) { return readPFX(value, password) }
	}
	c, err := read(value)
	if err != nil {
		return c, err
	}
	if !belongs(c.key, c.leaf) {
		return c, badParameter("The private key does not match the public key of the X.509 certificate content.")
	}
	return c, nil
}

func readPFX(value, password string) (c content, err error) {
	der, err := base64.StdEncoding.DecodeString(value)
	if err == nil {
		c.key, c.leaf, c.signers, err = pkcs12.DecodeChain(der, password)
	}
	if err != nil {
		return c, badParameter("The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in valid PKCS#12 format.")
	}
	return c, nil
}

func readPEM(value string) (c content, err error) {
	for rest := []byte(value); err == nil; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		err = c.take(block)
	}
	if err != nil || c.key == nil || c.leaf == nil {
		return c, badParameter("The specified PEM X.509 certificate content is in an unexpected format. Please check if certificate is in valid PEM format.")
	}
	return c, nil
}

// take reads one block; the key must be in PKCS #8.
// https://learn.microsoft.com/azure/key-vault/certificates/tutorial-import-certificate
func (c *content) take(block *pem.Block) (err error) {
	switch block.Type {
	case "PRIVATE KEY":
		c.key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "CERTIFICATE":
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); c.leaf == nil {
			c.leaf = certificate
		} else {
			c.signers = append(c.signers, certificate)
		}
	}
	return err
}

func belongs(key any, certificate *x509.Certificate) bool {
	switch private := key.(type) {
	case *rsa.PrivateKey:
		return private.PublicKey.Equal(certificate.PublicKey)
	case *ecdsa.PrivateKey:
		return private.PublicKey.Equal(certificate.PublicKey)
	}
	return false
}

// secretValue is what the certificate's secret holds: all of it, or without the
// private key where that may not leave the vault.
func (c content) secretValue(contentType string, exportable bool) (string, error) {
	if contentType == typePEM {
		return c.asPEM(exportable)
	}
	var der []byte
	var err error
	if exportable {
		der, err = pkcs12.LegacyDES.Encode(c.key, c.leaf, c.signers, "")
	} else {
		der, err = pkcs12.LegacyDES.EncodeTrustStore(append([]*x509.Certificate{c.leaf}, c.signers...), "")
	}
	return base64.StdEncoding.EncodeToString(der), err
}

func (c content) asPEM(exportable bool) (string, error) {
	var text []byte
	if exportable {
		der, err := x509.MarshalPKCS8PrivateKey(c.key)
		if err != nil {
			return "", err
		}
		text = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	for _, certificate := range append([]*x509.Certificate{c.leaf}, c.signers...) {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})...)
	}
	return string(text), nil
}
