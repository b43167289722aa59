package entra

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// clockSkew is how much an assertion's times may be off.
const clockSkew = 5 * time.Minute

// assertionClaims are what certificate credentials have to say.
type assertionClaims struct {
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	ID        string `json:"jti"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
}

// checkAssertion verifies a client assertion by one of the application's certificates.
// https://learn.microsoft.com/entra/identity-platform/certificate-credentials
func (d *Directory) checkAssertion(app Application, compact, tenant string) *refusal {
	token, err := decodeJWT(compact)
	if err != nil {
		return malformedAssertion()
	}
	var claims assertionClaims
	if json.Unmarshal(token.claims, &claims) != nil || claims.ID == "" {
		return malformedAssertion()
	}
	if refused := d.checkSignature(app, token); refused != nil {
		return refused
	}
	if claims.Issuer != app.AppID || claims.Subject != app.AppID {
		return wrongAssertionClient()
	}
	if claims.Audience != authority+tenant+"/oauth2/v2.0/token" && claims.Audience != authority+tenant+"/v2.0" {
		return wrongAssertionAudience()
	}
	return checkLifetime(claims, time.Now())
}

func checkLifetime(claims assertionClaims, now time.Time) *refusal {
	notBefore, expires := time.Unix(claims.NotBefore, 0), time.Unix(claims.Expires, 0)
	if now.Before(notBefore.Add(-clockSkew)) || now.After(expires.Add(clockSkew)) {
		return untimelyAssertion(now, notBefore, expires)
	}
	return nil
}

func (d *Directory) checkSignature(app Application, token *jwt) *refusal {
	key := app.signingKey(token.header)
	if key == nil {
		return wrongKey(app.AppID, "The key was not found.")
	}
	if now := d.clock.Now(); now.Before(key.Start) || !now.Before(key.End) {
		return wrongKey(app.AppID, "The key used is expired.")
	}
	public, isRSA := key.Certificate.PublicKey.(*rsa.PublicKey)
	if !isRSA || token.verify(public) != nil {
		return wrongKey(app.AppID, "The key was found, but use of the key to verify the signature failed.")
	}
	return nil
}

// signingKey finds the certificate that the header names by thumbprint.
func (a Application) signingKey(header map[string]any) *Key {
	for i, key := range a.Keys {
		if key.Usage != "Verify" {
			continue
		}
		long, short := sha256.Sum256(key.Certificate.Raw), sha1.Sum(key.Certificate.Raw)
		if names(header["x5t#S256"], long[:]) || names(header["x5t"], short[:]) {
			return &a.Keys[i]
		}
	}
	return nil
}

// names reads a thumbprint in either base64: the documentation says base64url,
// MSAL for Go sends the standard one with padding.
func names(value any, thumbprint []byte) bool {
	text, _ := value.(string)
	text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
	return text == base64.RawURLEncoding.EncodeToString(thumbprint)
}
