package vault_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/vault"
)

const (
	tenant       = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	subscription = "11111111-2222-4333-8444-555555555555"
	value        = "the value that nobody may see"
	host         = "staging.vault.azure.net"
)

// world is an Azure with the vault "staging", in which rekey may do everything.
type world struct {
	*azuresim.Azure
	t        testing.TB
	identity entra.ServicePrincipal
	client   *vault.Client
}

func start(t testing.TB, latency azuresim.Latency) *world {
	t.Helper()
	azure, err := azuresim.Start(azuresim.Options{TenantID: tenant, Latency: latency})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, azure.Close()) })
	w := &world{Azure: azure, t: t, identity: azure.Directory.AddManagedIdentity("rekey")}
	id := w.addVault(resourcemanager.Vault{Name: "staging", RBAC: true})
	for _, role := range []string{resourcemanager.KeyVaultSecretsOfficer, resourcemanager.KeyVaultCertificatesOfficer} {
		azure.ResourceManager.AddRoleAssignment(resourcemanager.RoleAssignment{
			Scope: id, RoleID: role, PrincipalID: w.identity.ObjectID,
		})
	}
	transport, ok := azure.Cloud.Client().Transport.(*http.Transport)
	require.True(t, ok)
	w.client = vault.New(w, transport)
	return w
}

func (w *world) addVault(v resourcemanager.Vault) (id string) {
	v.Subscription, v.ResourceGroup = subscription, "rg"
	return w.ResourceManager.AddVault(v)
}

// versions are the versions of a secret in the vault "staging".
func (w *world) versions(name string) []keyvault.VersionState {
	return w.Vaults.State().Vaults["staging"].Secrets[name].Versions
}

// GetToken is the platform's managed identity.
// https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
func (w *world) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	e := w.Endpoints()
	resource := strings.TrimSuffix(o.Scopes[0], "/.default")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.IdentityEndpoint+"?api-version=2019-08-01&resource="+resource, nil)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	request.Header.Set("X-IDENTITY-HEADER", e.IdentityHeader)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return azcore.AccessToken{}, fmt.Errorf("identity endpoint: %s", response.Status)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(response.Body).Decode(&answer)
	return azcore.AccessToken{Token: answer.AccessToken, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// misbehave puts rules of faults in force.
func (w *world) misbehave(rules ...cloud.Fault) {
	w.t.Helper()
	body, err := json.Marshal(rules)
	require.NoError(w.t, err)
	w.face(http.MethodPut, "/sim/faults", string(body), nil)
}

// calls are what the vault "staging" has been asked since the last time: method,
// path, status and how often.
func (w *world) calls() (seen []string) {
	w.t.Helper()
	var answer struct {
		Calls []struct {
			Host, Method, Path string
			Status, Count      int
		}
	}
	w.face(http.MethodGet, "/sim/calls?reset=true", "", &answer)
	for _, c := range answer.Calls {
		if c.Host == host {
			seen = append(seen, fmt.Sprintf("%s %s %d x%d", c.Method, c.Path, c.Status, c.Count))
		}
	}
	return seen
}

func (w *world) face(method, path, body string, into any) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.Endpoints().Proxy+path, strings.NewReader(body))
	require.NoError(w.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	defer response.Body.Close()
	require.Equal(w.t, http.StatusOK, response.StatusCode)
	if into != nil {
		require.NoError(w.t, json.NewDecoder(response.Body).Decode(into))
	}
}
