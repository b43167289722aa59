package apiconnection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/rekey-dev/rekey/internal/httpfault"
)

// The api-versions. The portal's own one of connections is the first that knows
// parameter sets.
const (
	connectionsVersion   = "?api-version=2018-07-01-preview"
	subscriptionsVersion = "?api-version=2022-12-01"
	permissionsVersion   = "?api-version=2022-04-01"
)

// resourceManager is Azure Resource Manager as rekey's own identity sees it.
type resourceManager struct {
	client *arm.Client
	err    error // why there is none
}

// newResourceManager never registers resource providers: that is not rekey's to do.
func newResourceManager(credential azcore.TokenCredential, options azcore.ClientOptions) *resourceManager {
	if options.Retry.MaxRetries == 0 {
		options.Retry = soonOrNever()
	}
	client, err := arm.NewClient("rekey", "v1.0.0", credential, &arm.ClientOptions{ClientOptions: options, DisableRPRegistration: true})
	return &resourceManager{client, err}
}

// soonOrNever tries again what may heal within seconds. Whoever asks for more
// time comes back with the engine, which does not keep an invocation waiting.
func soonOrNever() policy.RetryOptions {
	return policy.RetryOptions{
		MaxRetries: 2, RetryDelay: 300 * time.Millisecond, MaxRetryDelay: 2 * time.Second,
		StatusCodes: []int{
			http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		},
	}
}

// connection reads a connection.
// https://learn.microsoft.com/rest/api/connections/connections/get
func (m *resourceManager) connection(ctx context.Context, id string) (connection, error) {
	doing := fmt.Sprintf("read connection %q", id)
	body, err := m.do(ctx, doing, http.MethodGet, escaped(id)+connectionsVersion, nil)
	if err != nil {
		return connection{}, err
	}
	c, err := readConnection(body, id)
	return c, fault(doing, err)
}

// connector reads the managed or custom API of a connection.
// https://learn.microsoft.com/rest/api/connections/managed-apis/get
// https://learn.microsoft.com/rest/api/connections/custom-apis/get
func (m *resourceManager) connector(ctx context.Context, id string) (connector, error) {
	doing := fmt.Sprintf("read connector %q", id)
	body, err := m.do(ctx, doing, http.MethodGet, escaped(id)+connectionsVersion, nil)
	if err != nil {
		return connector{}, err
	}
	k, err := readConnector(body)
	return k, fault(doing, err)
}

// put writes a whole connection.
// https://learn.microsoft.com/rest/api/connections/connections/create-or-update
func (m *resourceManager) put(ctx context.Context, c connection, values map[string]any, secrets map[string]hidden) (connection, error) {
	doing := fmt.Sprintf("write connection %q", c.ID)
	content, err := c.with(revealed(values, secrets))
	if err != nil {
		return connection{}, fault(doing, err)
	}
	body, err := m.do(ctx, doing, http.MethodPut, escaped(c.ID)+connectionsVersion, content)
	if err != nil {
		return connection{}, err
	}
	written, err := readConnection(body, c.ID)
	return written, fault(doing, err)
}

// test calls a connection's own test link: its status is the answer.
func (m *resourceManager) test(ctx context.Context, c connection) error {
	link := m.testLink(c)
	if link == "" {
		return nil
	}
	_, err := m.do(ctx, fmt.Sprintf("test connection %q", c.ID), http.MethodGet, link, nil)
	return err
}

// testLink returns path and query of the test link. One that leads anywhere but
// below the connection is none.
func (m *resourceManager) testLink(c connection) string {
	if len(c.TestLinks) == 0 || !strings.EqualFold(c.TestLinks[0].Method, http.MethodGet) {
		return ""
	}
	link, err := m.follow(c.TestLinks[0].RequestURI)
	if err != nil || !strings.HasPrefix(strings.ToLower(link.Path), strings.ToLower(c.ID)+"/") || strings.Contains(link.Path, "/..") {
		return ""
	}
	return link.RequestURI()
}

var errAway = errors.New("a link leads away from Resource Manager")

// follow reads a link. The token goes with every call, so it has to stay here.
func (m *resourceManager) follow(link string) (*url.URL, error) {
	to, err := url.Parse(link)
	if err != nil || m.client == nil {
		return nil, errAway
	}
	home, err := url.Parse(m.client.Endpoint())
	if err != nil || !strings.EqualFold(to.Scheme, home.Scheme) || !strings.EqualFold(to.Hostname(), home.Hostname()) {
		return nil, errAway
	}
	return to, nil
}

// escaped is an identifier as a path.
func escaped(id string) string { return (&url.URL{Path: "/" + strings.Trim(id, "/")}).EscapedPath() }

// do makes one call, to a path with its query, and returns the answer's body, bounded.
func (m *resourceManager) do(ctx context.Context, doing, method, path string, content []byte) ([]byte, error) {
	if m.err != nil {
		return nil, fault(doing, m.err)
	}
	request, err := runtime.NewRequest(ctx, method, strings.TrimSuffix(m.client.Endpoint(), "/")+path)
	if err != nil {
		return nil, fault(doing, err)
	}
	if content != nil {
		if err := request.SetBody(streaming.NopCloser(bytes.NewReader(content)), "application/json"); err != nil {
			return nil, fault(doing, err)
		}
	}
	runtime.SkipBodyDownload(request)
	answer, err := m.client.Pipeline().Do(request)
	if err != nil {
		return nil, fault(doing, err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read, or nobody wants it
	answer.Body = httpfault.Limit(answer.Body)
	if !runtime.HasStatusCode(answer, http.StatusOK, http.StatusCreated) {
		return nil, fault(doing, runtime.NewResponseError(answer))
	}
	body, err := runtime.Payload(answer)
	return body, fault(doing, err)
}
