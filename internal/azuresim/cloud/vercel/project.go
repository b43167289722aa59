package vercel

import (
	"cmp"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Team is a team as it is seeded. What is left out is made up.
type Team struct {
	ID, Slug, Name string
	// SensitivePolicy makes new variables of production and preview sensitive.
	SensitivePolicy bool
}

type team struct {
	Team
	created int64
}

// Project is a project as it is seeded. What is left out is made up.
type Project struct {
	ID, Name string
	Team     string // the team's id; none is the own account of whoever asks
}

type project struct {
	Project
	created      int64
	environments []environment
	variables    []*variable
	deployments  []*deployment // oldest first
	ends         []ending      // of the next deployments
}

// environment is a custom one.
type environment struct{ ID, Slug string }

// AddTeam adds a team and returns its id.
func (s *Service) AddTeam(t Team) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.ID = cmp.Or(t.ID, newID("team_"))
	t.Slug = cmp.Or(t.Slug, strings.ToLower(t.ID))
	t.Name = cmp.Or(t.Name, t.Slug)
	s.teams = append(s.teams, &team{t, s.stamp()})
	return t.ID
}

// AddProject adds a project and returns its id.
func (s *Service) AddProject(p Project) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ID = cmp.Or(p.ID, newID("prj_"))
	p.Name = cmp.Or(p.Name, strings.ToLower(p.ID))
	s.projects = append(s.projects, &project{Project: p, created: s.stamp()})
	return p.ID
}

// AddEnvironment adds a custom environment to a project and returns its id.
func (s *Service) AddEnvironment(projectID, slug string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.seeded(projectID)
	made := environment{newID("env_"), slug}
	p.environments = append(p.environments, made)
	return made.ID
}

// seeded returns a project that a test or a seed has added.
func (s *Service) seeded(id string) *project {
	i := slices.IndexFunc(s.projects, func(p *project) bool { return p.ID == id })
	if i < 0 {
		panic("vercel: no project " + strconv.Quote(id) + " was added")
	}
	return s.projects[i]
}

// newID makes an identifier as Vercel's look.
func newID(prefix string) string { return prefix + rand.Text()[:24] }

// stamp is the present in Unix milliseconds, later than every stamp before.
func (s *Service) stamp() int64 {
	s.latest = max(s.latest+1, s.clock.Now().UnixMilli())
	return s.latest
}

func inTime(stamp int64) time.Time { return time.UnixMilli(stamp).UTC() }

type teamAnswer struct {
	ID      string  `json:"id"`
	Slug    string  `json:"slug"`
	Name    string  `json:"name"`
	Policy  *string `json:"sensitiveEnvironmentVariablePolicy"`
	Created int64   `json:"createdAt"`
}

func (t *team) answer() teamAnswer {
	answer := teamAnswer{ID: t.ID, Slug: t.Slug, Name: t.Name, Created: t.created}
	if t.SensitivePolicy {
		answer.Policy = new("on")
	}
	return answer
}

// https://vercel.com/docs/rest-api/teams/list-all-teams
func (s *Service) listTeams(c *call) (any, error) {
	all := []teamAnswer{}
	for _, t := range s.teams {
		if c.token.sees(t) {
			all = append(all, t.answer())
		}
	}
	shown, pages, err := page(c, "until", all, func(t teamAnswer) int64 { return t.Created })
	return map[string]any{"teams": shown, "pagination": pages}, err
}

// https://vercel.com/docs/rest-api/teams/get-a-team
func (s *Service) getTeam(c *call) (any, error) {
	id := c.request.PathValue("team")
	for _, t := range s.teams {
		if (t.ID == id || t.Slug == id) && c.token.sees(t) {
			return t.answer(), nil
		}
	}
	return nil, outOfScope(id)
}

type projectAnswer struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Account string `json:"accountId"`
	Created int64  `json:"createdAt"`
}

func (p *project) answer() projectAnswer {
	return projectAnswer{p.ID, p.Name, p.Team, p.created}
}

// https://vercel.com/docs/rest-api/projects/retrieve-a-list-of-projects
func (s *Service) listProjects(c *call) (any, error) {
	all := []projectAnswer{}
	for _, p := range s.projects {
		if c.owns(p) && strings.Contains(p.Name, c.query("search")) {
			all = append(all, p.answer())
		}
	}
	shown, pages, err := page(c, "from", all, func(p projectAnswer) int64 { return p.Created })
	return map[string]any{"projects": shown, "pagination": pages}, err
}

// https://vercel.com/docs/rest-api/projects/find-a-project-by-id-or-name
func (s *Service) getProject(c *call) (any, error) {
	p, err := s.project(c)
	if err != nil {
		return nil, err
	}
	return p.answer(), nil
}

// https://vercel.com/docs/rest-api/environment/retrieve-custom-environments
func (s *Service) listEnvironments(c *call) (any, error) {
	p, err := s.project(c)
	if err != nil {
		return nil, err
	}
	all := []map[string]any{}
	for _, e := range p.environments {
		all = append(all, map[string]any{"id": e.ID, "slug": e.Slug, "type": "preview"})
	}
	return map[string]any{"accountLimit": map[string]int{"total": 12}, "environments": all}, nil
}

func (c *call) owns(p *project) bool {
	if c.team == nil {
		return p.Team == ""
	}
	return p.Team == c.team.ID
}

// project finds the one that the path names by id or name.
func (s *Service) project(c *call) (*project, error) {
	wanted := c.request.PathValue("project")
	for _, p := range s.projects {
		if (p.ID == wanted || p.Name == wanted) && c.owns(p) {
			return p, nil
		}
	}
	return nil, notFound("Project not found.")
}
