package devops

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// organization is what one organization holds.
type organization struct {
	id, name, tenantID string
	members            map[string]*member // by object id
	projects           []*project         // in the order of their names
	connections        []*connection
}

// member is a principal in an organization, with the projects that it can see.
type member struct{ projects []string }

type project struct{ id, name, description string }

type projectAnswer struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	URL         string `json:"url"`
	State       string `json:"state"`
	Revision    int    `json:"revision"`
	Visibility  string `json:"visibility"`
	UpdatedAt   string `json:"lastUpdateTime"`
}

func (o *organization) describe(p *project) projectAnswer {
	return projectAnswer{
		ID: p.id, Name: p.name, Description: p.description, URL: "https://" + Host + "/" + o.name + "/_apis/projects/" + p.id,
		State: "wellFormed", Revision: 11, Visibility: "private", UpdatedAt: "2026-01-01T00:00:00Z",
	}
}

// find returns a project by id or name.
func (o *organization) find(idOrName string) *project {
	i := slices.IndexFunc(o.projects, func(p *project) bool { return strings.EqualFold(p.id, idOrName) || strings.EqualFold(p.name, idOrName) })
	if i < 0 {
		return nil
	}
	return o.projects[i]
}

// project returns the path's project as far as the caller can see it.
func (c *call) project() (*project, error) {
	p := c.org.find(c.path["project"])
	if p == nil || !c.sees(p) {
		return nil, projectNotFound(c.path["project"])
	}
	return p, nil
}

func (c *call) sees(p *project) bool {
	return slices.Contains(c.org.members[c.caller.ObjectID].projects, p.id)
}

func (s *Service) getProject(c *call) (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	return c.org.describe(p), nil
}

// listProjects pages: the token for the next page is how many came before it.
func (s *Service) listProjects(c *call) (any, error) {
	query := c.request.URL.Query()
	top, err := optionalNumber(query.Get("$top"), s.options.PageSize)
	if err != nil {
		return nil, err
	}
	from, err := optionalNumber(query.Get("continuationToken"), 0)
	if err != nil {
		return nil, err
	}
	skip, err := optionalNumber(query.Get("$skip"), 0)
	if err != nil {
		return nil, err
	}
	visible := []projectAnswer{}
	for _, p := range c.org.projects {
		if c.sees(p) {
			visible = append(visible, c.org.describe(p))
		}
	}
	from = min(max(from, skip), len(visible))
	to := min(from+min(top, s.options.PageSize), len(visible))
	if to < len(visible) {
		c.header.Set("X-MS-ContinuationToken", strconv.Itoa(to))
	}
	return list(visible[from:to]), nil
}

func optionalNumber(text string, fallback int) (int, error) {
	if text == "" {
		return fallback, nil
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 {
		return 0, refuse(http.StatusBadRequest, "VssPropertyValidationException", "The value %q is not a valid number.", text)
	}
	return min(number, 1<<30), nil
}
