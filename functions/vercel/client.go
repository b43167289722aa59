package vercel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	host    = "api.vercel.com"
	baseURL = "https://" + host
)

// client calls Vercel's API on behalf of one team. There is no official one in Go.
type client struct {
	http   *http.Client
	now    func() time.Time
	team   string
	token  secret.Value
	hidden []secret.Value // what else may be in no error
}

// request is one call. Its answer is decoded into into.
type request struct {
	doing  string // in errors
	method string
	path   string
	query  url.Values
	body   any
	into   any
}

func (c *client) do(ctx context.Context, r request) error {
	call, err := c.newRequest(ctx, r)
	if err != nil {
		return rotation.Permanently("vercel: %s: %w", r.doing, err)
	}
	response, err := c.http.Do(call)
	if err != nil {
		return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("vercel: %s: %w", r.doing, err)}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := httpfault.ReadAll(response.Body)
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return c.refused(r.doing, response, body) // also where it could not be read to its end
	}
	if err != nil {
		return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("vercel: %s: read the answer: %w", r.doing, err)}
	}
	if json.Unmarshal(body, r.into) != nil {
		return nonsense(r.doing, "JSON of the expected form")
	}
	return nil
}

func (c *client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	query := url.Values{}
	for name, values := range r.query {
		query[name] = values
	}
	if c.team != "" {
		query.Set("teamId", c.team)
	}
	var body io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	call, err := http.NewRequestWithContext(ctx, r.method, baseURL+r.path+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	call.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	if body != nil {
		call.Header.Set("Content-Type", "application/json")
	}
	return call, nil
}

// pagination ends every page of a list. https://vercel.com/docs/rest-api#pagination
type pagination struct {
	Next *json.Number `json:"next"`
}

const (
	perPage   = "100"
	mostPages = 50
)

// pages asks for every page of a list. read takes one page's answer and returns
// its pagination; parameter takes the next of the page before.
func (c *client) pages(ctx context.Context, r request, parameter string, read func() (pagination, error)) error {
	query := maps.Clone(r.query)
	if query == nil {
		query = url.Values{}
	}
	for range mostPages {
		r.query = query
		if err := c.do(ctx, r); err != nil {
			return err
		}
		page, err := read()
		if err != nil || page.Next == nil {
			return err
		}
		query.Set(parameter, page.Next.String())
	}
	return rotation.Permanently("vercel: %s: there are more than %d pages", r.doing, mostPages)
}
