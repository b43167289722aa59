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
		return invalidRequest(50027, "JWT token is invalid or malformed.")
	}
	var claims assertionClaims
	if json.Unmarshal(token.claims, &claims) != nil || claims.ID == "" {
		return invalidRequest(50027, "JWT token is invalid or malformed.")
	}
	if refused := d.checkSignature(app, token); refused != nil {
		return refused
	}
	if claims.Issuer != app.AppID || claims.Subject != app.AppID {
		return invalidClient(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
	}
	if claims.Audience != authority+tenant+"/oauth2/v2.0/token" && claims.Audience != authority+tenant+"/v2.0" {
		return invalidClient(700023, "Client assertion audience claim does not match Realm issuer.")
	}
	return checkLifetime(claims, time.Now())
}

func checkLifetime(claims assertionClaims, now time.Time) *refusal {
	notBefore, expires := time.Unix(claims.NotBefore, 0), time.Unix(claims.Expires, 0)
	if now.Before(notBefore.Add(-clockSkew)) || now.After(expires.Add(clockSkew)) {
		return invalidClient(700024, "Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s.",
			now.UTC().Format(time.RFC3339), notBefore.UTC().Format(time.RFC3339), expires.UTC().Format(time.RFC3339))
	}
	return nil
}

func (d *Directory) checkSignature(app Application, token *jwt) *refusal {
	refuse := func(reason string) *refusal {
		return invalidClient(700027, "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - %s, Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '%s'.]", reason, app.AppID)
	}
	key := app.signingKey(token.header)
	if key == nil {
		return refuse("The key was not found.")
	}
	if now := d.clock.Now(); now.Before(key.Start) || !now.Before(key.End) {
		return refuse("The key used is expired.")
	}
	public, isRSA := key.Certificate.PublicKey.(*rsa.PublicKey)
	if !isRSA || token.verify(public) != nil {
		return refuse("The key was found, but use of the key to verify the signature failed.")
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
