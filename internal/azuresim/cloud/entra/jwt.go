package entra

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
)

// A JWT has three parts; decode them with decodeJWT, which verifies nothing.
type jwt struct {
	header    map[string]any
	claims    json.RawMessage
	signed    string
	signature []byte
}

func decodeJWT(compact string) (*jwt, error) {
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return nil, errors.New("a JWT has three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return nil, err
		}
	}
	t := &jwt{claims: decoded[1], signature: decoded[2], signed: parts[0] + "." + parts[1]}
	if err := json.Unmarshal(decoded[0], &t.header); err != nil {
		return nil, err
	}
	return t, nil
}

// verify checks the signature by the algorithm that the header names.
func (t *jwt) verify(key *rsa.PublicKey) error {
	sum := sha256.Sum256([]byte(t.signed))
	switch t.header["alg"] {
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], t.signature)
	case "PS256":
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], t.signature, nil)
	}
	return errors.New("the algorithm is neither RS256 nor PS256")
}

// signer issues tokens with a key that it was given, or one of its own, made when
// it is first needed. Earlier keys are shown on: tokens that they signed are about.
type signer struct {
	mu   sync.Mutex
	keys []*rsa.PrivateKey // the newest last
}

func newSigner(given *rsa.PrivateKey) *signer {
	s := &signer{}
	if given != nil {
		s.keys = append(s.keys, given)
	}
	return s
}

func (s *signer) key() *rsa.PrivateKey {
	keys := s.all()
	return keys[len(keys)-1]
}

func (s *signer) all() []*rsa.PrivateKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) == 0 {
		s.keys = append(s.keys, newKey())
	}
	return slices.Clone(s.keys)
}

// roll signs with a new key from now on.
func (s *signer) roll() {
	s.all()
	key := newKey()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, key)
}

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // 2048 bits from the system's randomness: it cannot fail
	}
	return key
}

func keyID(key *rsa.PublicKey) string {
	sum := sha256.Sum256(key.N.Bytes())
	return base64.RawURLEncoding.EncodeToString(sum[:20])
}

// sign makes a token. Version 1.0 names its key twice.
func (s *signer) sign(c claims) (string, error) {
	key := s.key()
	named := map[string]string{"typ": "JWT", "alg": "RS256", "kid": keyID(&key.PublicKey)}
	if c.Version == "1.0" {
		named["x5t"] = named["kid"]
	}
	header, err := json.Marshal(named)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// verify checks that one of the keys signed a token.
func (s *signer) verify(t *jwt) error {
	err := errors.New("there is no such key")
	for _, key := range s.all() {
		if t.header["kid"] == keyID(&key.PublicKey) {
			err = t.verify(&key.PublicKey)
		}
	}
	return err
}

// keySet is the public keys as discovery/v2.0/keys shows them.
// https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
func (s *signer) keySet(issuer string) map[string]any {
	shown := []map[string]any{}
	for _, key := range s.all() {
		id := keyID(&key.PublicKey)
		shown = append(shown, map[string]any{
			"kty": "RSA", "use": "sig", "kid": id, "x5t": id, "cloud_instance_name": "microsoftonline.com", "issuer": issuer,
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		})
	}
	return map[string]any{"keys": shown}
}
