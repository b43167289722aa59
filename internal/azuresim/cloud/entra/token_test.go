package entra_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

func TestASecretGetsAToken(t *testing.T) {
	n := start(t, entra.Options{})
	given := n.post(tokenURL, n.form())
	require.Equal(t, http.StatusOK, given.status)
	assert.Equal(t, "Bearer", given.body["token_type"])
	assert.EqualValues(t, 3599, given.body["expires_in"])
	caller, err := n.directory.Authenticate(withBearer(given.body["access_token"]), entra.VaultAudience)
	require.NoError(t, err)
	assert.Equal(t, entra.Caller{ObjectID: n.principal.ObjectID, AppID: n.app.AppID, TenantID: tenantID}, caller)
}

func withBearer(token any) *http.Request {
	return &http.Request{Header: http.Header{"Authorization": {fmt.Sprint("Bearer ", token)}}}
}

func TestASecretMayComeInTheHeader(t *testing.T) {
	n := start(t, entra.Options{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tokenURL, strings.NewReader(n.form("client_id", "", "client_secret", "").Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(n.app.AppID), url.QueryEscape(n.secret))
	assert.Equal(t, http.StatusOK, n.do(request).status)
	request.SetBasicAuth(n.app.AppID, "wrong")
	request.Body, err = request.GetBody()
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, n.do(request).status)
}

func TestRequestsForATokenAreRefused(t *testing.T) {
	n := start(t, entra.Options{})
	elsewhere := "https://login.microsoftonline.com/5f7f3b52-0d7c-4b6e-9f7f-6e6f0c1d2e3f/oauth2/v2.0/token"
	expired, expiredSecret := entra.NewPassword("old", n.clock.Now().AddDate(-1, 0, 0), n.clock.Now().Add(-time.Second))
	early, earlySecret := entra.NewPassword("early", n.clock.Now().AddDate(1, 0, 0), n.clock.Now().AddDate(2, 0, 0))
	n.app.Passwords = append(n.app.Passwords, expired, early)
	n.directory.PutApplication(n.app)
	lonely := n.directory.AddApplication(entra.Application{DisplayName: "no principal"})
	disabled := n.directory.AddApplication(entra.Application{DisplayName: "disabled"})
	n.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: disabled.AppID, Disabled: true})
	blocked := n.app
	blocked.ObjectID, blocked.AppID = "", ""
	blocked = n.directory.AddApplication(blocked)
	n.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: blocked.AppID, Blocked: true})

	for name, one := range map[string]struct {
		address string
		form    url.Values
		status  int
		oauth   string
		code    int
		text    string
	}{
		"a wrong secret":           {tokenURL, n.form("client_secret", "wrong"), 401, "invalid_client", 7000215, "Invalid client secret provided."},
		"an expired secret":        {tokenURL, n.form("client_secret", expiredSecret), 401, "invalid_client", 7000222, "are expired."},
		"a secret before its time": {tokenURL, n.form("client_secret", earlySecret), 401, "invalid_client", 7000215, "Invalid client secret provided."},
		"an unknown application":   {tokenURL, n.form("client_id", "b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00"), 400, "unauthorized_client", 700016, "was not found in the directory"},
		"no service principal":     {tokenURL, n.form("client_id", lonely.AppID), 401, "invalid_client", 7000229, "is missing service principal in the tenant " + tenantID},
		"a disabled application":   {tokenURL, n.form("client_id", disabled.AppID), 400, "unauthorized_client", 7000112, "(disabled) is disabled."},
		"conditional access":       {tokenURL, n.form("client_id", blocked.AppID), 400, "interaction_required", 53003, "blocked by Conditional Access policies"},
		"another tenant":           {elsewhere, n.form(), 400, "invalid_request", 90002, "Tenant '5f7f3b52-0d7c-4b6e-9f7f-6e6f0c1d2e3f' not found."},
		"a scope that is no such":  {tokenURL, n.form("scope", "https://vault.azure.net/read"), 400, "invalid_scope", 70011, "'scope' is not valid"},
		"two scopes":               {tokenURL, n.form("scope", vaultScope+" https://graph.microsoft.com/.default"), 400, "invalid_scope", 70011, "'scope' is not valid"},
		"an unknown resource":      {tokenURL, n.form("scope", "https://nowhere.example/.default"), 400, "invalid_resource", 500011, "https://nowhere.example was not found in the tenant"},
		"another grant":            {tokenURL, n.form("grant_type", "password"), 400, "unsupported_grant_type", 70003, "unsupported grant type 'password'"},
		"no grant":                 {tokenURL, n.form("grant_type", ""), 400, "invalid_request", 900144, "parameter: 'grant_type'"},
		"no client id":             {tokenURL, n.form("client_id", ""), 400, "invalid_request", 900144, "parameter: 'client_id'"},
		"no scope":                 {tokenURL, n.form("scope", ""), 400, "invalid_request", 900144, "parameter: 'scope'"},
		"no credential":            {tokenURL, n.form("client_secret", ""), 401, "invalid_client", 7000216, "'client_assertion', 'client_secret' or 'request' is required"},
		"an assertion of no type":  {tokenURL, n.form("client_secret", "", "client_assertion", "x"), 400, "invalid_request", 900144, "parameter: 'client_assertion_type'"},
		"a field that comes twice": {tokenURL, url.Values{"grant_type": {"client_credentials", "client_credentials"}}, 400, "invalid_request", 9000411, "The parameter 'grant_type' is duplicated."},
	} {
		t.Run(name, func(t *testing.T) {
			given := n.post(one.address, one.form)
			assert.Equal(t, one.status, given.status)
			assert.Equal(t, one.oauth, given.body["error"])
			assert.Equal(t, []any{float64(one.code)}, given.body["error_codes"])
			description, _ := given.body["error_description"].(string)
			assert.True(t, strings.HasPrefix(description, fmt.Sprintf("AADSTS%d: ", one.code)), description)
			assert.Contains(t, description, one.text)
			assert.Contains(t, description, "\r\nTrace ID: "+given.header.Get("X-Ms-Request-Id")+"\r\nCorrelation ID: ")
			assert.NotContains(t, description, n.secret)
		})
	}
}

func TestAFormIsNeeded(t *testing.T) {
	n := start(t, entra.Options{})
	given := n.postBody(tokenURL, n.form().Encode(), http.Header{"Content-Type": {"text/plain"}})
	assert.Equal(t, []any{float64(900144)}, given.body["error_codes"])
}

func TestTheCorrelationIDIsRepeated(t *testing.T) {
	n := start(t, entra.Options{})
	given := n.postBody(tokenURL, "", http.Header{"Client-Request-Id": {"from-the-client"}})
	assert.Equal(t, "from-the-client", given.body["correlation_id"])
}

// A write reaches the replicas one after the other, and they take turns.
func TestASecretIsAcceptedByOneReplicaAfterTheOther(t *testing.T) {
	n := start(t, entra.Options{ReplicationDelay: time.Hour, Replicas: 3})
	added, secret := entra.NewPassword("new", n.clock.Now(), n.clock.Now().AddDate(1, 0, 0))
	n.app.Passwords = append(n.app.Passwords, added)
	n.directory.PutApplication(n.app)
	for hour, want := range [][]int{{401, 401, 401}, {200, 401, 401}, {200, 200, 401}, {200, 200, 200}} {
		var statuses []int
		for range 3 {
			statuses = append(statuses, n.post(tokenURL, n.form("client_secret", secret)).status)
		}
		assert.Equal(t, want, statuses, "after %d hours", hour)
		n.clock.Advance(time.Hour)
	}
}

func TestARemovedSecretWorksUntilTheReplicasKnow(t *testing.T) {
	n := start(t, entra.Options{ReplicationDelay: time.Hour, Replicas: 1})
	n.app.Passwords = nil
	n.directory.PutApplication(n.app)
	assert.Equal(t, 200, n.post(tokenURL, n.form()).status)
	n.clock.Advance(time.Hour)
	assert.Equal(t, 401, n.post(tokenURL, n.form()).status)
}

func TestAFreshPrincipalBecomesVisible(t *testing.T) {
	n := start(t, entra.Options{ReplicationDelay: time.Hour, Replicas: 2})
	fresh := entra.ServicePrincipal{ObjectID: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", AppID: n.app.AppID}
	n.directory.PutServicePrincipal(fresh)
	n.clock.Advance(time.Hour)
	assert.False(t, n.directory.ServicePrincipalVisible(fresh.ObjectID))
	n.clock.Advance(time.Hour)
	assert.True(t, n.directory.ServicePrincipalVisible(fresh.ObjectID))
	assert.True(t, n.directory.ServicePrincipalVisible(n.principal.ObjectID), "one that was always there")
	assert.False(t, n.directory.ServicePrincipalVisible("b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00"))
}

func TestOnlyOurUnexpiredTokensForTheAudienceAreBelieved(t *testing.T) {
	n := start(t, entra.Options{})
	shortLived := start(t, entra.Options{TokenLifetime: time.Nanosecond})
	token := n.bearer(vaultScope)
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	others := strings.ReplaceAll(string(claims), n.app.AppID, "b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00")
	forged := strings.Join([]string{parts[0], base64.RawURLEncoding.EncodeToString([]byte(others)), parts[2]}, ".")
	none := strings.Join([]string{base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)), parts[1], ""}, ".")
	for name, one := range map[string]struct {
		directory             *entra.Directory
		authorization, tokens string
		want                  error
	}{
		"no header":            {n.directory, "", "", entra.ErrNoToken},
		"another scheme":       {n.directory, "Basic", token, entra.ErrNoToken},
		"no token":             {n.directory, "Bearer", "", entra.ErrNoToken},
		"no JWT":               {n.directory, "Bearer", "opaque", entra.ErrInvalidToken},
		"other claims":         {n.directory, "Bearer", forged, entra.ErrInvalidToken},
		"no signature":         {n.directory, "Bearer", none, entra.ErrInvalidToken},
		"another tenant's":     {shortLived.directory, "Bearer", token, entra.ErrInvalidToken},
		"an expired one":       {shortLived.directory, "Bearer", shortLived.bearer(vaultScope), entra.ErrExpiredToken},
		"for another audience": {n.directory, "Bearer", n.bearer("https://graph.microsoft.com/.default"), entra.ErrWrongAudience},
		"ours":                 {n.directory, "Bearer", token, nil},
		"a scheme in lower":    {n.directory, "bearer", token, nil},
	} {
		t.Run(name, func(t *testing.T) {
			request := &http.Request{Header: http.Header{"Authorization": {one.authorization + " " + one.tokens}}}
			caller, err := one.directory.Authenticate(request, entra.VaultAudience)
			if one.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, one.want)
			assert.Zero(t, caller)
			if one.tokens != "" {
				assert.NotContains(t, err.Error(), one.tokens)
			}
		})
	}
}

func TestServicesGoByMoreThanOneName(t *testing.T) {
	n := start(t, entra.Options{})
	for scope, audience := range map[string]string{
		"https://management.core.windows.net//.default":   entra.ResourceManagerAudience,
		"https://management.azure.com/.default":           entra.ResourceManagerAudience,
		"00000003-0000-0000-c000-000000000000/.default":   entra.GraphAudience,
		"https://graph.microsoft.com/.default":            entra.GraphAudience,
		"499b84ac-1321-427f-aa17-267ca6975798/.default":   entra.DevOpsAudience,
		"https://vault.azure.net/.default profile openid": entra.VaultAudience,
		"api://" + n.app.AppID + "/.default":              "api://" + n.app.AppID,
	} {
		_, err := n.directory.Authenticate(withBearer(n.bearer(scope)), audience)
		assert.NoError(t, err, scope)
	}
	assert.Equal(t, 400, n.post(tokenURL, n.form("scope", "https://contoso.example/.default")).status)
	n.directory.AddResource("https://contoso.example")
	assert.Equal(t, 200, n.post(tokenURL, n.form("scope", "https://contoso.example/.default")).status)
}

func TestRolesAreThoseOfTheTimeWhenTheTokenWasIssued(t *testing.T) {
	n := start(t, entra.Options{})
	old := n.bearer("https://graph.microsoft.com/.default")
	n.principal.Roles = []string{entra.RoleApplicationReadWriteOwnedBy}
	n.directory.PutServicePrincipal(n.principal)
	for token, want := range map[string][]string{
		old: {entra.RoleApplicationReadAll},
		n.bearer("https://graph.microsoft.com/.default"): {entra.RoleApplicationReadWriteOwnedBy},
	} {
		verified, err := n.directory.Verify(withBearer(token), entra.GraphAudience)
		require.NoError(t, err)
		assert.Equal(t, want, verified.Roles)
	}
	elsewhere, err := n.directory.Verify(withBearer(n.bearer(vaultScope)), entra.VaultAudience)
	require.NoError(t, err)
	assert.Empty(t, elsewhere.Roles, "roles on Graph are for Graph alone")
}
