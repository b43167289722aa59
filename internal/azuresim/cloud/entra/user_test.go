package entra_test

import (
	"net/http"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// read returns what a token says, without a look at its signature.
func read(t *testing.T, token any) (header map[string]any, claims jwt.MapClaims) {
	t.Helper()
	claims = jwt.MapClaims{}
	parsed, _, err := jwt.NewParser().ParseUnverified(token.(string), claims)
	require.NoError(t, err)
	return parsed.Header, claims
}

func TestAProgramGetsItsAppRolesOnAnAPIOfTheTenant(t *testing.T) {
	n := start(t, entra.Options{})
	for version, want := range map[int]jwt.MapClaims{
		1: {"iss": "https://sts.windows.net/" + tenantID + "/", "ver": "1.0", "appid": n.app.AppID, "azp": nil},
		2: {"iss": "https://login.microsoftonline.com/" + tenantID + "/v2.0", "ver": "2.0", "azp": n.app.AppID, "appid": nil},
	} {
		api := n.directory.AddApplication(entra.Application{DisplayName: "api", TokenVersion: version, IdentifierURIs: []string{"https://contoso.com/desk"}})
		n.principal.AppRoles = map[string][]string{api.AppID: {"Desk.Write"}}
		n.directory.AddServicePrincipal(n.principal)
		given := n.post(tokenURL, n.form("scope", "api://"+api.AppID+"/.default"))
		require.Equal(t, http.StatusOK, given.status)
		header, claims := read(t, given.body["access_token"])
		want["aud"] = map[int]string{1: "api://" + api.AppID, 2: api.AppID}[version]
		for name, value := range want {
			assert.Equal(t, value, claims[name], name)
		}
		assert.Equal(t, []any{"Desk.Write"}, claims["roles"])
		assert.Equal(t, claims["oid"], claims["sub"])
		assert.Equal(t, version == 1, header["x5t"] != nil)

		named := n.post(tokenURL, n.form("scope", "https://graph.microsoft.com/.default"))
		_, claims = read(t, named.body["access_token"])
		assert.Equal(t, []any{entra.RoleApplicationReadAll}, claims["roles"], "those on one resource are not in a token for another")
	}
}

func TestAnAppIDURINamesItsAPI(t *testing.T) {
	n := start(t, entra.Options{})
	n.directory.AddApplication(entra.Application{DisplayName: "api", IdentifierURIs: []string{"https://contoso.com/desk"}})
	given := n.post(tokenURL, n.form("scope", "https://contoso.com/desk/.default"))
	require.Equal(t, http.StatusOK, given.status)
	_, claims := read(t, given.body["access_token"])
	assert.Equal(t, "https://contoso.com/desk", claims["aud"])
}

func TestAPersonSignsIn(t *testing.T) {
	n := start(t, entra.Options{})
	api := n.directory.AddApplication(entra.Application{DisplayName: "api", TokenVersion: 2})
	anna := n.directory.AddUser(entra.User{DisplayName: "Anna", UserPrincipalName: "anna@contoso.com", AppRoles: map[string][]string{api.AppID: {"Desk.Read"}}})
	tokens, err := n.directory.SignIn(entra.SignIn{UserID: anna.ObjectID, Client: api.AppID, Resource: api.AppID, Scope: "user_impersonation"})
	require.NoError(t, err)
	_, claims := read(t, tokens.Access)
	assert.Equal(t, "user_impersonation", claims["scp"])
	assert.Equal(t, "anna@contoso.com", claims["preferred_username"])
	assert.Equal(t, anna.ObjectID, claims["oid"])
	assert.NotEqual(t, claims["oid"], claims["sub"])

	_, claims = read(t, tokens.ID)
	assert.Equal(t, api.AppID, claims["aud"])
	assert.Equal(t, []any{"Desk.Read"}, claims["roles"], "an ID token has them too")
	assert.NotContains(t, claims, "scp")
	assert.NotContains(t, claims, "azp")
	assert.Contains(t, claims, "nonce")
}

func TestKeysOfBeforeAreShownOn(t *testing.T) {
	n := start(t, entra.Options{})
	older := n.post(tokenURL, n.form()).body["access_token"]
	n.directory.RollKeys()
	newer := n.post(tokenURL, n.form("scope", "https://management.azure.com/.default")).body["access_token"]
	keys := n.get("https://login.microsoftonline.com/"+tenantID+"/discovery/v2.0/keys", nil).body["keys"].([]any)
	var ids []any
	for _, key := range keys {
		ids = append(ids, key.(map[string]any)["kid"])
	}
	for _, token := range []any{older, newer} {
		header, _ := read(t, token)
		assert.Contains(t, ids, header["kid"])
	}
	require.Len(t, ids, 2)
	_, err := n.directory.Authenticate(withBearer(older), entra.VaultAudience)
	assert.NoError(t, err)
	_, err = n.directory.Authenticate(withBearer(newer), entra.ResourceManagerAudience)
	assert.NoError(t, err)
}
