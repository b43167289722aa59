package vercel

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// The states of a deployment. https://vercel.com/docs/rest-api/deployments
const (
	stateReady    = "READY"
	stateError    = "ERROR"
	stateCanceled = "CANCELED"
	stateBlocked  = "BLOCKED"
	stateDeleted  = "DELETED"
)

// alive are the states of what runs or will run, as a filter.
var alive = strings.Join([]string{stateReady, "BUILDING", "INITIALIZING", "QUEUED"}, ",")

// deployment is a deployment as lists have it.
type deployment struct {
	UID     string         `json:"uid"`
	Name    string         `json:"name"` // the project's
	State   string         `json:"state"`
	Target  string         `json:"target"`
	Custom  environment    `json:"customEnvironment"`
	Created int64          `json:"created"` // Unix milliseconds by Vercel's clock
	Meta    map[string]any `json:"meta"`
}

// inProject names the project as the list of deployments wants it.
func (s Settings) inProject() url.Values {
	if strings.HasPrefix(s.Project, "prj_") {
		return url.Values{"projectId": {s.Project}}
	}
	return url.Values{"app": {s.Project}}
}

// listDeployments returns the newest deployments, newest first.
// https://vercel.com/docs/rest-api/deployments/list-deployments
func (c *client) listDeployments(ctx context.Context, of string, query url.Values) ([]deployment, error) {
	var answer struct {
		Deployments []deployment `json:"deployments"`
	}
	doing := "list the deployments of " + of
	query.Set("limit", perPage)
	err := c.do(ctx, request{doing: doing, method: http.MethodGet, path: "/v7/deployments", query: query, into: &answer})
	if err == nil && answer.Deployments == nil {
		err = nonsense(doing, "deployments")
	}
	for _, d := range answer.Deployments {
		if err == nil && (d.UID == "" || d.Created == 0) {
			err = nonsense(doing, "id and time of a deployment")
		}
	}
	return answer.Deployments, err
}

// metaDelivery marks a redeployment with the delivery that it was begun for.
const metaDelivery = "rekeyDelivery"

// reach says where a deployment is to go: the target of the three that every
// project has, or a custom environment.
type reach struct {
	Target *string `json:"target,omitempty"` // left out: preview
	Custom string  `json:"customEnvironmentSlugOrId,omitempty"`
}

func reachOf(environment string) reach {
	switch {
	case environment == preview:
		return reach{}
	case isCustom(environment):
		return reach{Custom: environment}
	}
	return reach{Target: new(environment)}
}

// redeploy begins to build a deployment once more and returns the new one's id.
// https://vercel.com/docs/rest-api/deployments/create-a-new-deployment
func (c *client) redeploy(ctx context.Context, old deployment, environment, delivery string) (id string, err error) {
	var answer struct {
		ID string `json:"id"`
	}
	body := struct {
		Name         string            `json:"name"`
		DeploymentID string            `json:"deploymentId"`
		Meta         map[string]string `json:"meta"`
		reach
	}{old.Name, old.UID, map[string]string{"action": "redeploy", metaDelivery: delivery}, reachOf(environment)}
	doing := fmt.Sprintf("redeploy %q in %s", old.UID, environment)
	err = c.do(ctx, request{
		doing: doing, method: http.MethodPost, path: "/v13/deployments", query: url.Values{"forceNew": {"1"}}, body: body, into: &answer,
	})
	if err == nil && answer.ID == "" {
		err = nonsense(doing, "id")
	}
	return answer.ID, err
}

// progress is how far a deployment has come.
type progress struct {
	ReadyState string `json:"readyState"`
	Code       string `json:"errorCode"`
	Reason     string `json:"errorMessage"`
}

// https://vercel.com/docs/rest-api/deployments/get-a-deployment-by-id-or-url
func (c *client) getDeployment(ctx context.Context, id string) (p progress, err error) {
	doing := fmt.Sprintf("get deployment %q", id)
	err = c.do(ctx, request{doing: doing, method: http.MethodGet, path: "/v13/deployments/" + url.PathEscape(id), into: &p})
	if err == nil && p.ReadyState == "" {
		err = nonsense(doing, "readyState")
	}
	return p, err
}
