package simulation

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"

	"github.com/rekey-dev/rekey/internal/certificate"
)

// sharedKey is the key of all certificates here: to make one takes a while.
var sharedKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newCertificate(r certificate.Request) (certificate.Pair, error) {
	key, err := sharedKey()
	if err != nil {
		return certificate.Pair{}, err
	}
	return certificate.SelfSign(key, r)
}
