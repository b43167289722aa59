package targettest

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// value makes a credential's value. A secret has characters that are spelled
// differently in JSON, in a URL and in HTML; a certificate is a real one.
func (s *subject) value(t testing.TB, start, end time.Time) secret.Value {
	t.Helper()
	if s.Row.Kind != rotation.Certificate {
		text := fmt.Sprintf(`suite~<&>"%%+/ %d.credential`, s.generation)
		require.NoError(t, s.secrets.Add(fmt.Sprintf("secret %d", s.generation), text))
		return secret.New(text)
	}
	key, err := sharedKey()
	require.NoError(t, err)
	pair, err := certificate.SelfSign(key, certificate.Request{Name: s.App.Name, Start: start, End: end})
	require.NoError(t, err)
	text, err := pair.PEM()
	require.NoError(t, err)
	s.secrets.AddKey("the private key", key)
	return text
}

// sharedKey is the key of all certificates here: to make one takes a while.
var sharedKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
