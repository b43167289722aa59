package functions_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/functions"
	"github.com/rekey-dev/rekey/functions/apiconnection"
	"github.com/rekey-dev/rekey/functions/automation"
	"github.com/rekey-dev/rekey/functions/devops"
	"github.com/rekey-dev/rekey/functions/keyvault"
	"github.com/rekey-dev/rekey/functions/vercel"
	"github.com/rekey-dev/rekey/internal/azuresim"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/entra"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/simulation"
	"github.com/rekey-dev/rekey/internal/vault"
)

const (
	tenantID       = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	subscriptionID = "11111111-2222-4333-8444-555555555555"
	resourceGroup  = "rg"
	groupID        = "/subscriptions/" + subscriptionID + "/resourceGroups/" + resourceGroup
	stagingVault   = "rekey-staging"
)

// sharedKey signs the tokens of every world: to make one takes a while.
var sharedKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// azure is a simulated Azure, and how rekey reaches it.
type azure struct {
	*azuresim.Azure
	self      simulated.ServicePrincipal
	identity  *identity
	wire      *wire
	transport *http.Transport
	places    *places
}

// outside makes the outside of one world.
func outside(l simulation.Latency) (simulation.Outside, error) {
	a, err := newAzure(l)
	if err != nil {
		return simulation.Outside{}, err
	}
	return simulation.Outside{
		Connect: a.connect,
		Calls: []string{"graph GET", "graph POST", "graph PATCH", "entra", "stage GET", "stage PUT", "stage POST", "stage DELETE",
			"keyvault GET", "keyvault PUT", "devops GET", "devops PUT", "vercel GET", "vercel PATCH", "vercel POST",
			"apiconnection GET", "apiconnection PUT", "apiconnection POST", "automation GET", "automation PUT", "automation DELETE"},
		Tenant: &tenant{azure: a, began: time.Now(), lost: map[string]simulated.Application{}},
		Places: a.places,
		Copies: copies{a},
	}, nil
}

func newAzure(l simulation.Latency) (*azure, error) {
	key, err := sharedKey()
	if err != nil {
		return nil, err
	}
	made, err := azuresim.New(azuresim.Options{TenantID: tenantID, TokenKey: key, Latency: azuresim.Latency{
		Replication: l.Replication, ReadLag: l.ReadLag, RolePropagation: l.Grants, VercelBuild: l.Builds, Jobs: l.Jobs,
		Processing: 2 * time.Second, Recovery: 2 * time.Second,
	}})
	if err != nil {
		return nil, err
	}
	a := &azure{Azure: made, self: made.Directory.AddManagedIdentity("rekey", simulated.RoleApplicationReadWriteOwnedBy)}
	a.identity = &identity{directory: made.Directory, tokens: map[string]azcore.AccessToken{}}
	a.wire = &wire{cloud: made.Cloud.Handler(), certificates: map[string]string{}}
	a.transport = &http.Transport{TLSNextProto: noNextProto()}
	a.transport.RegisterProtocol("https", a.wire)
	a.allow()
	a.places = newPlaces(a)
	return a, nil
}

// allow gives rekey what its installation gives it.
func (a *azure) allow() {
	rm := a.ResourceManager
	rm.AddSubscription(subscriptionID, "Contoso")
	staging := rm.AddVault(resourcemanager.Vault{Name: stagingVault, Subscription: subscriptionID, ResourceGroup: "staging", RBAC: true})
	for _, grant := range []struct{ scope, role string }{
		{staging, resourcemanager.KeyVaultSecretsOfficer},
		{staging, resourcemanager.KeyVaultCertificatesOfficer},
		{"/subscriptions/" + subscriptionID, resourcemanager.Reader},
		{groupID, resourcemanager.Contributor},
		{groupID, resourcemanager.KeyVaultDataAccessAdministrator},
	} {
		rm.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: grant.scope, RoleID: grant.role, PrincipalID: a.self.ObjectID})
	}
}

// connect makes the clients and integrations of one process, as handlers/rekey does.
func (a *azure) connect(e *engine.Engine) (map[string]rotation.Target, error) {
	directory, err := entra.New(entra.Options{Transport: a.transport, Login: a.wire, Credential: a.identity, TenantID: tenantID})
	if err != nil {
		return nil, err
	}
	vaults := vault.New(a.identity, a.transport)
	manager := azcore.ClientOptions{Transport: outbound.To(a.transport, "management.azure.com")}
	e.Directory, e.Keys, e.Verifier = directory, directory, directory
	stage := vault.NewStage(vaults, stagingVault, e.Installation, e.Now)
	stage.NewCertificate = e.NewCertificate
	e.Stage = stage
	return plain(map[string]functions.Target{
		"apiconnection": apiconnection.New(apiconnection.Config{Vaults: vaults, StagingVault: stagingVault, Credential: a.identity, ClientOptions: manager}),
		"automation": automation.New(automation.Config{
			Tasks: a.places, Vaults: vaults, Credential: a.identity, StagingVault: stagingVault, Now: e.Now, ClientOptions: manager,
		}),
		"keyvault": keyvault.New(keyvault.Config{
			Vaults: vaults, Principals: directory, Credential: a.identity, ClientOptions: manager,
			StagingVault: stagingVault, Installation: e.Installation, Log: slog.New(e.Log.Handler()),
		}),
		"devops": devops.New(devops.Config{Credential: a.identity, Transport: a.transport, TenantID: tenantID, Now: e.Now}),
		"vercel": vercel.New(vercel.Config{Groups: a.places, Transport: a.transport, Now: e.Now}),
	}), nil
}

func plain(targets map[string]functions.Target) map[string]rotation.Target {
	all := map[string]rotation.Target{}
	for word, target := range targets {
		all[word] = target
	}
	return all
}

// identity is rekey's managed identity. Its endpoint always answers: that nobody
// gives way there keeps the SDK's locks from being held meanwhile.
type identity struct {
	directory *simulated.Directory
	tokens    map[string]azcore.AccessToken
}

// GetToken implements azcore.TokenCredential.
func (i *identity) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	resource := strings.TrimSuffix(o.Scopes[0], "/.default")
	if kept := i.tokens[resource]; time.Until(kept.ExpiresOn) > time.Hour {
		return kept, nil
	}
	address := "/msi/token?api-version=2019-08-01&resource=" + url.QueryEscape(resource)
	request := httptest.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, address, nil)
	request.Header.Set("X-Identity-Header", i.directory.IdentityHeader())
	answer := httptest.NewRecorder()
	i.directory.ManagedIdentity().ServeHTTP(answer, request)
	var given struct {
		Token string `json:"access_token"`
	}
	err := json.Unmarshal(answer.Body.Bytes(), &given)
	i.tokens[resource] = azcore.AccessToken{Token: given.Token, ExpiresOn: time.Now().Add(23 * time.Hour)}
	return i.tokens[resource], err
}
