package certificate_test

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/secret"
)

func made(t testing.TB, name string) certificate.Pair {
	t.Helper()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	p, err := certificate.New(certificate.Request{Name: name, Bits: 2048, Start: start, End: start.AddDate(1, 0, 0)})
	require.NoError(t, err)
	return p
}

func TestACertificateIsAsItWasAskedFor(t *testing.T) {
	p := made(t, "Orders API")
	assert.Equal(t, "CN=Orders API", p.Certificate.Subject.String())
	assert.Equal(t, p.Certificate.Subject.String(), p.Certificate.Issuer.String())
	assert.Equal(t, 2048, p.Key.N.BitLen())
	assert.Equal(t, time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC), p.Certificate.NotAfter)
	assert.NoError(t, p.Certificate.CheckSignature(p.Certificate.SignatureAlgorithm, p.Certificate.RawTBSCertificate, p.Certificate.Signature))
	assert.Len(t, p.Thumbprint(), 40)
	assert.False(t, p.Certificate.IsCA)
}

func TestOddNamesMakeSubjects(t *testing.T) {
	for name, want := range map[string]string{
		"Größe, \"quoted\"; O=Evil": "Größe, \"quoted\"; O=Evil",
		strings.Repeat("ö", 100):    strings.Repeat("ö", 64),
		"tab\tand\nline\x00":        "tabandline",
		"\xff\xfe":                  "rekey",
		"   ":                       "rekey",
		"注文 API 🚀":                  "注文 API 🚀",
	} {
		t.Run(want, func(t *testing.T) {
			assert.Equal(t, want, certificate.CommonName(name))
			assert.Equal(t, want, made(t, name).Certificate.Subject.CommonName)
		})
	}
}

func TestEveryFormIsReadBack(t *testing.T) {
	p := made(t, "Orders API")
	text, err := p.PEM()
	require.NoError(t, err)
	again, err := certificate.Parse(text)
	require.NoError(t, err)
	assert.True(t, p.Key.Equal(again.Key))
	assert.Equal(t, p.Certificate.Raw, again.Certificate.Raw)

	for _, password := range []string{"", "pass word"} {
		pfx, err := p.PFX(secret.New(password))
		require.NoError(t, err)
		again, err = certificate.ParsePFX(pfx, secret.New(password))
		require.NoError(t, err)
		assert.Equal(t, p.Certificate.Raw, again.Certificate.Raw)
		_, err = certificate.ParsePFX(pfx, secret.New("another"))
		assert.EqualError(t, err, "certificate: the PFX has another password")
	}

	block, _ := pem.Decode([]byte(p.CER()))
	public, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	assert.True(t, public.Equal(p.Certificate))
	assert.NotContains(t, p.CER(), "PRIVATE")
}

func TestWhatDoesNotBelongTogetherIsRefused(t *testing.T) {
	one, other := made(t, "one"), made(t, "other")
	mixed, err := certificate.Pair{Key: one.Key, Certificate: other.Certificate}.PEM()
	require.NoError(t, err)
	_, err = certificate.Parse(mixed)
	assert.EqualError(t, err, "certificate: the private key does not belong to the certificate")
	for _, text := range []string{"", "secret", one.CER(), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		_, err = certificate.Parse(secret.New(text))
		assert.Error(t, err)
	}
}

// FuzzParse reads any text as PEM and as PFX: what is read belongs together and is
// written again, what is not is refused without a piece of it.
func FuzzParse(f *testing.F) {
	p := made(f, "fuzz")
	text, err := p.PEM()
	require.NoError(f, err)
	pfx, err := p.PFX(secret.Value{})
	require.NoError(f, err)
	f.Add(text.Reveal())
	f.Add(pfx.Reveal())
	f.Add(text.Reveal()[:len(text.Reveal())/2])
	f.Add(pfx.Reveal()[:len(pfx.Reveal())/2&^3])
	f.Add(text.Reveal() + text.Reveal())
	f.Add("0000")
	f.Add(strings.Replace(text.Reveal(), "PRIVATE KEY", "EC PRIVATE KEY", 2))
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func() (certificate.Pair, error){
			func() (certificate.Pair, error) { return certificate.Parse(secret.New(text)) },
			func() (certificate.Pair, error) { return certificate.ParsePFX(secret.New(text), secret.Value{}) },
		} {
			pair, err := read()
			if err != nil {
				assert.Less(t, len(err.Error()), 300)
				for i := 0; i+24 <= len(text); i += 24 {
					assert.NotContains(t, err.Error(), text[i:i+24])
				}
				continue
			}
			again, err := pair.PEM()
			require.NoError(t, err)
			same, err := certificate.Parse(again)
			require.NoError(t, err)
			assert.True(t, pair.Key.Equal(same.Key))
			assert.Len(t, pair.Thumbprint(), 40)
		}
	})
}
