package devops

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	host        = "dev.azure.com"
	profileHost = "app.vssps.visualstudio.com"
	version     = "7.1"

	// scope is that of Azure DevOps in every tenant.
	// https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity
	scope = "499b84ac-1321-427f-aa17-267ca6975798/.default"
)

// client speaks to Azure DevOps. It repeats nothing: the engine does.
type client struct {
	credential azcore.TokenCredential
	http       *http.Client
	tenantID   string
	now        func() time.Time

	mu     sync.Mutex
	pauses map[string]time.Time // until when to leave an organization alone, by lower-case name
}

func newClient(c Config) *client {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &client{
		credential: c.Credential, tenantID: c.TenantID, now: c.Now, pauses: map[string]time.Time{},
		http: outbound.To(c.Transport, host, profileHost),
	}
}

// request is one call.
type request struct {
	doing        string // what for, as errors begin
	organization string // empty on the profile host
	method       string
	path         []string
	query        url.Values
	body         any
	sent         secret.Value // what no error may repeat
}

func (r request) url() string {
	base, segments := "https://"+profileHost, r.path
	if r.organization != "" {
		base, segments = "https://"+host, append([]string{r.organization}, r.path...)
	}
	for _, segment := range segments {
		base += "/" + url.PathEscape(segment)
	}
	query := url.Values{"api-version": {version}}
	maps.Copy(query, r.query)
	return base + "?" + query.Encode()
}

// answer is what came back, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes one call and returns an answer that is JSON.
func (c *client) send(ctx context.Context, r request) (answer, error) {
	token, err := c.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return answer{}, refusal(rotation.Transient, "", "devops: %s: get a token: %w", r.doing, err)
	}
	call, err := r.build(ctx, token.Token)
	if err != nil {
		return answer{}, rotation.Permanently("devops: %s: %w", r.doing, err)
	}
	response, err := c.http.Do(call)
	if err != nil {
		return answer{}, refusal(rotation.Transient, "", "devops: %s: %w", r.doing, err)
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{status: response.StatusCode, header: response.Header}
	if a.body, err = httpfault.ReadAll(response.Body); err != nil && a.status == http.StatusOK {
		return a, refusal(rotation.Transient, "", "devops: %s: read the answer: %w", r.doing, err)
	}
	a.body = bytes.TrimPrefix(a.body, []byte("\xef\xbb\xbf")) // some answers begin with a byte order mark
	c.heed(r.organization, a)
	if a.status != http.StatusOK || !a.isJSON() {
		return a, c.fault(r, a)
	}
	return a, nil
}

func (r request) build(ctx context.Context, token string) (*http.Request, error) {
	var content io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	call, err := http.NewRequestWithContext(ctx, r.method, r.url(), content)
	if err != nil {
		return nil, err
	}
	call.Header.Set("Authorization", "Bearer "+token)
	call.Header.Set("Accept", "application/json")
	call.Header.Set("X-TFS-FedAuthRedirect", "Suppress") // 401 instead of a page
	if content != nil {
		call.Header.Set("Content-Type", "application/json")
	}
	return call, nil
}

func (a answer) isJSON() bool {
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// decodeList reads a collection as Azure DevOps answers it.
func decodeList[T any](r request, a answer) ([]T, error) {
	page, err := decode[struct{ Value []T }](r, a)
	if err == nil && page.Value == nil {
		err = refusal(rotation.Transient, "", "devops: %s: the answer makes no sense: it is no list", r.doing)
	}
	return page.Value, err
}

func decode[T any](r request, a answer) (value T, err error) {
	if err := json.Unmarshal(a.body, &value); err != nil {
		return value, refusal(rotation.Transient, "", "devops: %s: the answer makes no sense: %w", r.doing, err)
	}
	return value, nil
}

// heed remembers that an answer asks to slow down, as answers do long before
// calls are refused. What was begun goes on; what comes next waits.
// https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
func (c *client) heed(organization string, a answer) {
	after := c.pause(a)
	if after == 0 || a.status != http.StatusOK {
		return // a refusal says by itself when to come back
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pauses[strings.ToLower(organization)] = c.now().Add(after)
}

// paused refuses to begin while the organization wants to be left alone.
func (c *client) paused(organization string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.pauses[strings.ToLower(organization)]
	if !ok || !c.now().Before(until) {
		delete(c.pauses, strings.ToLower(organization))
		return nil
	}
	return &rotation.Fault{
		Class: rotation.Throttled, After: until.Sub(c.now()),
		Err: fmt.Errorf("devops: organization %q asked to slow down", organization),
	}
}
