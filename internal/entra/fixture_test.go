package entra_test

import (
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	tenant "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/entra"
)

const (
	tenantID  = "0e1c1a1c-6f4f-4f5e-9a55-0c2b5d1f7a10"
	graphHost = "graph.microsoft.com"
	loginHost = "login.microsoftonline.com"
)

// world is a simulated tenant in which rekey owns the application shop.
type world struct {
	t         *testing.T
	clock     *clock.Clock
	cloud     *cloud.Cloud
	directory *tenant.Directory
	graph     *graph.Service
	rekey     tenant.ServicePrincipal
	shop      tenant.Application
	account   tenant.ServicePrincipal // shop's
	client    *entra.Client
}

func start(t *testing.T, replication tenant.Options, behaviour graph.Options) *world {
	t.Helper()
	c := clock.New()
	w := &world{t: t, clock: c, cloud: cloudtest.Start(t, c), directory: tenant.New(c, nil, tenantID, replication)}
	w.graph = graph.New(c, nil, w.directory, behaviour)
	w.cloud.Handle(loginHost, w.directory)
	w.cloud.Handle(graphHost, w.graph)
	password, value := tenant.NewPassword("rekey", c.Now(), c.Now().AddDate(1, 0, 0))
	app := w.directory.AddApplication(tenant.Application{DisplayName: "rekey", Passwords: []tenant.Password{password}})
	w.rekey = w.directory.AddServicePrincipal(tenant.ServicePrincipal{AppID: app.AppID, Roles: []string{tenant.RoleApplicationReadWriteOwnedBy}})
	w.shop = w.directory.AddApplication(tenant.Application{DisplayName: "shop", Owners: []string{w.rekey.ObjectID}})
	w.account = w.directory.AddServicePrincipal(tenant.ServicePrincipal{AppID: w.shop.AppID, DisplayName: "shop"})
	w.client = w.as(w.credential(app.AppID, value))
	return w
}

// as is a client with an identity of its own, and with connections of its own.
func (w *world) as(credential azcore.TokenCredential) *entra.Client {
	client, err := entra.New(entra.Options{Transport: w.transport(), Credential: credential, TenantID: tenantID})
	require.NoError(w.t, err)
	return client
}

func (w *world) transport() *http.Transport {
	transport, ok := w.cloud.Client().Transport.(*http.Transport)
	require.True(w.t, ok)
	w.t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func (w *world) credential(appID, value string) azcore.TokenCredential {
	credential, err := azidentity.NewClientSecretCredential(tenantID, appID, value, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: w.cloud.Client(), Retry: policy.RetryOptions{MaxRetries: -1}},
	})
	require.NoError(w.t, err)
	return credential
}

// misbehave puts the rules of faults in force.
func (w *world) misbehave(rules ...cloud.Fault) {
	w.t.Helper()
	cloudtest.Misbehave(w.t, w.cloud, rules...)
}

// call is one kind of call that the cloud has seen.
type call struct {
	Method, Path string
	Status       int
	Count        int
}

// calls returns what a host has seen since the last time that anybody asked.
func (w *world) calls(host string) (seen []call) {
	w.t.Helper()
	var answer struct {
		Calls []struct {
			Host string
			call
		}
	}
	cloudtest.Face(w.t, w.cloud, http.MethodGet, "/sim/calls?reset=true", "", &answer)
	for _, one := range answer.Calls {
		if one.Host == host {
			seen = append(seen, one.call)
		}
	}
	return seen
}
