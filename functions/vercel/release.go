package vercel

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// handle is what a delivery remembers between tries.
type handle struct {
	// Edited is when the variable was edited, in Unix milliseconds by Vercel's clock.
	Edited int64 `json:"edited"`
	// Begun are the redeployments that were begun, by environment.
	Begun map[string]string `json:"begun,omitempty"`
}

// parseHandle reads what String wrote. What cannot be read is like none: then the
// variable is edited once more.
func parseHandle(text string) handle {
	var h handle
	if json.Unmarshal([]byte(text), &h) != nil {
		h = handle{}
	}
	if h.Begun == nil {
		h.Begun = map[string]string{}
	}
	return h
}

func (h handle) String() string {
	text, _ := json.Marshal(h) // numbers and strings have no error
	return string(text)
}

// earlier finds what an earlier try began whose answer was lost. Redeployments are
// begun after the edit, so that the edit is known to be done as well.
func (p place) earlier(ctx context.Context, delivery string) (handle, error) {
	h := parseHandle("")
	if len(p.Redeploy) == 0 {
		return h, nil
	}
	query := p.inProject()
	query.Set("meta-"+metaDelivery, delivery)
	found, err := p.client.listDeployments(ctx, "this delivery", query)
	if err != nil {
		return h, err
	}
	for _, d := range found {
		for _, environment := range p.Redeploy {
			if d.Meta[metaDelivery] == delivery && p.isIn(environment, d) {
				h.Begun[environment] = d.UID
				h.Edited = d.Created - 1
			}
		}
	}
	return h, nil
}

// news is what one look at an environment came to.
type news struct {
	waiting string // for what, or empty
	people  bool   // for people, so there is no hurry
}

// release brings every chosen environment to run with the value, as far as that
// can be done now. It returns what is waited for, by environment.
func (p place) release(ctx context.Context, h *handle, delivery string) (all []news, err error) {
	for _, environment := range p.Environments {
		if environment == development {
			continue
		}
		one, err := p.look(ctx, h, environment, delivery)
		if err != nil {
			return nil, err
		}
		if one.waiting != "" {
			one.waiting = environment + ": " + one.waiting
			all = append(all, one)
		}
	}
	return all, nil
}

func (p place) look(ctx context.Context, h *handle, environment, delivery string) (news, error) {
	if id := h.Begun[environment]; id != "" {
		return p.follow(ctx, environment, id)
	}
	found, err := p.living(ctx, environment)
	if err != nil {
		return news{}, err
	}
	redeploys := slices.Contains(p.Redeploy, environment)
	one, stale := judge(found, h.Edited, redeploys)
	if stale == nil {
		return one, nil
	}
	id, err := p.client.redeploy(ctx, *stale, environment, delivery)
	if err != nil {
		return news{}, err
	}
	h.Begun[environment] = id
	return p.follow(ctx, environment, id)
}

// living are the deployments of an environment that run or will, newest first.
func (p place) living(ctx context.Context, environment string) ([]deployment, error) {
	query := p.inProject()
	query.Set("target", environment)
	if isCustom(environment) {
		query.Set("target", p.environment(environment).Slug)
	}
	query.Set("state", alive)
	found, err := p.client.listDeployments(ctx, environment, query)
	return slices.DeleteFunc(found, func(d deployment) bool { return !p.isIn(environment, d) }), err
}

// judge says what a list of living deployments, newest first, means for a value
// that was edited at a time: nothing to wait for, something to wait for, or a stale
// deployment that is to be redeployed.
func judge(found []deployment, edited int64, redeploys bool) (n news, stale *deployment) {
	older := slices.IndexFunc(found, func(d deployment) bool { return d.State != stateReady && d.Created <= edited })
	switch {
	case len(found) == 0:
		return news{}, nil
	case older >= 0:
		return news{waiting: fmt.Sprintf("deployment %s was begun before the edit and is %s", found[older].UID, found[older].State)}, nil
	case found[0].State != stateReady:
		return news{waiting: fmt.Sprintf("deployment %s is %s", found[0].UID, found[0].State)}, nil
	case found[0].Created > edited:
		return news{}, nil
	case redeploys:
		return news{}, &found[0]
	}
	return news{waiting: "no deployment is younger than the edit; deploy the project once", people: true}, nil
}

// follow asks how far a redeployment has come.
func (p place) follow(ctx context.Context, environment, id string) (news, error) {
	now, err := p.client.getDeployment(ctx, id)
	if err != nil {
		return news{}, err
	}
	switch now.ReadyState {
	case stateReady:
		return news{}, nil
	case stateError, stateCanceled, stateBlocked, stateDeleted:
		return news{}, p.failed(environment, id, now)
	}
	return news{waiting: fmt.Sprintf("redeployment %s is %s", id, now.ReadyState)}, nil
}

func (p place) failed(environment, id string, now progress) error {
	why := ""
	if said := p.client.said(problem{Code: now.Code, Message: now.Reason}); said != "" {
		why = ": " + said
	}
	return &rotation.Fault{
		Class:  rotation.Permanent,
		Err:    fmt.Errorf("vercel: redeployment %q in %s ended as %s%s", id, environment, now.ReadyState, why),
		Remedy: "the variable has the new value; see to the build and resume the deployment",
	}
}

// receipt names what was written, where, and what was redeployed for it.
func (p place) receipt(h handle) string {
	words := fmt.Sprintf("%s in %s", p.Variable, strings.Join(p.Environments, ", "))
	if len(h.Begun) > 0 {
		words += ", redeployed as " + strings.Join(slices.Sorted(maps.Values(h.Begun)), ", ")
	}
	return words
}
