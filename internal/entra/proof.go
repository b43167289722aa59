package entra

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// proof is the part of a token request that proves who asks: the secret itself,
// or an assertion that the certificate's private key signed.
func (c *Client) proof(appID string, credential rotation.Credential) (url.Values, error) {
	if credential.Value.IsZero() {
		return nil, errors.New("there is no credential to verify")
	}
	if credential.Rotation.Kind == rotation.Secret {
		return url.Values{"client_secret": {credential.Value.Reveal()}}, nil
	}
	assertion, err := c.assertion(appID, credential)
	if err != nil {
		return nil, err
	}
	return url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}, nil
}

// assertionLives is how long an assertion is good for; it is used at once.
const assertionLives = 5 * time.Minute

// https://learn.microsoft.com/entra/identity-platform/certificate-credentials
func (c *Client) assertion(appID string, credential rotation.Credential) (string, error) {
	pair, err := certificate.Parse(credential.Value)
	if err != nil {
		return "", err
	}
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodPS256, jwt.MapClaims{
		"aud": c.tokenEndpoint(), "iss": appID, "sub": appID, "jti": uuid.NewString(),
		"nbf": now.Unix(), "exp": now.Add(assertionLives).Unix(),
	})
	thumbprint := sha256.Sum256(pair.Certificate.Raw)
	token.Header["x5t#S256"] = base64.RawURLEncoding.EncodeToString(thumbprint[:])
	return token.SignedString(pair.Key)
}
