package keyvault_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// neighbours is the vault among the services it lives with.
type neighbours struct {
	clock     *clock.Clock
	directory *entra.Directory
	manager   *resourcemanager.Service
	grid      *eventgrid.Service
	options   azcore.ClientOptions
}

func startAll(t *testing.T) *neighbours {
	t.Helper()
	clk := clock.New()
	n := &neighbours{clock: clk, directory: entra.New(clk, nil, tenant, entra.Options{})}
	n.manager = resourcemanager.New(clk, n.directory, n.directory, tenant, resourcemanager.Options{RolePropagation: time.Minute})
	n.grid = eventgrid.New(clk, n.directory, n.manager, eventgrid.Options{})
	front := cloudtest.Start(t, clk)
	front.Handle("login.microsoftonline.com", n.directory)
	front.Handle("management.azure.com", n.manager)
	front.Handle("*.eventgrid.azure.net", n.grid)
	front.Handle("*.vault.azure.net", keyvault.New(clk, n.directory, n.manager, n.grid, keyvault.Options{NearExpiryDelay: time.Minute}))
	n.options = azcore.ClientOptions{Transport: front.Client(), Retry: policy.RetryOptions{MaxRetries: -1}}
	return n
}

// principal adds an application that can sign in.
func (n *neighbours) principal(t *testing.T) (azcore.TokenCredential, string) {
	t.Helper()
	now := n.clock.Now()
	password, secret := entra.NewPassword("test", now, now.Add(time.Hour))
	app := n.directory.AddApplication(entra.Application{DisplayName: "test", Passwords: []entra.Password{password}})
	principal := n.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: app.AppID})
	credential, err := azidentity.NewClientSecretCredential(tenant, app.AppID, secret, &azidentity.ClientSecretCredentialOptions{ClientOptions: n.options})
	require.NoError(t, err)
	return credential, principal.ObjectID
}

// webhook hands on the deliveries it gets.
func webhook(t *testing.T) (url string, got <-chan string) {
	t.Helper()
	deliveries := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("aeg-event-type") == "Notification" {
			deliveries <- string(body)
			return
		}
		var events []struct {
			Data struct{ ValidationCode string }
		}
		if json.Unmarshal(body, &events) == nil && len(events) == 1 {
			_ = json.NewEncoder(w).Encode(map[string]string{"validationResponse": events[0].Data.ValidationCode})
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, deliveries
}

func TestAGrantedRoleOpensTheVaultWhoseEventsArrive(t *testing.T) {
	n := startAll(t)
	admin, adminID := n.principal(t)
	app, appID := n.principal(t)
	vault := n.manager.AddVault(resourcemanager.Vault{Name: "safe", Subscription: "s", ResourceGroup: "Rg", RBAC: true})
	n.manager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: vault, RoleID: resourcemanager.KeyVaultDataAccessAdministrator, PrincipalID: adminID})
	secrets, err := azsecrets.NewClient("https://safe.vault.azure.net", app, &azsecrets.ClientOptions{ClientOptions: n.options})
	require.NoError(t, err)
	put := func(name string) error {
		_, err := secrets.SetSecret(t.Context(), name, azsecrets.SetSecretParameters{
			Value: new("v"), SecretAttributes: &azsecrets.SecretAttributes{Expires: new(n.clock.Now().Add(10 * day))}}, nil)
		return err
	}
	refused(t, put("db"), 403, "Forbidden", "ForbiddenByRbac")

	roles, err := armauthorization.NewRoleAssignmentsClient("s", admin, &arm.ClientOptions{ClientOptions: n.options, DisableRPRegistration: true})
	require.NoError(t, err)
	_, err = roles.Create(t.Context(), vault, "00000000-0000-4000-8000-000000000001", armauthorization.RoleAssignmentCreateParameters{
		Properties: &armauthorization.RoleAssignmentProperties{
			PrincipalID: &appID, PrincipalType: new(armauthorization.PrincipalTypeServicePrincipal),
			RoleDefinitionID: new("/providers/Microsoft.Authorization/roleDefinitions/" + resourcemanager.KeyVaultSecretsOfficer),
		}}, nil)
	require.NoError(t, err)
	refused(t, put("db"), 403, "Forbidden", "ForbiddenByRbac")
	n.clock.Advance(time.Minute)
	require.NoError(t, put("before-the-subscription"))

	url, got := webhook(t)
	require.NoError(t, n.grid.Subscribe(t.Context(), eventgrid.Subscription{
		Name: "near", Source: vault, Endpoint: url, EventTypes: []string{"Microsoft.KeyVault.SecretNearExpiry"}}))
	require.NoError(t, put("db"))
	n.clock.Advance(time.Minute)
	select {
	case delivery := <-got:
		assert.Contains(t, delivery, `"subject":"db","eventType":"Microsoft.KeyVault.SecretNearExpiry"`)
	case <-time.After(5 * time.Second):
		require.FailNow(t, "no event")
	}
	n.clock.Advance(10 * day)
	assert.Empty(t, got, "nothing of a version older than the subscription")
}
