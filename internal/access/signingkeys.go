package access

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const loginHost = "login.microsoftonline.com"

const (
	// fresh is for how long keys are used before they are asked for again.
	fresh = 24 * time.Hour
	// pause is how long nobody is asked after that, whatever comes: whoever makes up
	// names of keys must not make us call.
	pause = time.Minute
	// kept is for how long keys are used while Entra ID is out of reach.
	kept = 7 * 24 * time.Hour
)

// errUnknownSigner says that a token names a key that Entra ID does not have.
var errUnknownSigner = errors.New("no such signing key")

// signingKeys are those of the tenant. Entra ID changes them without notice, and a
// token that names a new one is the first that is heard of it.
// https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
type signingKeys struct {
	client   *http.Client
	tenantID string
	timeout  time.Duration
	now      func() time.Time
	one      singleflight.Group

	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey
	read    time.Time // when the keys were
	asked   time.Time // when they were last asked for
	failure error     // of that time
}

func newSigningKeys(c Config) *signingKeys {
	return &signingKeys{client: outbound.To(c.Transport, loginHost), tenantID: c.TenantID, timeout: c.CallTimeout, now: c.Now}
}

// key returns the key of an id.
func (s *signingKeys) key(ctx context.Context, id string) (*rsa.PublicKey, error) {
	key, ask := s.known(id)
	if ask {
		_, _, _ = s.one.Do("", func() (any, error) {
			s.refresh(context.WithoutCancel(ctx)) // others wait for the answer
			return nil, nil
		})
		key, _ = s.known(id)
	}
	if key != nil {
		return key, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return nil, s.failure
	}
	return nil, errUnknownSigner
}

// known returns a key, and whether Entra ID should be asked first.
func (s *signingKeys) known(id string) (key *rsa.PublicKey, ask bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	age := s.now().Sub(s.read)
	if age < kept {
		key = s.keys[id]
	}
	return key, (key == nil || age >= fresh) && s.now().Sub(s.asked) >= pause
}

func (s *signingKeys) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	keys, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.failure = s.now(), err
	if err == nil {
		s.keys, s.read = keys, s.asked
	}
}

// fetch asks where the keys are, and for them.
// https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#fetch-the-openid-configuration-document
func (s *signingKeys) fetch(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	var configuration struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	authority := "https://" + loginHost + "/" + s.tenantID + "/v2.0"
	if err := s.get(ctx, authority+"/.well-known/openid-configuration", &configuration); err != nil {
		return nil, err
	}
	if configuration.Issuer != authority {
		return nil, outage(fmt.Errorf("entra: read the signing keys: the issuer is %q instead of %q", configuration.Issuer, authority))
	}
	var set keySet
	if err := s.get(ctx, configuration.Keys, &set); err != nil {
		return nil, err
	}
	keys := set.rsaKeys()
	if len(keys) == 0 {
		return nil, outage(errors.New("entra: read the signing keys: there is none"))
	}
	return keys, nil
}

func (s *signingKeys) get(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return outage(errors.New("entra: read the signing keys: the address is none"))
	}
	response, err := s.client.Do(request)
	if err != nil {
		return outage(fmt.Errorf("entra: read the signing keys: %w", err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return outage(fmt.Errorf("entra: read the signing keys: status %d", response.StatusCode))
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return outage(fmt.Errorf("entra: read the signing keys: %w", err))
	}
	return nil
}

// outage says that nobody can be identified by a token until it has passed.
func outage(err error) error {
	return &rotation.Fault{Class: rotation.Transient, Err: err, After: pause}
}

// keySet is a JSON Web Key Set: https://www.rfc-editor.org/rfc/rfc7517#section-5
type keySet struct {
	Keys []struct {
		Type     string `json:"kty"`
		Use      string `json:"use"`
		ID       string `json:"kid"`
		Modulus  string `json:"n"`
		Exponent string `json:"e"`
	} `json:"keys"`
}

// smallestKey is the least number of bits that a signature is believed with.
const smallestKey = 2048

// rsaKeys returns the keys that sign tokens; whatever else is in the set is for others.
func (s keySet) rsaKeys() map[string]*rsa.PublicKey {
	keys := map[string]*rsa.PublicKey{}
	for _, k := range s.Keys {
		n, errN := base64.RawURLEncoding.DecodeString(k.Modulus)
		e, errE := base64.RawURLEncoding.DecodeString(k.Exponent)
		if k.Type != "RSA" || k.Use != "sig" || k.ID == "" || errN != nil || errE != nil || len(e) > 4 {
			continue
		}
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		if key.N.BitLen() >= smallestKey && key.E > 1 {
			keys[k.ID] = key
		}
	}
	return keys
}
