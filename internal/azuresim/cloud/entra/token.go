package entra

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Caller is who sent a request: a service principal or a managed identity.
type Caller struct {
	ObjectID, AppID, TenantID string
}

// Why Authenticate refuses a request.
var (
	ErrNoToken       = errors.New("the request carries no bearer token")
	ErrInvalidToken  = errors.New("the token was not issued by this tenant")
	ErrExpiredToken  = errors.New("the token has expired")
	ErrWrongAudience = errors.New("the token is for another audience")
)

// Token is what a bearer token says of its holder.
type Token struct {
	Caller
	// Roles are the app roles that the caller had when the token was issued.
	Roles []string
}

// claims are those of a version 1.0 access token for an application.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
type claims struct {
	Audience  string   `json:"aud"`
	Issuer    string   `json:"iss"`
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf"`
	Expires   int64    `json:"exp"`
	AppID     string   `json:"appid"`
	AppIDACR  string   `json:"appidacr"`
	IDType    string   `json:"idtyp"`
	ObjectID  string   `json:"oid"`
	Roles     []string `json:"roles,omitempty"`
	Subject   string   `json:"sub"`
	TenantID  string   `json:"tid"`
	TokenID   string   `json:"uti"`
	Version   string   `json:"ver"`
}

// How the client proved who it is: the claim appidacr.
const (
	provedBySecret      = "1"
	provedByCertificate = "2"
)

func (d *Directory) issuer() string { return "https://sts.windows.net/" + d.tenantID + "/" }

// issue signs a token for a principal. Only Microsoft Graph's app roles are known.
func (d *Directory) issue(sp ServicePrincipal, audience, proof string, lifetime time.Duration) (string, error) {
	now := time.Now().Truncate(sameToken(lifetime))
	c := claims{
		Audience: audience, Issuer: d.issuer(),
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(lifetime).Unix(),
		AppID: sp.AppID, AppIDACR: proof, IDType: "app",
		ObjectID: sp.ObjectID, Subject: sp.ObjectID, TenantID: d.tenantID,
		TokenID: uuid.NewString(), Version: "1.0",
	}
	if sameAudience(audience, GraphAudience) {
		c.Roles = sp.Roles
	}
	return d.recent.issue(c, d.signer.sign)
}

// sameToken is for how long whoever asks again gets the token of before: it is
// dated back by less, as Entra dates its tokens back by minutes.
func sameToken(lifetime time.Duration) time.Duration {
	return max(time.Second, min(10*time.Second, lifetime/360))
}

// Authenticate returns who sent r: its bearer token must have been issued here,
// for audience, and must not have expired. The error wraps one of the Err values.
func (d *Directory) Authenticate(r *http.Request, audience string) (Caller, error) {
	token, err := d.Verify(r, audience)
	return token.Caller, err
}

// Verify is Authenticate for a service that has app roles.
func (d *Directory) Verify(r *http.Request, audience string) (Token, error) {
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" {
		return Token{}, fmt.Errorf("entra: authenticate: %w", ErrNoToken)
	}
	c, err := d.verified.claims(bearer, d.verify)
	switch {
	case err != nil:
		return Token{}, fmt.Errorf("entra: authenticate: %w: %w", ErrInvalidToken, err)
	case time.Now().Unix() >= c.Expires:
		return Token{}, fmt.Errorf("entra: authenticate: %w", ErrExpiredToken)
	case !sameAudience(c.Audience, audience):
		return Token{}, fmt.Errorf("entra: authenticate: %w: %q instead of %q", ErrWrongAudience, c.Audience, audience)
	}
	caller := Caller{ObjectID: c.ObjectID, AppID: c.AppID, TenantID: c.TenantID}
	return Token{Caller: caller, Roles: slices.Clone(c.Roles)}, nil
}

func (d *Directory) verify(bearer string) (c claims, err error) {
	t, err := decodeJWT(bearer)
	if err != nil {
		return c, err
	}
	if err := t.verify(&d.signer.key().PublicKey); err != nil {
		return c, err
	}
	return c, json.Unmarshal(t.claims, &c)
}
