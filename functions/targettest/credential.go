package targettest

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// value makes a credential's value. A secret has characters that are spelled
// differently in JSON, in a URL and in HTML.
func (s *subject) value(t *testing.T, start, end time.Time) secret.Value {
	t.Helper()
	if s.Row.Kind != rotation.Certificate {
		text := fmt.Sprintf(`suite~<&>"%%+/ %d.credential`, s.generation)
		s.values = append(s.values, text)
		return secret.New(text)
	}
	pair, err := first()
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(s.generation)), Subject: pkix.Name{CommonName: "suite"}, NotBefore: start, NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pair.Key.Public(), pair.Key)
	require.NoError(t, err)
	pair.Certificate, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	text, err := pair.PEM()
	require.NoError(t, err)
	// A part of the private key is as bad as the whole: an error may have its beginning.
	lines := strings.Split(text.Reveal(), "\n")
	s.values = append(s.values, text.Reveal(), lines[2], lines[10])
	return text
}

// first makes the key that all certificates of the suite share: making one takes time.
var first = sync.OnceValues(func() (certificate.Pair, error) {
	now := time.Now()
	return certificate.New(certificate.Request{Name: "suite", Bits: 2048, Start: now, End: now.AddDate(1, 0, 0)})
})
