package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// RotationRequest asks for a rotation.
type RotationRequest struct {
	Kind      rotation.Kind `json:"kind" enum:"secret,certificate"`
	Emergency bool          `json:"emergency,omitempty" doc:"Rotate although paused, and give the old credentials no overlap"`
	RevokeNow bool          `json:"revokeNow,omitempty" doc:"With emergency: remove the old credentials at publication, not 15 minutes later"`
}

type postRotation struct {
	AppID          appID  `path:"appId"`
	DryRun         bool   `query:"dryRun" doc:"Change nothing, and say what would happen"`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"A repeated request with the same key finds the first one's rotation"`
	Body           RotationRequest
}

// rotationAnswer is the answer to a request for a rotation: the rotation, or the plan of one.
type rotationAnswer struct {
	Status   int
	Location string `header:"Location"`
	Body     any
}

type accepted[T any] struct {
	Location string `header:"Location"`
	Body     T
}

type postRollback struct {
	AppID appID `path:"appId"`
	Body  struct {
		Kind rotation.Kind `json:"kind" enum:"secret,certificate"`
	}
}

type rotationPath struct {
	ID rotationID `path:"id"`
}

type deploymentPath struct {
	ID       rotationID `path:"id"`
	TargetID targetID   `path:"targetId"`
}

func (a *api) registerRotations(h huma.API) {
	const (
		ofApplication = "/api/applications/{appId}/rotations"
		path          = "/api/rotations/{id}"
	)
	huma.Register(h, answeredWithPlan(h, withStatus(http.StatusAccepted,
		operation("requestRotation", http.MethodPost, ofApplication, "Rotate now, or find the rotation in flight"))), a.requestRotation)
	huma.Register(h, withStatus(http.StatusAccepted,
		operation("rollBack", http.MethodPost, "/api/applications/{appId}/rollback", "Make the previous credential the current one again, and pause the schedule")), a.rollBack)
	huma.Register(h, operation("listRotations", http.MethodGet, ofApplication, "The application's rotations, newest first"), a.listRotations)
	huma.Register(h, operation("getRotation", http.MethodGet, path, "One rotation with its deployments and retirements"), a.getRotation)
	huma.Register(h, operation("cancelRotation", http.MethodPost, path+"/cancel", "End a rotation that is not published"), a.cancelRotation)
	huma.Register(h, withStatus(http.StatusAccepted,
		operation("resumeDeployment", http.MethodPost, "/api/deployments/{id}/{targetId}/resume", "Deliver once more to a target that failed")), a.resumeDeployment)
}

func (a *api) requestRotation(ctx context.Context, in *postRotation) (*rotationAnswer, error) {
	if in.Body.RevokeNow && !in.Body.Emergency {
		return nil, invalid(rotation.Problem{Field: "body.revokeNow", Detail: "must be false unless emergency is true: only an emergency leaves the old credentials no overlap"})
	}
	ask := engine.Ask{
		AppID: in.AppID.String(), Kind: in.Body.Kind, Source: rotation.ByPerson, Actor: actorOf(ctx),
		Emergency: in.Body.Emergency, RevokeNow: in.Body.RevokeNow, IdempotencyKey: in.IdempotencyKey,
	}
	if in.DryRun {
		return a.planRotation(ctx, ask)
	}
	if in.Body.Emergency {
		if err := a.permit(ctx, emergencies); err != nil {
			return nil, err
		}
	}
	r, err := a.Engine.Ask(ctx, ask)
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return &rotationAnswer{http.StatusAccepted, "/api/rotations/" + r.ID.String(), rotationOf(r)}, nil
}

func (a *api) rollBack(ctx context.Context, in *postRollback) (*accepted[Rotation], error) {
	r, err := a.Engine.Rollback(ctx, in.AppID.String(), in.Body.Kind, actorOf(ctx))
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return &accepted[Rotation]{"/api/rotations/" + r.ID.String(), rotationOf(r)}, nil
}

func (a *api) getRotation(ctx context.Context, in *rotationPath) (*answer[RotationDetail], error) {
	id, err := in.ID.parse()
	if err != nil {
		return nil, err
	}
	detail, err := a.detail(ctx, id)
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return &answer[RotationDetail]{detail}, nil
}

func (a *api) detail(ctx context.Context, id rotation.ID) (RotationDetail, error) {
	r, err := a.Engine.Rotation(ctx, id)
	if err != nil {
		return RotationDetail{}, err
	}
	deployments, err := a.Engine.DeploymentsOf(ctx, id)
	if err != nil {
		return RotationDetail{}, err
	}
	detail := rotationDetailOf(r, deployments)
	view, err := a.Engine.View(ctx, id.AppID, id.Kind)
	switch {
	case errors.Is(err, engine.ErrUnknownApplication): // no longer managed: nothing is retired
		return detail, nil
	case err != nil:
		return RotationDetail{}, err
	}
	detail.Retirements = retirementsOf(r, view.Retirements())
	return detail, nil
}

func (a *api) cancelRotation(ctx context.Context, in *rotationPath) (*answer[Rotation], error) {
	id, err := in.ID.parse()
	if err != nil {
		return nil, err
	}
	r, err := a.Engine.Cancel(ctx, id, actorOf(ctx))
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return &answer[Rotation]{rotationOf(r)}, nil
}

func (a *api) resumeDeployment(ctx context.Context, in *deploymentPath) (*accepted[RotationDetail], error) {
	id, err := in.ID.parse()
	if err != nil {
		return nil, err
	}
	if err := a.Engine.Resume(ctx, id, string(in.TargetID), actorOf(ctx)); err != nil {
		return nil, a.refusal(ctx, err)
	}
	detail, err := a.detail(ctx, id)
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return &accepted[RotationDetail]{"/api/rotations/" + id.String(), detail}, nil
}
