package entra

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/rotation"
)

var (
	_ doctor.Identity  = (*Client)(nil)
	_ doctor.Directory = (*Client)(nil)
	_ doctor.Policies  = (*Client)(nil)
	_ doctor.Clock     = (*Client)(nil)
)

// Self returns whom rekey runs as, from the claims of its own token for Graph. What was
// granted could be listed as well (appRoleAssignments of the service principal), but
// Graph goes by the token, and a managed identity's is up to a day old: this says what
// is in effect, takes no permission and no call.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
func (c *Client) Self(ctx context.Context) (doctor.Self, error) {
	token, err := c.identity.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{graphScope}})
	if err != nil {
		return doctor.Self{}, tokenFault("graph: read rekey's own token", &noToken{err})
	}
	self, err := selfOf(token.Token)
	if err != nil {
		return doctor.Self{}, rotation.Permanently("graph: read rekey's own token: %w", err)
	}
	return self, nil
}

// selfOf reads a token without proving it: it came from its issuer just now.
func selfOf(token string) (doctor.Self, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return doctor.Self{}, errors.New("it is not a JWT")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return doctor.Self{}, errors.New("its claims are not base64url")
	}
	var claims struct {
		ObjectID string   `json:"oid"`
		AppID    string   `json:"appid"`
		Roles    []string `json:"roles"`
	}
	if err := json.Unmarshal(text, &claims); err != nil || claims.ObjectID == "" || claims.AppID == "" {
		return doctor.Self{}, errors.New(`it lacks the claims "oid" and "appid"`)
	}
	return doctor.Self{ObjectID: claims.ObjectID, AppID: claims.AppID, Roles: claims.Roles}, nil
}

// Time returns what the clock of Entra ID says: the date of the answer that needs no
// identity. It is the clock by which credentials begin and end.
// https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#fetch-the-openid-configuration-document
func (c *Client) Time(ctx context.Context) (time.Time, error) {
	transient := func(err error) error {
		return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("entra: ask for the time: %w", err)}
	}
	address := authority + url.PathEscape(c.tenantID) + "/v2.0/.well-known/openid-configuration"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return time.Time{}, transient(err)
	}
	answer, err := c.fresh.Do(request)
	if err != nil {
		return time.Time{}, transient(err)
	}
	defer answer.Body.Close()
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return time.Time{}, transient(errors.New("the answer has no date"))
	}
	return date, nil
}
