package keyvault_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

func TestTheFirstCallIsChallenged(t *testing.T) {
	w := start(t, keyvault.Options{})
	resp, body := w.raw(t, "PUT", "/secrets/db?api-version=7.4", "", "")
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.Equal(t, `Bearer authorization="https://login.windows.net/`+tenant+`", resource="https://vault.azure.net"`, resp.Header.Get("WWW-Authenticate"))
	assert.JSONEq(t, `{"error":{"code":"Unauthorized","message":"AKV10000: Request is missing a Bearer or PoP token."}}`, body)
	assert.Equal(t, "westeurope", resp.Header.Get("x-ms-keyvault-region"))
	assert.NotEmpty(t, resp.Header.Get("x-ms-request-id"))
}

func TestATokenForSomethingElseIsRefused(t *testing.T) {
	w := start(t, keyvault.Options{})
	r, err := http.NewRequestWithContext(t.Context(), "GET", "https://safe.vault.azure.net/secrets?api-version=7.4", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+alice+" https://graph.microsoft.com")
	resp, err := w.client.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.NotEmpty(t, resp.Header.Get("WWW-Authenticate"))

	w.access.change(func(a *access) { a.vault.TenantID = "22222222-2222-2222-2222-222222222222" })
	resp, body := w.raw(t, "GET", "/secrets?api-version=7.4", alice, "")
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.Contains(t, body, "AKV10032")
}

func TestPoliciesDecideVerbByVerb(t *testing.T) {
	w := start(t, keyvault.Options{})
	w.access.change(func(a *access) {
		a.vault.Policies = append(a.vault.Policies,
			keyvault.AccessPolicy{ObjectID: bob, Permissions: keyvault.Permissions{Secrets: []string{"Get"}, Certificates: []string{"import"}}},
			keyvault.AccessPolicy{ObjectID: bob, ApplicationID: "another", Permissions: keyvault.Permissions{Secrets: []string{"set"}}})
	})
	set(t, w.as(t, alice), "db", "v")
	c := w.as(t, bob)

	_, err := c.GetSecret(t.Context(), "db", "", nil)
	require.NoError(t, err)
	_, err = c.SetSecret(t.Context(), "db", azsecrets.SetSecretParameters{Value: new("v")}, nil)
	refused(t, err, 403, "Forbidden", "AccessDenied")
	assert.ErrorContains(t, err, "The user, group or application 'appid=app-of-"+bob+";oid="+bob+";iss=https://sts.windows.net/"+tenant+"/' does not have secrets set permission on key vault 'safe;location=westeurope'.")
}

func TestRolesDecideActionByAction(t *testing.T) {
	w := start(t, keyvault.Options{})
	w.access.change(func(a *access) {
		a.vault.RBAC = true
		a.granted = map[string]bool{
			bob + " Microsoft.KeyVault/vaults/secrets/getSecret/action " + vaultID + "/secrets/db": true,
			bob + " Microsoft.KeyVault/vaults/secrets/setSecret/action " + vaultID + "/secrets/db": true,
			bob + " Microsoft.KeyVault/vaults/secrets/readMetadata/action " + vaultID:              true,
		}
	})
	c := w.as(t, bob)
	set(t, c, "db", "v")
	_, err := c.NewListSecretPropertiesPager(nil).NextPage(t.Context())
	require.NoError(t, err)

	_, err = c.SetSecret(t.Context(), "Other", azsecrets.SetSecretParameters{Value: new("v")}, nil)
	refused(t, err, 403, "Forbidden", "ForbiddenByRbac")
	assert.ErrorContains(t, err, `Action: 'Microsoft.KeyVault/vaults/secrets/setSecret/action'\r\nResource: '/subscriptions/s/resourcegroups/team/providers/microsoft.keyvault/vaults/safe/secrets/other'\r\nAssignment: (not found)`)
	_, err = w.as(t, alice).GetSecret(t.Context(), "db", "", nil)
	refused(t, err, 403, "Forbidden", "ForbiddenByRbac")
}

func TestFirewalls(t *testing.T) {
	for name, c := range map[string]struct {
		firewall keyvault.Firewall
		inner    string
	}{
		"closed to everyone":        {keyvault.Firewall{Closed: true}, "ForbiddenByFirewall"},
		"closed to this network":    {keyvault.Firewall{Closed: true, Allowed: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}, "ForbiddenByFirewall"},
		"open to this network":      {keyvault.Firewall{Closed: true, Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, ""},
		"without a public endpoint": {keyvault.Firewall{Private: true}, "ForbiddenByConnection"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, keyvault.Options{})
			w.access.change(func(a *access) { a.vault.Firewall = c.firewall })
			_, err := w.as(t, alice).NewListSecretPropertiesPager(nil).NextPage(t.Context())
			if c.inner == "" {
				require.NoError(t, err)
				return
			}
			refused(t, err, 403, "Forbidden", c.inner)
		})
	}
}

func TestAVaultThatIsGoneDoesNotAnswer(t *testing.T) {
	w := start(t, keyvault.Options{})
	w.access.change(func(a *access) { a.gone = true })
	_, err := w.as(t, alice).GetSecret(t.Context(), "db", "", nil)
	require.Error(t, err)
	var response *azcore.ResponseError
	assert.NotErrorAs(t, err, &response, "an unknown name has nobody to answer")
	assert.False(t, w.service.Resolves("safe.vault.azure.net:443"))
}
