package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// TargetSettings is what the user chose for one target.
type TargetSettings struct {
	Integration string          `json:"integration" doc:"The word of an integration"`
	Kind        rotation.Kind   `json:"kind" enum:"secret,certificate"`
	Enabled     *bool           `json:"enabled,omitempty" doc:"true, if left out"`
	Settings    json.RawMessage `json:"settings,omitempty" doc:"As the integration says"`
	Windows     []Window        `json:"windows,omitempty" maxItems:"20" doc:"When it may be written; left out, the application's windows decide"`
}

// Target is one configured place that holds a copy of the credential.
type Target struct {
	ID          string          `json:"id"`
	Integration string          `json:"integration"`
	Kind        rotation.Kind   `json:"kind"`
	Enabled     bool            `json:"enabled"`
	Settings    json.RawMessage `json:"settings"`
	Windows     []Window        `json:"windows,omitempty"`
}

// PlacedTarget is a target with how far the current credential has come there.
type PlacedTarget struct {
	Target
	Deployment *Deployment `json:"deployment,omitempty"`
}

// SavedTarget is a target with what was done so that it can be delivered to.
type SavedTarget struct {
	Target
	Notes         []string `json:"notes,omitempty" doc:"What a person should know of deliveries there"`
	Access        any      `json:"access,omitempty" doc:"What was granted, or which command a person must run"`
	AccessProblem string   `json:"accessProblem,omitempty" doc:"Why nothing could be granted; the target is saved all the same"`
}

type targetPath struct {
	AppID    appID    `path:"appId"`
	TargetID targetID `path:"targetId"`
}

type putTarget struct {
	AppID    appID    `path:"appId"`
	TargetID targetID `path:"targetId"`
	Conditions
	Body TargetSettings
}

type deleteTarget struct {
	AppID    appID    `path:"appId"`
	TargetID targetID `path:"targetId"`
	IfMatch  string   `header:"If-Match" doc:"The ETag of the last GET"`
}

func (a *api) registerTargets(h huma.API) {
	const path = "/api/applications/{appId}/targets/{targetId}"
	huma.Register(h, operation("checkTarget", http.MethodPost, path+"/check", "Say whether a delivery would work, and change nothing"), a.checkTarget)
	huma.Register(h, choicesOperation(), a.listChoices)
	huma.Register(h, operation("getTarget", http.MethodGet, path, "One target"), a.getTarget)
	huma.Register(h, operation("putTarget", http.MethodPut, path, "Deliver the application's credential to this place"), a.putTarget)
	huma.Register(h, withStatus(http.StatusNoContent,
		operation("deleteTarget", http.MethodDelete, path, "Deliver there no longer; what it holds is no longer kept valid")), a.deleteTarget)
}

func targetOf(t rotation.TargetRow) Target {
	return Target{ID: t.ID, Integration: t.Integration, Kind: t.Kind, Enabled: t.Enabled, Settings: t.Settings, Windows: windowsOf(t.Windows)}
}

func placedTargetOf(view engine.View, t rotation.TargetRow) PlacedTarget {
	placed := PlacedTarget{Target: targetOf(t)}
	if d, ok := view.Deployment(t.ID); ok {
		deployment := deploymentOf(d)
		placed.Deployment = &deployment
	}
	return placed
}

func (a *api) getTarget(ctx context.Context, in *targetPath) (*tagged[Target], error) {
	target, etag, err := a.Engine.Target(ctx, in.AppID.String(), string(in.TargetID))
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return &tagged[Target]{etagOf(etag), targetOf(target)}, nil
}

func (a *api) putTarget(ctx context.Context, in *putTarget) (*saved[SavedTarget], error) {
	app, _, err := a.Engine.Application(ctx, in.AppID.String())
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	target, err := a.check(app, in)
	if err != nil {
		return nil, err
	}
	_, _, err = a.Engine.Target(ctx, app.AppID, target.ID)
	exists := !errors.Is(err, engine.ErrUnknownTarget)
	if err != nil && exists {
		return nil, a.refusal(ctx, err)
	}
	etag, err := in.Conditions.etag(exists)
	if err != nil {
		return nil, err
	}
	notes, err := a.checked(ctx, app, target)
	if err != nil {
		return nil, err
	}
	newTag, err := a.Engine.SaveTarget(ctx, app.AppID, target, etag, actorOf(ctx))
	if err != nil {
		return nil, a.refused(ctx, in.IfMatch, err)
	}
	location := fmt.Sprintf("/api/applications/%s/targets/%s", app.AppID, target.ID)
	answer := savedAs(exists, newTag, location, a.accessed(ctx, app, target, notes))
	return &answer, nil
}

// check makes a target of what the user gave, or says all that is wrong with it.
func (a *api) check(app rotation.Application, in *putTarget) (rotation.TargetRow, error) {
	target := rotation.TargetRow{
		ID: string(in.TargetID), Integration: in.Body.Integration, Kind: in.Body.Kind,
		Enabled: in.Body.Enabled == nil || *in.Body.Enabled, Settings: in.Body.Settings,
		Windows: windows(in.Body.Windows),
	}
	if problems := target.Windows.Check(); len(problems) > 0 {
		return target, invalid(within("body", problems)...)
	}
	integration, ok := a.Integrations[target.Integration]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(a.Integrations)), ", ")
		return target, invalid(rotation.Problem{Field: "body.integration", Detail: "must be one of " + known})
	}
	switch {
	case len(target.Settings) == 0 || string(target.Settings) == "null":
		target.Settings = json.RawMessage("{}")
	case target.Settings[0] != '{':
		return target, invalid(rotation.Problem{Field: "body.settings", Detail: "must be an object"})
	}
	checked, problems := integration.CheckSettings(app, target.Kind, target.Settings)
	if len(problems) > 0 {
		return target, invalid(within("body.settings", problems)...)
	}
	target.Settings = checked
	return target, nil
}

// within names the fields of problems from outside in. A problem of the whole
// has no field.
func within(location string, problems []rotation.Problem) []rotation.Problem {
	all := make([]rotation.Problem, len(problems))
	for i, p := range problems {
		all[i] = rotation.Problem{Field: strings.TrimSuffix(location+"."+p.Field, "."), Detail: p.Detail}
	}
	return all
}

// accessed grants what delivery needs, if the integration can. The target is
// saved by then, and delivery tries again by itself, so an error is only told.
func (a *api) accessed(ctx context.Context, app rotation.Application, target rotation.TargetRow, notes []string) SavedTarget {
	answer := SavedTarget{Target: targetOf(target), Notes: notes}
	accessor, ok := a.Integrations[target.Integration].(Accessor)
	if !ok || !target.Enabled {
		return answer
	}
	access, err := accessor.Access(ctx, app, target)
	if err != nil {
		a.Log.WarnContext(ctx, "access could not be granted", "app", app.AppID, "target", target.ID, "error", err)
		answer.AccessProblem = "nothing could be granted; the cause is in rekey's log"
		if fault, ok := errors.AsType[*rotation.Fault](err); ok {
			answer.AccessProblem = fault.Error()
		}
	}
	answer.Access = access
	return answer
}

func (a *api) deleteTarget(ctx context.Context, in *deleteTarget) (*none, error) {
	etag, err := stored(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.Engine.DeleteTarget(ctx, in.AppID.String(), string(in.TargetID), etag, actorOf(ctx)); err != nil {
		return nil, a.refused(ctx, in.IfMatch, err)
	}
	return nil, nil
}
