package functionshost_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/functionshost"
)

var forged = []string{
	"X-MS-CLIENT-PRINCIPAL", "forged", "x-ms-client-principal-id", "forged", "X-Ms-Client-Principal-Name", "forged",
	"X-MS-TOKEN-AAD-ID-TOKEN", "forged",
}

func TestWithoutAuthenticationHeadersPassThrough(t *testing.T) {
	host := start(t, standard(), nil)
	host.send(t, "GET", "/api/x", "", forged...)
	assert.Equal(t, "forged", host.next(t).Header.Get("X-MS-CLIENT-PRINCIPAL"))
}

func TestAuthenticationAloneSaysWhoSignedIn(t *testing.T) {
	host := start(t, standard(), func(o *functionshost.Options) { o.Settings["WEBSITE_AUTH_ENABLED"] = "True" })
	host.send(t, "GET", "/api/x", "", append(forged, "Authorization", "Bearer x", "Cookie", "AppServiceAuthSession=forged")...)
	seen := host.next(t).Header
	for i := 0; i < len(forged); i += 2 {
		assert.Empty(t, seen.Get(forged[i]), forged[i])
	}
	assert.Equal(t, "Bearer x", seen.Get("Authorization"))

	anna := functionshost.ClientPrincipal{Provider: "aad", Claims: []functionshost.ClientClaim{
		{"http://schemas.microsoft.com/identity/claims/objectidentifier", "7"}, {"preferred_username", "anna@contoso.com"}, {"roles", "A"}, {"roles", "B"},
	}}
	cookie := host.SignIn(anna)
	host.send(t, "GET", "/api/x", "", append(forged, "Cookie", cookie.Name+"="+cookie.Value)...)
	seen = host.next(t).Header
	require.Len(t, seen.Values("X-MS-CLIENT-PRINCIPAL"), 1)
	text, err := base64.StdEncoding.DecodeString(seen.Get("X-MS-CLIENT-PRINCIPAL"))
	require.NoError(t, err)
	var told functionshost.ClientPrincipal
	require.NoError(t, json.NewDecoder(strings.NewReader(string(text))).Decode(&told))
	assert.Equal(t, anna, told)
	assert.Equal(t, "7", seen.Get("X-MS-CLIENT-PRINCIPAL-ID"))
	assert.Equal(t, "anna@contoso.com", seen.Get("X-MS-CLIENT-PRINCIPAL-NAME"))
	assert.Equal(t, "aad", seen.Get("X-MS-CLIENT-PRINCIPAL-IDP"))
}
