package vercel

import (
	"slices"
	"time"
)

// State is what every project has, without any value: those are given as SHA-256
// in hexadecimal.
type State struct {
	Projects map[string]ProjectState `json:"projects"` // by name
}

// ProjectState is one project.
type ProjectState struct {
	ID   string `json:"id"`
	Team string `json:"team,omitempty"`
	// Environments are the values that a deployment made now would get, by
	// environment and key; those of a branch alone are left out.
	Environments map[string]map[string]string `json:"environments"`
	Variables    []VariableState              `json:"variables"`   // in the order of their creation
	Deployments  []DeploymentState            `json:"deployments"` // oldest first
}

// VariableState is one entry.
type VariableState struct {
	ID           string    `json:"id"`
	Key          string    `json:"key"`
	Type         string    `json:"type"`
	Environments []string  `json:"environments"` // custom ones by their slugs
	Branch       string    `json:"branch,omitempty"`
	Comment      string    `json:"comment,omitempty"`
	SHA256       string    `json:"sha256"`
	Updated      time.Time `json:"updated"`
}

// DeploymentState is one deployment with the values that it runs with, by key.
type DeploymentState struct {
	ID          string            `json:"id"`
	Environment string            `json:"environment"`
	State       string            `json:"state"`
	Created     time.Time         `json:"created"`
	Original    string            `json:"redeploys,omitempty"`
	Meta        map[string]string `json:"meta,omitempty"`
	Values      map[string]string `json:"values"`
}

// State returns what there is.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{Projects: map[string]ProjectState{}}
	for _, p := range s.projects {
		state.Projects[p.Name] = p.state(s.clock.Now())
	}
	return state
}

func (p *project) state(now time.Time) ProjectState {
	state := ProjectState{ID: p.ID, Team: p.Team, Environments: map[string]map[string]string{}, Variables: []VariableState{}, Deployments: []DeploymentState{}}
	for _, v := range p.variables {
		shown := p.variableState(v)
		state.Variables = append(state.Variables, shown)
		for _, name := range shown.Environments {
			if v.Branch != "" {
				continue
			}
			if state.Environments[name] == nil {
				state.Environments[name] = map[string]string{}
			}
			state.Environments[name][v.Key] = shown.SHA256
		}
	}
	for _, d := range p.deployments {
		state.Deployments = append(state.Deployments, DeploymentState{
			ID: d.id, Environment: d.environment(), State: d.state(now), Created: inTime(d.created),
			Original: d.original, Meta: d.meta, Values: d.values,
		})
	}
	return state
}

func (p *project) variableState(v *variable) VariableState {
	state := VariableState{
		ID: v.id, Key: v.Key, Type: v.Type, Environments: slices.Clone(v.Targets), Branch: v.Branch, Comment: v.Comment,
		SHA256: v.digest(), Updated: inTime(v.updated),
	}
	for _, e := range p.environments {
		if slices.Contains(v.Variable.Environments, e.ID) {
			state.Environments = append(state.Environments, e.Slug)
		}
	}
	return state
}
