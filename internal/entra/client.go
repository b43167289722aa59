package entra

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	kiotahttp "github.com/microsoft/kiota-http-go"
	kiotajson "github.com/microsoft/kiota-serialization-json-go"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/outbound"
)

const (
	loginHost  = "login.microsoftonline.com"
	graphHost  = "graph.microsoft.com"
	graphURL   = "https://" + graphHost + "/v1.0"
	graphScope = "https://" + graphHost + "/.default"
)

// Options say how to reach Entra ID. All of them are needed, but for Login.
type Options struct {
	// Transport carries every request: it knows the proxy and the extra CA.
	Transport *http.Transport
	// Login carries the requests for tokens; nil is the transport, with a new
	// connection for each of them.
	Login http.RoundTripper
	// Credential is rekey's own identity, for Graph.
	Credential azcore.TokenCredential
	// TenantID is the tenant in which credentials are verified.
	TenantID string
}

// Client is Entra ID as rekey needs it. It may be used from any goroutine. Calls
// last as long as their context lets them.
type Client struct {
	graph    abstractions.RequestAdapter
	fresh    *http.Client
	identity azcore.TokenCredential
	tenantID string
}

var (
	_ engine.Directory = (*Client)(nil)
	_ engine.Keys      = (*Client)(nil)
	_ engine.Verifier  = (*Client)(nil)
)

// New returns a client.
func New(o Options) (*Client, error) {
	if o.Transport == nil || o.Credential == nil || o.TenantID == "" {
		return nil, errors.New("entra: new client: transport, credential and tenant id are needed")
	}
	// The pipeline holds our one step and none of the SDK's: its retry would
	// repeat writes, and the compression beside it corrupts what is repeated.
	pipeline := kiotahttp.NewCustomTransportWithParentTransport(o.Transport, refuse{})
	graph, err := kiotahttp.NewNetHttpRequestAdapterWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		bearer{o.Credential}, kiotajson.NewJsonParseNodeFactory(), kiotajson.NewJsonSerializationWriterFactory(),
		outbound.To(pipeline, graphHost))
	if err != nil {
		return nil, err
	}
	graph.SetBaseUrl(graphURL)
	if o.Login == nil {
		o.Login = freshConnections(o.Transport)
	}
	return &Client{
		graph:    graph,
		fresh:    outbound.To(o.Login, loginHost),
		identity: o.Credential,
		tenantID: o.TenantID,
	}, nil
}

// freshConnections is the transport with a new connection for each request. One
// that is kept leads to the same front end again, and several are to be asked.
// HTTP/2 would set up what a single request has no use for.
func freshConnections(shared *http.Transport) *http.Transport {
	fresh := shared.Clone()
	fresh.DisableKeepAlives = true
	fresh.Protocols = new(http.Protocols)
	fresh.Protocols.SetHTTP1(true)
	if fresh.TLSClientConfig == nil {
		fresh.TLSClientConfig = &tls.Config{}
	}
	fresh.TLSClientConfig.NextProtos = []string{"http/1.1"} // a clone offers what the original was set up for
	return fresh
}

// bearer signs requests with the credential's token. The SDK's own provider asks
// for continuous access evaluation, where a refused request is sent again.
type bearer struct{ credential azcore.TokenCredential }

func (b bearer) AuthenticateRequest(ctx context.Context, r *abstractions.RequestInformation, _ map[string]any) error {
	token, err := b.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{graphScope}})
	if err != nil {
		return &noToken{err}
	}
	r.Headers.Add("Authorization", "Bearer "+token.Token)
	return nil
}

// noToken says that a call was never sent, because rekey's own identity got no token.
type noToken struct{ err error }

func (e *noToken) Error() string { return shortened(e.err.Error()) }

func (e *noToken) Unwrap() error { return e.err }
