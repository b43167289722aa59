package vercel

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// https://vercel.com/docs/rest-api/deployments/list-deployments
func (s *Service) listDeployments(c *call) (any, error) {
	all := []deploymentAnswer{}
	for _, p := range s.projects {
		if !c.owns(p) || c.query("projectId") != "" && c.query("projectId") != p.ID || c.query("app") != "" && c.query("app") != p.Name {
			continue
		}
		for _, d := range p.deployments {
			if answer := d.listed(p, c.now); c.wants(d, answer) {
				all = append(all, answer)
			}
		}
	}
	shown, pages, err := page(c, "until", all, func(d deploymentAnswer) int64 { return d.Created })
	return map[string]any{"deployments": shown, "pagination": pages}, err
}

// wants reports whether a deployment passes the filters of a list.
func (c *call) wants(d *deployment, answer deploymentAnswer) bool {
	target, states := c.query("target"), c.query("state")
	if target != "" && target != d.environment() && target != d.custom.ID {
		return false
	}
	if states != "" && !slices.Contains(strings.Split(states, ","), answer.State) {
		return false
	}
	for name, values := range c.request.URL.Query() {
		if key, isMeta := strings.CutPrefix(name, "meta-"); isMeta && d.meta[key] != values[0] {
			return false
		}
	}
	return true
}

// https://vercel.com/docs/rest-api/deployments/get-a-deployment-by-id-or-url
func (s *Service) getDeployment(c *call) (any, error) {
	p, d := s.deployment(c, c.request.PathValue("id"))
	if d == nil {
		return nil, notFound("Deployment not found.")
	}
	return d.alone(p, c.now), nil
}

func (s *Service) deployment(c *call, id string) (*project, *deployment) {
	for _, p := range s.projects {
		if i := slices.IndexFunc(p.deployments, func(d *deployment) bool { return d.id == id }); i >= 0 && c.owns(p) {
			return p, p.deployments[i]
		}
	}
	return nil, nil
}

// deploymentBody is what a redeployment may say.
type deploymentBody struct {
	DeploymentID string            `json:"deploymentId"`
	Name         string            `json:"name"`
	Project      string            `json:"project"`
	Target       *string           `json:"target"`
	Custom       string            `json:"customEnvironmentSlugOrId"`
	Meta         map[string]string `json:"meta"`
	LatestCommit bool              `json:"withLatestCommit"`
}

// https://vercel.com/docs/rest-api/deployments/create-a-new-deployment
func (s *Service) createDeployment(c *call) (any, error) {
	text, err := c.body()
	if err != nil {
		return nil, err
	}
	var body deploymentBody
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return nil, badRequest("Invalid request: %v.", err)
	}
	switch {
	case body.Name == "":
		return nil, badRequest("Invalid request: missing required property `name`.")
	case body.DeploymentID == "":
		return nil, badRequest("Only redeployments are simulated: `deploymentId` must name one.")
	case body.Target != nil && *body.Target != Production && *body.Target != "staging":
		return nil, badRequest("Invalid request: `target` should be equal to one of the allowed values \"staging, production\".")
	}
	p, original := s.deployment(c, body.DeploymentID)
	if original == nil {
		return nil, notFound("Deployment not found.")
	}
	if c.query("forceNew") != "1" {
		return original.alone(p, c.now), nil
	}
	return s.redeploy(c, p, original, body)
}

func (s *Service) redeploy(c *call, p *project, original *deployment, body deploymentBody) (any, error) {
	d := &deployment{
		source: "redeploy", branch: original.branch, takes: s.options.BuildTime, ending: ending{state: Ready},
		original: original.id, meta: body.Meta, target: Preview,
	}
	if body.Target != nil {
		d.target = *body.Target
	}
	if d.meta == nil {
		d.meta = map[string]string{}
	}
	if body.Custom != "" {
		i := slices.IndexFunc(p.environments, func(e environment) bool { return e.ID == body.Custom || e.Slug == body.Custom })
		if i < 0 {
			return nil, refuse(http.StatusNotFound, "custom_environment_not_found", "The custom environment %q was not found.", body.Custom)
		}
		d.custom, d.target = p.environments[i], ""
	}
	if len(p.ends) > 0 {
		d.ending, p.ends = p.ends[0], p.ends[1:]
	}
	return s.deploy(p, d).alone(p, c.now), nil
}
