package connections

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// prove asks the tenant for a token, as any client would, and returns the tenant's
// refusal, or nothing.
func (s *Service) prove(ctx context.Context, c *connection) (refusal string) {
	values := c.signIn.values
	tenant := cmp.Or(text(values, "token:tenantId"), s.directory.TenantID())
	entrance := &inside{handler: s.directory}
	options := azcore.ClientOptions{Transport: entrance, Retry: policy.RetryOptions{MaxRetries: -1}}
	credential, err := credentialOf(tenant, values, options)
	if err != nil {
		return err.Error()
	}
	resource := cmp.Or(text(values, "token:resourceUri"), c.connector.Resource)
	_, err = credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{strings.TrimRight(resource, "/") + "/.default"}})
	if err == nil {
		return ""
	}
	return cmp.Or(entrance.refusal, err.Error())
}

func credentialOf(tenant string, values map[string]any, options azcore.ClientOptions) (azcore.TokenCredential, error) {
	client := text(values, "token:clientId")
	given := object(named(values, "token:clientCertificateSecret"))
	if given == nil {
		return azidentity.NewClientSecretCredential(tenant, client, text(values, "token:clientSecret"),
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	}
	pfx, err := base64.StdEncoding.DecodeString(text(given, "pfx"))
	if err != nil {
		return nil, err
	}
	certificates, key, err := azidentity.ParseCertificates(pfx, []byte(text(given, "password")))
	if err != nil {
		return nil, err
	}
	return azidentity.NewClientCertificateCredential(tenant, client, certificates, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
}

// inside reaches the tenant's endpoints without a network.
type inside struct {
	handler http.Handler
	refusal string // the body of the last answer that was one
}

// Do implements policy.Transporter.
func (i *inside) Do(r *http.Request) (*http.Response, error) {
	r.Host = r.URL.Host
	if r.Body == nil {
		r.Body = http.NoBody
	}
	recorded := &recorder{header: http.Header{}, status: http.StatusOK}
	i.handler.ServeHTTP(recorded, r)
	if recorded.status != http.StatusOK {
		i.refusal = strings.TrimSpace(recorded.body.String())
	}
	return &http.Response{
		Status: http.StatusText(recorded.status), StatusCode: recorded.status, Header: recorded.header, Request: r,
		Body: io.NopCloser(&recorded.body),
	}, nil
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
