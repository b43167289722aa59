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

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const baseURL = "https://api.vercel.com"

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

// mostBody bounds what is read of an answer.
const mostBody = 8 << 20

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
	body, err := io.ReadAll(io.LimitReader(response.Body, mostBody))
	if err != nil {
		return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("vercel: %s: read the answer: %w", r.doing, err)}
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return c.refused(r.doing, response, body)
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

// newHTTPClient follows no redirect: a token goes to api.vercel.com alone.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
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

// Team is a team that a token may use.
type Team struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

// https://vercel.com/docs/rest-api/teams/get-a-team
func (c *client) getTeam(ctx context.Context) (t Team, err error) {
	doing := fmt.Sprintf("get team %q", c.team)
	err = c.do(ctx, request{doing: doing, method: http.MethodGet, path: "/v2/teams/" + url.PathEscape(c.team), into: &t})
	if err == nil && t.ID == "" {
		err = nonsense(doing, "id")
	}
	return t, err
}

// project is a project of the team.
type project struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// https://vercel.com/docs/rest-api/projects/find-a-project-by-id-or-name
func (c *client) getProject(ctx context.Context, idOrName string) (p project, err error) {
	doing := fmt.Sprintf("get project %q", idOrName)
	err = c.do(ctx, request{doing: doing, method: http.MethodGet, path: "/v9/projects/" + url.PathEscape(idOrName), into: &p})
	if err == nil && p.ID == "" {
		err = nonsense(doing, "id")
	}
	return p, err
}

// https://vercel.com/docs/rest-api/projects/retrieve-a-list-of-projects
func (c *client) listProjects(ctx context.Context) (all []project, err error) {
	var answer struct {
		Projects   []project  `json:"projects"`
		Pagination pagination `json:"pagination"`
	}
	r := request{doing: "list projects", method: http.MethodGet, path: "/v10/projects", query: url.Values{"limit": {perPage}}, into: &answer}
	err = c.pages(ctx, r, "from", func() (pagination, error) {
		if answer.Projects == nil {
			return pagination{}, nonsense(r.doing, "projects")
		}
		all = append(all, answer.Projects...)
		page := answer.Pagination
		answer.Projects, answer.Pagination = nil, pagination{}
		return page, nil
	})
	return all, err
}

// environment is a custom environment of a project.
type environment struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
}

// https://vercel.com/docs/rest-api/environment/retrieve-custom-environments
func (c *client) listEnvironments(ctx context.Context, project string) ([]environment, error) {
	var answer struct {
		Environments []environment `json:"environments"`
	}
	doing := fmt.Sprintf("list the custom environments of project %q", project)
	err := c.do(ctx, request{
		doing: doing, method: http.MethodGet, path: "/v9/projects/" + url.PathEscape(project) + "/custom-environments", into: &answer,
	})
	if err == nil && answer.Environments == nil {
		err = nonsense(doing, "environments")
	}
	return answer.Environments, err
}
