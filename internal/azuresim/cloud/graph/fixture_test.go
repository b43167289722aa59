package graph_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	kauth "github.com/microsoft/kiota-authentication-azure-go"
	khttp "github.com/microsoft/kiota-http-go"
	kjson "github.com/microsoft/kiota-serialization-json-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/applications"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
)

const tenantID = "0e1c1a1c-6f4f-4f5e-9a55-0c2b5d1f7a10"

// tenant is a simulated cloud with a directory, and a rotator that may change
// the applications it owns.
type tenant struct {
	t         *testing.T
	clock     *clock.Clock
	cloud     *cloud.Cloud
	directory *entra.Directory
	graph     *graph.Service
	rotator   entra.Application
	principal entra.ServicePrincipal
	secret    string
}

func start(t *testing.T, replication entra.Options, opts graph.Options) *tenant {
	t.Helper()
	c := clock.New()
	n := &tenant{t: t, clock: c, cloud: cloudtest.Start(t, c)}
	n.directory = entra.New(c, nil, tenantID, replication)
	n.graph = graph.New(c, nil, n.directory, opts)
	n.cloud.Handle("login.microsoftonline.com", n.directory)
	n.cloud.Handle("graph.microsoft.com", n.graph)
	n.cloud.HandleLocal("/msi/token", n.directory.ManagedIdentity())
	n.rotator, n.principal, n.secret = n.client("rotator", entra.RoleApplicationReadWriteOwnedBy)
	return n
}

// client adds an application that can sign in, with roles on Graph.
func (n *tenant) client(name string, roles ...string) (entra.Application, entra.ServicePrincipal, string) {
	password, secret := entra.NewPassword(name, n.clock.Now(), n.clock.Now().AddDate(1, 0, 0))
	app := n.directory.AddApplication(entra.Application{DisplayName: name, Passwords: []entra.Password{password}})
	sp := n.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: app.AppID, DisplayName: name, Roles: roles})
	return app, sp, secret
}

// owned adds an application that the rotator owns, with its principal.
func (n *tenant) owned(name string) entra.Application {
	app := n.directory.AddApplication(entra.Application{DisplayName: name, Owners: []string{n.principal.ObjectID}})
	n.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: app.AppID, DisplayName: name})
	return app
}

// pass moves time on, step by step, until stopped: a request on its way may begin
// to wait at any moment.
func (n *tenant) pass(step time.Duration) (stop func()) {
	ticker := time.NewTicker(time.Millisecond)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				n.clock.Advance(step)
			case <-done:
				ticker.Stop()
				return
			}
		}
	}()
	return func() { close(done) }
}

func (n *tenant) options() azcore.ClientOptions {
	return azcore.ClientOptions{Transport: n.cloud.Client(), Retry: policy.RetryOptions{MaxRetries: -1}}
}

func (n *tenant) secretCredential(appID, secret string) azcore.TokenCredential {
	credential, err := azidentity.NewClientSecretCredential(tenantID, appID, secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: n.options()})
	require.NoError(n.t, err)
	return credential
}

// sdk is the official client as the product uses it.
func (n *tenant) sdk(credential azcore.TokenCredential) (*applications.ApplicationsRequestBuilder, abstractions.RequestAdapter) {
	abstractions.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory { return kjson.NewJsonSerializationWriterFactory() })
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return kjson.NewJsonParseNodeFactory() })
	auth, err := kauth.NewAzureIdentityAuthenticationProviderWithScopes(credential, []string{"https://graph.microsoft.com/.default"})
	require.NoError(n.t, err)
	middleware, err := khttp.GetDefaultMiddlewaresWithOptions(khttp.NewCompressionOptionsReference(false))
	require.NoError(n.t, err)
	transport, isTransport := n.cloud.Client().Transport.(*http.Transport)
	require.True(n.t, isTransport)
	client := khttp.GetDefaultClient(middleware...)
	client.Transport = khttp.NewCustomTransportWithParentTransport(transport, middleware...)
	adapter, err := core.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(auth, core.GraphClientOptions{}, nil, nil, client)
	require.NoError(n.t, err)
	adapter.SetBaseUrl("https://graph.microsoft.com/v1.0")
	return applications.NewApplicationsRequestBuilderInternal(map[string]string{"baseurl": adapter.GetBaseUrl()}, adapter), adapter
}

// bearer is a Graph token for the rotator, or for another client.
func (n *tenant) bearer(appID, secret string) string {
	token, err := n.secretCredential(appID, secret).GetToken(n.t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}})
	require.NoError(n.t, err)
	return token.Token
}

// reply is a raw answer with its JSON.
type reply struct {
	status int
	header http.Header
	body   map[string]any
}

func (r reply) code() any {
	envelope, _ := r.body["error"].(map[string]any)
	return envelope["code"]
}

func (r reply) message() any {
	envelope, _ := r.body["error"].(map[string]any)
	return envelope["message"]
}

// caller sends raw requests to Graph.
type caller struct {
	t      *testing.T
	client *http.Client
	token  string
	header http.Header
}

func (n *tenant) raw() *caller {
	return &caller{t: n.t, client: n.cloud.Client(), token: n.bearer(n.rotator.AppID, n.secret), header: http.Header{}}
}

func (n *tenant) as(appID, secret string) *caller {
	return &caller{t: n.t, client: n.cloud.Client(), token: n.bearer(appID, secret), header: http.Header{}}
}

func (c *caller) do(method, path string, body any) reply {
	var payload bytes.Buffer
	if body != nil {
		require.NoError(c.t, json.NewEncoder(&payload).Encode(body))
	}
	return c.send(method, path, payload.Bytes())
}

func (c *caller) send(method, path string, body []byte) reply {
	url := path
	if path[0] == '/' {
		url = "https://graph.microsoft.com/v1.0" + path
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, url, bytes.NewReader(body))
	require.NoError(c.t, err)
	request.Header = c.header.Clone()
	request.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.client.Do(request)
	require.NoError(c.t, err)
	defer response.Body.Close()
	given := reply{status: response.StatusCode, header: response.Header}
	if response.StatusCode != http.StatusNoContent {
		require.NoError(c.t, json.NewDecoder(response.Body).Decode(&given.body))
	}
	return given
}

// certificate returns a self-signed RSA certificate with its key.
func certificate(t *testing.T, notBefore, notAfter time.Time) (*x509.Certificate, *rsa.PrivateKey) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotBefore: notBefore, NotAfter: notAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, private
}

// quickCertificate is one that only has to be registered.
func quickCertificate(t *testing.T, notBefore, notAfter time.Time) *x509.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "app"}, NotBefore: notBefore, NotAfter: notAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}
