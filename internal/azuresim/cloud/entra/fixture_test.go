package entra_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

const (
	tenantID   = "0e1c1a1c-6f4f-4f5e-9a55-0c2b5d1f7a10"
	tokenURL   = "https://login.microsoftonline.com/" + tenantID + "/oauth2/v2.0/token"
	vaultScope = "https://vault.azure.net/.default"
)

// tenant is a directory behind the proxy with one application that can sign in
// by secret and by certificate.
type tenant struct {
	t           *testing.T
	clock       *clock.Clock
	cloud       *cloud.Cloud
	client      *http.Client
	directory   *entra.Directory
	app         entra.Application
	principal   entra.ServicePrincipal
	secret      string
	certificate *x509.Certificate
	key         *rsa.PrivateKey
}

func start(t *testing.T, opts entra.Options) *tenant {
	t.Helper()
	c := clock.New()
	n := &tenant{t: t, clock: c, cloud: cloudtest.Start(t, c), directory: entra.New(c, nil, tenantID, opts)}
	n.client = n.cloud.Client()
	n.cloud.Handle("login.microsoftonline.com", n.directory)
	n.cloud.HandleLocal("/msi/token", n.directory.ManagedIdentity())
	var password entra.Password
	password, n.secret = entra.NewPassword("secret", c.Now(), c.Now().AddDate(1, 0, 0))
	n.certificate, n.key = signer()
	n.app = n.directory.AddApplication(entra.Application{DisplayName: "shop", Passwords: []entra.Password{password}, Keys: []entra.Key{entra.NewKey(n.certificate)}})
	n.principal = n.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: n.app.AppID, DisplayName: "shop", Roles: []string{entra.RoleApplicationReadAll}})
	return n
}

// signer is a key with its certificate, made once because RSA keys take long.
var signer = sync.OnceValues(func() (*x509.Certificate, *rsa.PrivateKey) { return newSigner(365 * 24 * time.Hour) })

func newSigner(lifetime time.Duration) (*x509.Certificate, *rsa.PrivateKey) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "shop"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(lifetime)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return certificate, private
}

// reply is an answer with its JSON.
type reply struct {
	status int
	header http.Header
	body   map[string]any
}

func (n *tenant) do(request *http.Request) reply {
	response, err := n.client.Do(request)
	require.NoError(n.t, err)
	defer response.Body.Close()
	given := reply{status: response.StatusCode, header: response.Header}
	require.NoError(n.t, json.NewDecoder(response.Body).Decode(&given.body))
	return given
}

func (n *tenant) get(address string, header http.Header) reply {
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, address, nil)
	require.NoError(n.t, err)
	request.Header = header
	return n.do(request)
}

// form is a complete request for a token by secret; the pairs change it.
func (n *tenant) form(pairs ...string) url.Values {
	form := url.Values{"client_id": {n.app.AppID}, "client_secret": {n.secret}, "scope": {vaultScope}, "grant_type": {"client_credentials"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

func (n *tenant) post(address string, form url.Values) reply {
	return n.postBody(address, form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

func (n *tenant) postBody(address, body string, header http.Header) reply {
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, address, strings.NewReader(body))
	require.NoError(n.t, err)
	request.Header = header
	return n.do(request)
}

// bearer is a token for a scope.
func (n *tenant) bearer(scope string) string {
	given := n.post(tokenURL, n.form("scope", scope))
	require.Equal(n.t, http.StatusOK, given.status, given.body)
	token, _ := given.body["access_token"].(string)
	return token
}

// assertion is a signed client assertion, as certificate credentials describe it.
type assertion struct {
	header, claims map[string]any
	key            *rsa.PrivateKey
}

func (n *tenant) assertion() assertion {
	long := sha256.Sum256(n.certificate.Raw)
	now := time.Now()
	return assertion{
		header: map[string]any{"alg": "PS256", "typ": "JWT", "x5t#S256": base64.RawURLEncoding.EncodeToString(long[:])},
		claims: map[string]any{"aud": tokenURL, "iss": n.app.AppID, "sub": n.app.AppID, "jti": "1", "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix()},
		key:    n.key,
	}
}

func (a assertion) sign(t *testing.T) string {
	header, err := json.Marshal(a.header)
	require.NoError(t, err)
	claims, err := json.Marshal(a.claims)
	require.NoError(t, err)
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(signed))
	var signature []byte
	if a.header["alg"] == "RS256" {
		signature, err = rsa.SignPKCS1v15(nil, a.key, crypto.SHA256, sum[:])
	} else {
		signature, err = rsa.SignPSS(rand.Reader, a.key, crypto.SHA256, sum[:], nil)
	}
	require.NoError(t, err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func sha1Of(b []byte) []byte { sum := sha1.Sum(b); return sum[:] }
