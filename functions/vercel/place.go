package vercel

import (
	"context"
	"fmt"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// place is a target's project, with a client that may use it.
type place struct {
	Settings
	client *client
	custom []environment // those of the project, where the settings name any
}

// arrive reads which custom environments the project has, if that matters. Every
// one that is chosen must be among them.
func (s Settings) arrive(ctx context.Context, c *client) (place, error) {
	p := place{Settings: s, client: c}
	if !slices.ContainsFunc(s.Environments, isCustom) {
		return p, nil
	}
	var err error
	if p.custom, err = c.listEnvironments(ctx, s.Project); err != nil {
		return p, err
	}
	for _, name := range s.Environments {
		if isCustom(name) && p.environment(name).ID == "" {
			return p, &rotation.Fault{
				Class:  rotation.Permanent,
				Err:    fmt.Errorf("vercel: project %q has no environment %q", s.Project, name),
				Remedy: "choose one that it has, or make it there",
			}
		}
	}
	return p, nil
}

// environment finds a custom environment by slug or id.
func (p place) environment(name string) environment {
	i := slices.IndexFunc(p.custom, func(e environment) bool { return e.ID == name || e.Slug == name })
	if i < 0 {
		return environment{}
	}
	return p.custom[i]
}

// chosen are the chosen environments as entries name them: custom ones by id.
func (p place) chosen() []string {
	ids := slices.Clone(p.Environments)
	for i, name := range ids {
		if isCustom(name) {
			ids[i] = p.environment(name).ID
		}
	}
	return ids
}

// isIn reports whether a deployment is one of an environment.
func (p place) isIn(environment string, d deployment) bool {
	switch {
	case isCustom(environment):
		return d.Custom.ID == p.environment(environment).ID
	case environment == preview:
		return d.Target != production && d.Custom.ID == ""
	}
	return d.Target == environment
}
