package vercel

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

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
