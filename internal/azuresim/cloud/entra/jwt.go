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
// it is first needed.
type signer struct {
	key func() *rsa.PrivateKey
}

func newSigner(given *rsa.PrivateKey) *signer {
	if given != nil {
		return &signer{key: func() *rsa.PrivateKey { return given }}
	}
	return &signer{key: sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err) // 2048 bits from the system's randomness: it cannot fail
		}
		return key
	})}
}

func (s *signer) keyID() string {
	sum := sha256.Sum256(s.key().N.Bytes())
	return base64.RawURLEncoding.EncodeToString(sum[:20])
}

func (s *signer) sign(claims any) (string, error) {
	header, err := json.Marshal(map[string]string{"typ": "JWT", "alg": "RS256", "x5t": s.keyID(), "kid": s.keyID()})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, s.key(), crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// keySet is the public key as discovery/v2.0/keys shows it.
func (s *signer) keySet() map[string]any {
	public := s.key().PublicKey
	return map[string]any{"keys": []map[string]any{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": s.keyID(), "x5t": s.keyID(),
		"n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
	}}}
}
