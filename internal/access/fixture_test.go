package access_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/access"
	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

const (
	tenantID  = "0e1c1a1c-6f4f-4f5e-9a55-0c2b5d1f7a10"
	elsewhere = "5f7f3b52-0d7c-4b6e-9f7f-6e6f0c1d2e3f"
	loginHost = "login.microsoftonline.com"
)

// tokenKey signs the tenant's tokens; made once, because RSA keys take long.
var tokenKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// world is a gate before a simulated tenant, with rekey's registration and people.
type world struct {
	t         *testing.T
	cloud     *cloud.Cloud
	directory *entra.Directory
	api       entra.Application
	gate      *access.Gate
	now       time.Time
}

func start(t *testing.T, options ...func(*access.Config)) *world {
	t.Helper()
	c := clock.New()
	w := &world{t: t, cloud: cloudtest.Start(t, c), directory: entra.New(c, nil, tenantID, entra.Options{TokenKey: tokenKey()}), now: time.Now()}
	w.cloud.Handle(loginHost, w.directory)
	w.api = w.directory.AddApplication(entra.Application{DisplayName: "rekey", TokenVersion: 2, IdentifierURIs: []string{"https://contoso.com/rekey"}})
	transport := w.cloud.Client().Transport.(*http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	config := access.Config{
		TenantID: tenantID, ClientID: w.api.AppID, Audience: "https://contoso.com/rekey",
		Transport: transport, CallTimeout: 5 * time.Second, Now: func() time.Time { return w.now },
	}
	for _, option := range options {
		option(&config)
	}
	w.gate = access.New(config)
	return w
}

// anna signs in with app roles and lets a program use rekey.
func (w *world) anna(roles ...string) entra.Tokens {
	w.t.Helper()
	anna := w.directory.AddUser(entra.User{ObjectID: annaID, DisplayName: "Anna", UserPrincipalName: "anna@contoso.com", AppRoles: map[string][]string{w.api.AppID: roles}})
	tokens, err := w.directory.SignIn(entra.SignIn{UserID: anna.ObjectID, Client: w.api.AppID, Resource: w.api.AppID, Scope: "user_impersonation"})
	require.NoError(w.t, err)
	return tokens
}

const (
	annaID    = "a11a0000-0000-4000-8000-000000000001"
	programID = "b0b00000-0000-4000-8000-000000000002"
)

// claims are those of a right token of a program, to be changed.
func (w *world) claims(changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{
		"aud": w.api.AppID, "iss": "https://" + loginHost + "/" + tenantID + "/v2.0", "ver": "2.0", "tid": tenantID,
		"iat": w.now.Unix(), "nbf": w.now.Unix(), "exp": w.now.Add(time.Hour).Unix(),
		"oid": annaID, "sub": annaID, "azp": programID, "azpacr": "1", "idtyp": "app", "roles": []string{"Rekey.Operator"},
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, value any) bool { return value == nil })
	return c
}

// sign makes a token with the tenant's key and its name.
func (w *world) sign(c jwt.MapClaims) string {
	w.t.Helper()
	return w.signWith(jwt.SigningMethodRS256, tokenKey(), c, nil)
}

func (w *world) signWith(method jwt.SigningMethod, key any, c jwt.MapClaims, header map[string]any) string {
	w.t.Helper()
	token := jwt.NewWithClaims(method, c)
	token.Header["kid"] = w.keyID()
	maps.Copy(token.Header, header)
	text, err := token.SignedString(key)
	require.NoError(w.t, err)
	return text
}

// keyID is the name of the tenant's key.
func (w *world) keyID() any {
	w.t.Helper()
	token, _, err := jwt.NewParser().ParseUnverified(w.anna().Access, jwt.MapClaims{})
	require.NoError(w.t, err)
	return token.Header["kid"]
}

// identify sends headers, name, value, name, value.
func (w *world) identify(headers ...string) (access.Principal, error) {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/api/applications", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return w.gate.Identify(r)
}

// calls is how often Entra ID was asked since the last time.
func (w *world) calls() (count int) {
	w.t.Helper()
	var seen struct{ Calls []struct{ Count int } }
	cloudtest.Face(w.t, w.cloud, http.MethodGet, "/sim/calls?reset=true", "", &seen)
	for _, one := range seen.Calls {
		count += one.Count
	}
	return count
}

// clientCredentials gets a token as a program does.
func (w *world) clientCredentials(clientID, value, scope string) string {
	w.t.Helper()
	answer, err := w.cloud.Client().PostForm("https://"+loginHost+"/"+tenantID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {clientID}, "client_secret": {value}, "scope": {scope},
	})
	require.NoError(w.t, err)
	defer answer.Body.Close()
	var given struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(w.t, json.NewDecoder(answer.Body).Decode(&given))
	return given.AccessToken
}
