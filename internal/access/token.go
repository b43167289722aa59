package access

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	// mostToken is the longest token that is looked at.
	mostToken = 16 << 10
	// skew is how far Entra ID's clock and ours may differ.
	skew = time.Minute
)

var isGUID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// claims are those of an access token, of version 1.0 or 2.0.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
type claims struct {
	jwt.RegisteredClaims
	Tenant    string   `json:"tid"`
	Object    string   `json:"oid"`
	Version   string   `json:"ver"`
	Scopes    string   `json:"scp"` // of a person's token
	Client    string   `json:"azp"`
	ClientV1  string   `json:"appid"`
	IsApp     string   `json:"idtyp"`
	Roles     []string `json:"roles"`
	Username  string   `json:"preferred_username"`
	UPN       string   `json:"upn"`
	Unique    string   `json:"unique_name"`
	GivenName string   `json:"name"`
}

// tokenHolder is whoever Entra ID issued the token to, or for.
func (g *Gate) tokenHolder(ctx context.Context, token secret.Value) (Principal, error) {
	if g.ClientID == "" {
		return Principal{}, refused("access tokens are not taken here: REKEY_API_CLIENT_ID is not set")
	}
	c, err := g.verified(ctx, token)
	if err != nil {
		return Principal{}, err
	}
	if err := g.judge(c); err != nil {
		return Principal{}, err
	}
	return c.principal(), nil
}

// verified returns the claims of a token that is signed by Entra ID, for rekey, and
// of now.
func (g *Gate) verified(ctx context.Context, token secret.Value) (claims, error) {
	var c claims
	if len(token.Reveal()) > mostToken {
		return c, refused("the token is too long")
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}), jwt.WithStrictDecoding(),
		jwt.WithAudience(g.audiences()...), jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(),
		jwt.WithLeeway(skew), jwt.WithTimeFunc(g.Now),
	)
	_, err := parser.ParseWithClaims(token.Reveal(), &c, func(t *jwt.Token) (any, error) {
		keyID, _ := t.Header["kid"].(string)
		if _, critical := t.Header["crit"]; critical || keyID == "" {
			return nil, jwt.ErrTokenMalformed
		}
		return g.signing.key(ctx, keyID)
	})
	return c, worded(err)
}

// worded says what is wrong with a token. What the library says might quote it.
func worded(err error) error {
	if fault, ok := errors.AsType[*rotation.Fault](err); ok {
		return fault
	}
	for _, known := range []struct {
		err error
		why string
	}{
		{jwt.ErrTokenMalformed, "the token cannot be read"},
		{jwt.ErrTokenUnverifiable, "the token is not signed by Entra ID"},
		{jwt.ErrTokenSignatureInvalid, "the token is not signed by Entra ID"},
		{jwt.ErrTokenExpired, "the token has expired"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
		{jwt.ErrTokenInvalidAudience, "the token is for another API"},
		{jwt.ErrTokenInvalidClaims, "the token lacks a claim"},
	} {
		if errors.Is(err, known.err) {
			return refused(known.why)
		}
	}
	return err
}

// judge refuses tokens of other issuers and tenants, and those that are no access
// tokens: an ID token is for the same audience and may have the same roles, but it
// names no client and no scope.
func (g *Gate) judge(c claims) error {
	issuers := map[string]string{
		"1.0": "https://sts.windows.net/" + g.TenantID + "/",
		"2.0": "https://" + loginHost + "/" + g.TenantID + "/v2.0",
	}
	switch {
	case c.Issuer == "" || issuers[c.Version] != c.Issuer, !strings.EqualFold(c.Tenant, g.TenantID):
		return refused("the token is of another tenant")
	case !isGUID.MatchString(c.Object):
		return refused("the token names nobody")
	case c.client() == "" || c.Scopes == "" && !c.ofProgram():
		return refused("the token is no access token")
	}
	return nil
}

// client is the client id of whoever got the token.
func (c claims) client() string {
	if c.Version == "1.0" {
		return c.ClientV1
	}
	return c.Client
}

// ofProgram reports whether the token was issued to a program for itself.
func (c claims) ofProgram() bool {
	return c.Scopes == "" && (c.IsApp == "app" || c.IsApp == "" && c.Subject == c.Object)
}

func (c claims) principal() Principal {
	who := Principal{Kind: Person, ID: strings.ToLower(c.Object), Role: greatest(c.Roles)}
	if c.ofProgram() {
		who.Kind, who.Name = Program, printable(c.client())
		return who
	}
	for _, name := range []string{c.Username, c.UPN, c.Unique, c.GivenName} {
		if who.Name == "" {
			who.Name = printable(name)
		}
	}
	return who
}

// audiences are the names of rekey's own registration.
func (g *Gate) audiences() []string {
	names := []string{g.ClientID, "api://" + g.ClientID}
	if g.Audience != "" {
		names = append(names, g.Audience)
	}
	return names
}

func (g *Gate) isAudience(name string) bool { return slices.Contains(g.audiences(), name) }
