package automation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// The api-versions that are used.
const (
	computeVersion      = "2023-07-01"
	automationVersion   = "2022-08-08"
	scriptsVersion      = "2023-08-01"
	storageVersion      = "2023-05-01"
	identityVersion     = "2023-01-31"
	permissionsVersion  = "2022-04-01"
	subscriptionVersion = "2022-12-01"
	providersVersion    = "2021-04-01"
)

// client speaks to Resource Manager through the SDK's pipeline, with types of its
// own: of the three providers a dozen fields are used, the official clients would
// add some 8 MB to the binary for them, and there is none for deployment scripts.
//
// It repeats nothing by itself. A repeated PUT would run a script twice, and the
// engine comes back anyway.
type client struct {
	pipeline func() (*arm.Client, error)
}

func newClient(credential azcore.TokenCredential, options azcore.ClientOptions) *client {
	options.Retry = policy.RetryOptions{MaxRetries: -1}
	return &client{pipeline: sync.OnceValues(func() (*arm.Client, error) {
		return arm.NewClient("rekey", "v1.0.0", credential, &arm.ClientOptions{ClientOptions: options, DisableRPRegistration: true})
	})}
}

// call is one request to a resource.
type call struct {
	method  string
	id      string // resource id, or a path below one
	version string
	query   url.Values
	body    any
	into    any // JSON is decoded into it, text is put into a *string; nil drops the answer
}

// do makes a call. What it did is named in errors, with the call's subject quoted.
func (c *client) do(ctx context.Context, doing string, k call) error {
	pipeline, err := c.pipeline()
	if err != nil {
		return transient(doing, err)
	}
	query := url.Values{"api-version": {k.version}}
	for name, values := range k.query {
		query[name] = values
	}
	address := pipeline.Endpoint() + (&url.URL{Path: k.id}).EscapedPath() + "?" + query.Encode()
	text, err := c.exchange(ctx, doing, pipeline, k, address)
	if err != nil || k.into == nil {
		return err
	}
	if plain, ok := k.into.(*string); ok {
		*plain = string(text)
		return nil
	}
	if err := json.Unmarshal(text, k.into); err != nil {
		return transient(doing, fmt.Errorf("the answer cannot be read: %w", err))
	}
	return nil
}

func (c *client) exchange(ctx context.Context, doing string, pipeline *arm.Client, k call, address string) ([]byte, error) {
	request, err := runtime.NewRequest(ctx, k.method, address)
	if err != nil {
		return nil, transient(doing, err)
	}
	runtime.SkipBodyDownload(request)
	if k.body != nil {
		if err := runtime.MarshalAsJSON(request, k.body); err != nil {
			return nil, transient(doing, err)
		}
	}
	answer, err := pipeline.Pipeline().Do(request)
	if err != nil {
		return nil, transient(doing, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := httpfault.ReadAll(answer.Body)
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return nil, refusal(doing, answer, text) // also where it could not be read to its end
	}
	if err != nil {
		return nil, transient(doing, err)
	}
	return bytes.TrimSpace(text), nil
}

func (c *client) get(ctx context.Context, doing, id, version string, into any) error {
	return c.do(ctx, doing, call{method: http.MethodGet, id: id, version: version, into: into})
}

// expanded asks for the instance view as well, which comes only when asked for.
func expanded() url.Values { return url.Values{"$expand": {"instanceView"}} }

// mostPages ends a list that never ends.
const mostPages = 100

// list reads every page of a list.
func list[T any](ctx context.Context, c *client, doing, id, version string, query url.Values) (all []T, err error) {
	for range mostPages {
		var page struct {
			Value    []T    `json:"value"`
			NextLink string `json:"nextLink"`
		}
		if err := c.do(ctx, doing, call{method: http.MethodGet, id: id, version: version, query: query, into: &page}); err != nil {
			return nil, err
		}
		all = append(all, page.Value...)
		if page.NextLink == "" {
			return all, nil
		}
		// Only what the link asks is followed, not where it leads: the token stays here.
		next, err := url.Parse(page.NextLink)
		if err != nil || !strings.HasPrefix(next.Path, "/") {
			return nil, transient(doing, fmt.Errorf("the next page has no address"))
		}
		id, query = next.Path, next.Query()
	}
	return all, nil
}

func transient(doing string, err error) error {
	return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("automation: %s: %w", doing, err)}
}
