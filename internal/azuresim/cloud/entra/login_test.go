package entra_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

const login = "https://login.microsoftonline.com/"

func TestMetadataLeadsToTheTokenEndpoint(t *testing.T) {
	n := start(t, entra.Options{})
	discovery := n.get(login+"common/discovery/instance?api-version=1.1&authorization_endpoint="+
		url.QueryEscape(login+tenantID+"/oauth2/v2.0/authorize"), nil)
	require.Equal(t, http.StatusOK, discovery.status)
	address, _ := discovery.body["tenant_discovery_endpoint"].(string)
	metadata := n.get(address, nil)
	assert.Equal(t, login+tenantID+"/v2.0", metadata.body["issuer"])
	assert.Equal(t, tokenURL, metadata.body["token_endpoint"])
}

func TestAnUnknownInstanceOrTenantIsRefused(t *testing.T) {
	n := start(t, entra.Options{})
	for address, code := range map[string]float64{
		login + "common/discovery/instance": 50049,
		login + "common/discovery/instance?authorization_endpoint=" + url.QueryEscape("https://evil.example/x"): 50049,
		login + "5f7f3b52-0d7c-4b6e-9f7f-6e6f0c1d2e3f/v2.0/.well-known/openid-configuration":                    90002,
	} {
		given := n.get(address, nil)
		assert.Equal(t, http.StatusBadRequest, given.status)
		assert.Equal(t, []any{code}, given.body["error_codes"])
	}
	assert.Equal(t, http.StatusNotFound, n.get(login+tenantID+"/saml2", nil).status)
}

// Anyone can verify our tokens with the published key.
func TestThePublishedKeyVerifiesTokens(t *testing.T) {
	n := start(t, entra.Options{})
	published := n.get(login+tenantID+"/discovery/v2.0/keys", nil).body["keys"].([]any)[0].(map[string]any)
	modulus, err := base64.RawURLEncoding.DecodeString(published["n"].(string))
	require.NoError(t, err)
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: 65537}
	assert.Equal(t, "AQAB", published["e"])

	parts := strings.Split(n.bearer("https://graph.microsoft.com/.default"), ".")
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	require.NoError(t, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature))

	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(body, &claims))
	issued, _ := claims["iat"].(float64)
	for _, generated := range []string{"iat", "nbf", "uti"} {
		delete(claims, generated)
	}
	assert.Equal(t, map[string]any{
		"aud": "https://graph.microsoft.com", "iss": "https://sts.windows.net/" + tenantID + "/", "exp": issued + 3600,
		"appid": n.app.AppID, "appidacr": "1", "idtyp": "app", "oid": n.principal.ObjectID, "sub": n.principal.ObjectID,
		"tid": tenantID, "ver": "1.0", "roles": []any{entra.RoleApplicationReadAll},
	}, claims)
}

func TestAssertionsAreVerified(t *testing.T) {
	n := start(t, entra.Options{})
	_, otherKey := newSigner(time.Hour)
	expired, expiredKey := newSigner(-time.Hour)
	n.app.Keys = append(n.app.Keys, entra.NewKey(expired))
	n.directory.PutApplication(n.app)
	thumbprint := func(raw []byte, encoding *base64.Encoding) string {
		sum := sha256.Sum256(raw)
		return encoding.EncodeToString(sum[:])
	}
	for name, one := range map[string]struct {
		header, claims map[string]any
		key            *rsa.PrivateKey
		code           float64
		text           string
	}{
		"as documented":               {},
		"as MSAL for Go sends it":     {header: map[string]any{"x5t#S256": thumbprint(n.certificate.Raw, base64.StdEncoding)}},
		"with RS256 and a SHA-1":      {header: map[string]any{"alg": "RS256", "x5t#S256": nil, "x5t": base64.RawURLEncoding.EncodeToString(sha1Of(n.certificate.Raw))}},
		"for the issuer":              {claims: map[string]any{"aud": login + tenantID + "/v2.0"}},
		"with a clock that is off":    {claims: map[string]any{"nbf": time.Now().Add(4 * time.Minute).Unix()}},
		"signed by another key":       {key: otherKey, code: 700027, text: "use of the key to verify the signature failed"},
		"with an unknown certificate": {header: map[string]any{"x5t#S256": "AAAA"}, code: 700027, text: "[Reason - The key was not found."},
		"naming none":                 {header: map[string]any{"x5t#S256": nil}, code: 700027, text: "[Reason - The key was not found."},
		"with an expired certificate": {header: map[string]any{"x5t#S256": thumbprint(expired.Raw, base64.RawURLEncoding)}, key: expiredKey, code: 700027, text: "The key used is expired."},
		"with another algorithm":      {header: map[string]any{"alg": "none"}, code: 700027, text: "use of the key to verify the signature failed"},
		"for another audience":        {claims: map[string]any{"aud": login + "common/oauth2/v2.0/token"}, code: 700023, text: "audience"},
		"from another application":    {claims: map[string]any{"iss": "b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00"}, code: 700021, text: "client_id"},
		"about another application":   {claims: map[string]any{"sub": "b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00"}, code: 700021, text: "client_id"},
		"that has expired":            {claims: map[string]any{"exp": time.Now().Add(-6 * time.Minute).Unix()}, code: 700024, text: "valid time range"},
		"that is for later":           {claims: map[string]any{"nbf": time.Now().Add(6 * time.Minute).Unix()}, code: 700024, text: "valid time range"},
		"without an expiry":           {claims: map[string]any{"exp": nil}, code: 700024, text: "valid time range"},
		"without an id":               {claims: map[string]any{"jti": nil}, code: 50027, text: "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			wanted := n.assertion()
			maps.Copy(wanted.header, one.header)
			maps.Copy(wanted.claims, one.claims)
			if one.key != nil {
				wanted.key = one.key
			}
			given := n.assert(wanted.sign(t))
			if one.code == 0 {
				require.Equal(t, http.StatusOK, given.status, given.body)
				return
			}
			assert.Equal(t, []any{one.code}, given.body["error_codes"])
			assert.Contains(t, given.body["error_description"], one.text)
		})
	}
	assert.Equal(t, []any{float64(50027)}, n.assert("no JWT").body["error_codes"])
}

func (n *tenant) assert(compact string) reply {
	return n.post(tokenURL, n.form("client_secret", "", "client_assertion", compact,
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))
}

func TestTheIdentityEndpointAnswersAsAppServiceDoes(t *testing.T) {
	n := start(t, entra.Options{})
	system := n.directory.AddManagedIdentity("functions", entra.RoleApplicationReadWriteOwnedBy)
	user := n.directory.AddServicePrincipal(entra.ServicePrincipal{DisplayName: "scripts", Type: entra.TypeManagedIdentity, ResourceID: "/subscriptions/s/scripts"})
	address, err := n.cloud.Address(t.Context())
	require.NoError(t, err)
	right := http.Header{"X-Identity-Header": {n.directory.IdentityHeader()}}
	const query = "?resource=https://vault.azure.net&api-version=2019-08-01"
	for name, one := range map[string]struct {
		query  string
		header http.Header
		status int
		want   string
	}{
		"the system's by default":    {query, right, 200, system.ObjectID},
		"by client id":               {query + "&client_id=" + user.AppID, right, 200, user.ObjectID},
		"by client id in capitals":   {query + "&client_id=" + strings.ToUpper(user.AppID), right, 200, user.ObjectID},
		"by principal id":            {query + "&principal_id=" + user.ObjectID, right, 200, user.ObjectID},
		"by object id":               {query + "&object_id=" + user.ObjectID, right, 200, user.ObjectID},
		"by resource id":             {query + "&mi_res_id=/subscriptions/s/scripts", right, 200, user.ObjectID},
		"an unknown identity":        {query + "&client_id=b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00", right, 400, "No managed identity was found for the given id."},
		"an application's client id": {query + "&client_id=" + n.app.AppID, right, 400, "No managed identity was found for the given id."},
		"without the header":         {query, nil, 401, "X-IDENTITY-HEADER is missing or wrong."},
		"with a wrong header":        {query, http.Header{"X-Identity-Header": {"guess"}}, 401, "X-IDENTITY-HEADER is missing or wrong."},
		"another version":            {"?resource=https://vault.azure.net&api-version=2017-09-01", right, 400, "The api-version has to be 2019-08-01."},
		"an unknown resource":        {"?resource=https://nowhere.example&api-version=2019-08-01", right, 400, "AADSTS500011: The resource principal named https://nowhere.example was not found in the tenant named " + tenantID},
	} {
		t.Run(name, func(t *testing.T) {
			given := n.get("http://"+address+"/msi/token"+one.query, one.header)
			require.Equal(t, one.status, given.status)
			if one.status != 200 {
				assert.Contains(t, given.body["message"], one.want)
				return
			}
			caller, err := n.directory.Authenticate(withBearer(given.body["access_token"]), entra.VaultAudience)
			require.NoError(t, err)
			assert.Equal(t, one.want, caller.ObjectID)
			assert.Equal(t, "https://vault.azure.net", given.body["resource"])
			expires, err := strconv.ParseInt(given.body["expires_on"].(string), 10, 64)
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now().Add(24*time.Hour), time.Unix(expires, 0), time.Minute)
		})
	}
}

func TestStateShowsNoSecret(t *testing.T) {
	n := start(t, entra.Options{})
	n.cloud.State("entra", n.directory.State)
	address, err := n.cloud.Address(t.Context())
	require.NoError(t, err)
	state := n.get("http://"+address+"/sim/state", nil).body["entra"].(map[string]any)
	shown, err := json.Marshal(state)
	require.NoError(t, err)
	assert.NotContains(t, string(shown), n.secret)
	app := state["applications"].([]any)[0].(map[string]any)
	sum := sha256.Sum256([]byte(n.secret))
	password := app["passwordCredentials"].([]any)[0].(map[string]any)
	assert.Equal(t, hex.EncodeToString(sum[:]), password["secretSha256"])
	assert.Equal(t, entra.Thumbprint(n.certificate), app["keyCredentials"].([]any)[0].(map[string]any)["thumbprint"])
}
