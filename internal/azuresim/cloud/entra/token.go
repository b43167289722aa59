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

// claims are those of an access token: of version 1.0, which every service of Azure
// takes, or of 2.0, which an application's registration can ask for.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
type claims struct {
	Audience  string   `json:"aud"`
	Issuer    string   `json:"iss"`
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf"`
	Expires   int64    `json:"exp"`
	AppID     string   `json:"appid,omitempty"`
	AppIDACR  string   `json:"appidacr,omitempty"`
	Azp       string   `json:"azp,omitempty"`
	AzpACR    string   `json:"azpacr,omitempty"`
	IDType    string   `json:"idtyp,omitempty"`
	Name      string   `json:"name,omitempty"`
	Nonce     string   `json:"nonce,omitempty"`
	ObjectID  string   `json:"oid"`
	Username  string   `json:"preferred_username,omitempty"`
	Roles     []string `json:"roles,omitempty"`
	Scopes    string   `json:"scp,omitempty"`
	Subject   string   `json:"sub"`
	TenantID  string   `json:"tid"`
	Unique    string   `json:"unique_name,omitempty"`
	UPN       string   `json:"upn,omitempty"`
	TokenID   string   `json:"uti"`
	Version   string   `json:"ver"`
}

// How the client proved who it is: the claim appidacr.
const (
	provedNothing       = "0" // a program on a person's machine
	provedBySecret      = "1"
	provedByCertificate = "2"
)

// issue signs a token for a principal.
func (d *Directory) issue(sp ServicePrincipal, audience, proof string, lifetime time.Duration) (string, error) {
	c := d.claimsFor(audience, lifetime)
	c.IDType, c.ObjectID, c.Subject = "app", sp.ObjectID, sp.ObjectID
	c.Roles = sp.rolesOn(d.resourceOf(audience))
	c.client(sp.AppID, proof)
	return d.recent.issue(c, d.signer.sign)
}

// claimsFor are what all tokens for an audience have. Those of a registration that asks
// for version 2.0 name it by its client id, whatever was asked for.
func (d *Directory) claimsFor(audience string, lifetime time.Duration) claims {
	now := time.Now().Truncate(sameToken(lifetime))
	c := claims{
		Audience: audience, Issuer: "https://sts.windows.net/" + d.tenantID + "/", Version: "1.0",
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(lifetime).Unix(),
		TenantID: d.tenantID, TokenID: uuid.NewString(),
	}
	if app, known := d.applicationFor(audience); known && app.TokenVersion == 2 {
		c.Audience, c.Version, c.Issuer = app.AppID, "2.0", d.issuer()
	}
	return c
}

// client says who asked for the token.
func (c *claims) client(appID, proof string) {
	if c.Version == "2.0" {
		c.Azp, c.AzpACR = appID, proof
		return
	}
	c.AppID, c.AppIDACR = appID, proof
}

// issuer is the tenant's, of version 2.0.
func (d *Directory) issuer() string { return authority + d.tenantID + "/v2.0" }

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
	if err := d.signer.verify(t); err != nil {
		return c, err
	}
	return c, json.Unmarshal(t.claims, &c)
}
