package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/httpfault"
)

// Request is one request.
type Request struct {
	Method string // GET, if empty
	Path   string // under /api/, as Path makes it
	Query  url.Values
	Header http.Header
	Body   []byte
}

// Path joins segments to a path under /api, each escaped.
func Path(segments ...string) string {
	path := "/api"
	for _, s := range segments {
		path += "/" + url.PathEscape(s)
	}
	return path
}

// Answer is an answer that is no refusal.
type Answer struct {
	Header http.Header
	Body   []byte
}

// Decode reads the document of an answer.
func (a Answer) Decode(into any) error {
	if err := json.Unmarshal(a.Body, into); err != nil {
		return &Unreachable{fmt.Errorf("client: this is no answer of rekey's API; is the address right? %w", err)}
	}
	return nil
}

// Do sends a request, and again when the server asks for that.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	for left := c.options.Patience; ; {
		response, body, err := c.once(ctx, r)
		if err != nil {
			return Answer{}, err
		}
		if response.StatusCode/100 == 2 {
			return Answer{response.Header, body}, nil
		}
		wait, again := c.again(r, response)
		if left -= wait; !again || left < 0 {
			return Answer{}, problemOf(response, body)
		}
		if err := c.options.Pause(ctx, wait); err != nil {
			return Answer{}, err
		}
	}
}

// again reports whether and when a request is sent once more. A POST without a key of
// its own may have taken effect unless it was throttled.
func (c *Client) again(r Request, response *http.Response) (time.Duration, bool) {
	after, asked := httpfault.RetryAfter(response.Header, c.options.Now())
	unharmful := r.Method != http.MethodPost || r.Header.Get("Idempotency-Key") != ""
	switch response.StatusCode {
	case http.StatusTooManyRequests:
	case http.StatusServiceUnavailable:
		asked = asked && unharmful
	default:
		asked = false
	}
	return max(after, time.Second), asked
}

func (c *Client) once(ctx context.Context, r Request) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	request, err := c.request(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, c.unreachable(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, c.unreachable(err)
	}
	return response, body, nil
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	address := *c.base
	address.RawQuery = r.Query.Encode()
	target, err := url.Parse(strings.TrimSuffix(address.EscapedPath(), "/") + r.Path)
	if err != nil {
		return nil, fmt.Errorf("client: the path %q: %w", r.Path, err)
	}
	address.Path, address.RawPath = target.Path, target.RawPath
	request, err := http.NewRequestWithContext(ctx, r.Method, address.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	request.Header.Set("Accept", "application/json, application/problem+json")
	request.Header.Set("User-Agent", c.options.Agent)
	if r.Body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range r.Header {
		request.Header[name] = values
	}
	if c.options.Authorize == nil {
		return request, nil
	}
	if err := c.options.Authorize(ctx, request.Header); err != nil {
		return nil, &NoCredential{err}
	}
	return request, nil
}
