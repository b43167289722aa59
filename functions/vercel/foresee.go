package vercel

import (
	"context"
	"net/http"
	"net/url"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Plan implements rotation.Planner: it compares the project's entries as a delivery
// does, and finds which deployments would be redeployed if the variable were edited now.
func (t *Target) Plan(ctx context.Context, d rotation.Delivery, _ bool) ([]rotation.Call, error) {
	settings, err := settingsOf(d.Target)
	if err != nil {
		return nil, err
	}
	client, err := t.enter(ctx, d.Application.AppID)
	if err != nil {
		return nil, err
	}
	p, err := settings.arrive(ctx, client)
	if err != nil {
		return nil, err
	}
	edits, err := p.edits(ctx)
	if err != nil {
		return nil, err
	}
	redeployments, err := p.redeployments(ctx, t.now().UnixMilli())
	return append(edits, redeployments...), err
}

func vercelCall(method, path string) rotation.Call {
	return rotation.Call{Service: "Vercel", Method: method, Path: path}
}

// edits are the calls of carryOut.
func (p place) edits(ctx context.Context) (calls []rotation.Call, err error) {
	entries, err := p.client.listVariables(ctx, p.Project)
	if err != nil {
		return nil, err
	}
	plan, err := makePlan(entries, p.Variable, p.chosen(), p.Sensitive)
	if err != nil {
		return nil, err
	}
	edit := func(v variable) rotation.Call {
		return vercelCall(http.MethodPatch, "/v9"+variablesPath(p.Project)+"/"+url.PathEscape(v.ID))
	}
	for _, e := range plan.set {
		calls = append(calls, edit(e.of))
	}
	for _, n := range plan.narrow {
		calls = append(calls, edit(n.of))
	}
	for range plan.create {
		calls = append(calls, vercelCall(http.MethodPost, "/v10"+variablesPath(p.Project)))
	}
	return calls, nil
}

// redeployments are one call for each environment whose newest deployment is older
// than the edit.
func (p place) redeployments(ctx context.Context, edited int64) (calls []rotation.Call, err error) {
	for _, environment := range p.Redeploy {
		found, err := p.living(ctx, environment)
		if err != nil {
			return nil, err
		}
		if _, stale := judge(found, edited, true); stale != nil {
			calls = append(calls, vercelCall(http.MethodPost, "/v13/deployments"))
		}
	}
	return calls, nil
}
