package vercel

import (
	"slices"
	"time"
)

// The states of a deployment that are simulated.
const (
	Queued   = "QUEUED"
	Building = "BUILDING"
	Ready    = "READY"
	Errored  = "ERROR"
	Canceled = "CANCELED"
)

// Deployment is a deployment as it is seeded.
type Deployment struct {
	Environment string        // one of the three, or a custom one's slug
	Branch      string        // of Git, for previews
	BuildTime   time.Duration // until it ends; zero is at once
	Ends        string        // how; Ready when left out
}

type deployment struct {
	id       string
	target   string // production, preview or empty for a custom environment
	custom   environment
	branch   string
	created  int64
	takes    time.Duration
	ending   ending
	meta     map[string]string
	source   string
	values   map[string]string // by key; the digest of what it was built with
	original string            // what it is a redeployment of
}

// ending is how a deployment ends, and why.
type ending struct{ state, code, reason string }

// AddDeployment adds a deployment that has the variables of this moment, and
// returns its id.
func (s *Service) AddDeployment(projectID string, seed Deployment) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.seeded(projectID)
	d := &deployment{source: "git", branch: seed.Branch, takes: seed.BuildTime, ending: ending{state: Ready}, meta: map[string]string{}}
	if seed.Ends != "" {
		d.ending = ending{seed.Ends, "seeded", "It was asked for."}
	}
	if i := slices.IndexFunc(p.environments, func(e environment) bool { return e.Slug == seed.Environment }); i >= 0 {
		d.custom = p.environments[i]
	} else {
		d.target = seed.Environment
	}
	return s.deploy(p, d).id
}

// EndNext makes the next deployment of a project end in a state, and say why.
func (s *Service) EndNext(projectID, state, code, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.seeded(projectID)
	p.ends = append(p.ends, ending{state, code, reason})
}

// deploy makes a deployment with the values that its environment has now.
func (s *Service) deploy(p *project, d *deployment) *deployment {
	d.id, d.created, d.values = newID("dpl_"), s.stamp(), map[string]string{}
	for _, v := range p.variables {
		if v.reaches(d) && (v.Branch != "" || d.values[v.Key] == "") {
			d.values[v.Key] = v.digest() // a branch's own value wins
		}
	}
	p.deployments = append(p.deployments, d)
	return d
}

// reaches reports whether a deployment gets a variable.
func (v Variable) reaches(d *deployment) bool {
	if d.custom.ID != "" {
		return slices.Contains(v.Environments, d.custom.ID)
	}
	return slices.Contains(v.Targets, d.target) && (v.Branch == "" || v.Branch == d.branch)
}

// environment is where a deployment runs, in words.
func (d *deployment) environment() string {
	if d.custom.ID != "" {
		return d.custom.Slug
	}
	return d.target
}

func (d *deployment) state(now time.Time) string {
	passed := max(0, now.Sub(inTime(d.created))) // stamps may run ahead a little
	switch {
	case passed >= d.takes:
		return d.ending.state
	case passed < d.takes/8:
		return Queued
	}
	return Building
}

type customEnvironment struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
}

// deploymentAnswer is a deployment as a list has it, and as it is by itself.
type deploymentAnswer struct {
	UID        string             `json:"uid,omitempty"`
	ID         string             `json:"id,omitempty"`
	Name       string             `json:"name"`
	URL        string             `json:"url"`
	State      string             `json:"state,omitempty"`
	ReadyState string             `json:"readyState"`
	Target     *string            `json:"target"`
	Custom     *customEnvironment `json:"customEnvironment,omitempty"`
	Created    int64              `json:"created,omitempty"`
	CreatedAt  int64              `json:"createdAt,omitempty"`
	Ready      int64              `json:"ready,omitempty"`
	Source     string             `json:"source"`
	Inspector  string             `json:"inspectorUrl"`
	ProjectID  string             `json:"projectId"`
	Meta       map[string]string  `json:"meta"`
	ErrorCode  string             `json:"errorCode,omitempty"`
	Error      string             `json:"errorMessage,omitempty"`
	AliasSet   *bool              `json:"aliasAssigned,omitempty"`
}

func (d *deployment) answer(p *project, now time.Time) deploymentAnswer {
	answer := deploymentAnswer{
		Name: p.Name, URL: p.Name + "-" + d.id[4:13] + ".vercel.app", ReadyState: d.state(now), Source: d.source,
		Inspector: "https://vercel.com/" + p.Name + "/" + d.id[4:], ProjectID: p.ID, Meta: d.meta, CreatedAt: d.created,
	}
	if d.target == Production {
		answer.Target = new(Production)
	}
	if d.custom.ID != "" {
		answer.Custom = &customEnvironment{d.custom.ID, d.custom.Slug}
	}
	switch answer.ReadyState {
	case Ready:
		answer.Ready = d.created + d.takes.Milliseconds()
	case Errored, Canceled:
		answer.ErrorCode, answer.Error = d.ending.code, d.ending.reason
	}
	return answer
}

// listed is a deployment as lists have it, whose names differ.
func (d *deployment) listed(p *project, now time.Time) deploymentAnswer {
	answer := d.answer(p, now)
	answer.UID, answer.State, answer.Created = d.id, answer.ReadyState, d.created
	return answer
}

// alone is a deployment as it is asked for by id.
func (d *deployment) alone(p *project, now time.Time) deploymentAnswer {
	answer := d.answer(p, now)
	answer.ID, answer.AliasSet = d.id, new(answer.ReadyState == Ready)
	return answer
}
