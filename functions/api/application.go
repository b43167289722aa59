package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// ApplicationSettings is what the user chose for an application.
type ApplicationSettings struct {
	Policies Policies `json:"policies"`
	Windows  []Window `json:"windows,omitempty" maxItems:"20" doc:"When targets may be written; left out: always"`
}

// Application is what rekey knows of an app registration.
type Application struct {
	AppID    string   `json:"appId" doc:"The client id"`
	ObjectID string   `json:"objectId"`
	Name     string   `json:"name"`
	Paused   bool     `json:"paused"`
	Policies Policies `json:"policies"`
	Windows  []Window `json:"windows,omitempty"`
}

type applicationPath struct {
	AppID appID `path:"appId"`
}

type putApplication struct {
	AppID appID `path:"appId"`
	Conditions
	Body ApplicationSettings
}

type deleteApplication struct {
	AppID   appID  `path:"appId"`
	IfMatch string `header:"If-Match" doc:"The ETag of the last GET"`
}

// saved is the answer to a PUT.
type saved[T any] struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     T
}

// tagged is the answer to a GET of one thing.
type tagged[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

func (a *api) registerApplications(h huma.API) {
	const path = "/api/applications/{appId}"
	huma.Register(h, operation("listApplications", http.MethodGet, "/api/applications", "The managed applications, in the order of their ids"), a.listApplications)
	huma.Register(h, operation("getApplication", http.MethodGet, path, "One application with its credentials and targets"), a.getApplication)
	huma.Register(h, operation("putApplication", http.MethodPut, path, "Manage an application by these policies"), a.putApplication)
	huma.Register(h, withStatus(http.StatusNoContent,
		operation("deleteApplication", http.MethodDelete, path, "Manage an application no longer; its credentials stay")), a.deleteApplication)
	huma.Register(h, operation("pauseApplication", http.MethodPost, path+"/pause", "Pause an application"), a.pauseApplication(true))
	huma.Register(h, operation("resumeApplication", http.MethodPost, path+"/resume", "Resume an application"), a.pauseApplication(false))
	huma.Register(h, operation("adoptCredential", http.MethodPost, path+"/adopt", "Hand a credential over that rekey did not make"), a.adopt)
}

func (a *api) listApplications(ctx context.Context, in *Paging) (*answer[Page[Application]], error) {
	return listed(ctx, a, in, applicationCursor, a.Engine.Applications, applicationOf)
}

func applicationOf(app rotation.Application) Application {
	return Application{AppID: app.AppID, ObjectID: app.ObjectID, Name: app.Name, Paused: app.Paused, Policies: policiesOf(app.Policies), Windows: windowsOf(app.Windows)}
}

func (a *api) putApplication(ctx context.Context, in *putApplication) (*saved[Application], error) {
	app := rotation.Application{AppID: in.AppID.String(), Policies: in.Body.Policies.domain(), Windows: windows(in.Body.Windows)}
	if problems := app.Windows.Check(); len(problems) > 0 {
		return nil, invalid(within("body", problems)...)
	}
	_, _, err := a.Engine.Application(ctx, app.AppID)
	exists := !errors.Is(err, engine.ErrUnknownApplication)
	if err != nil && exists {
		return nil, a.refusal(ctx, err)
	}
	etag, err := in.Conditions.etag(exists)
	if err != nil {
		return nil, err
	}
	app, newTag, err := a.Engine.SaveApplication(ctx, app, etag, actorOf(ctx))
	if err != nil {
		return nil, a.refused(ctx, in.IfMatch, err)
	}
	answer := savedAs(exists, newTag, "/api/applications/"+app.AppID, applicationOf(app))
	return &answer, nil
}

func savedAs[T any](existed bool, etag, location string, body T) saved[T] {
	if existed {
		return saved[T]{Status: http.StatusOK, ETag: etagOf(etag), Body: body}
	}
	return saved[T]{Status: http.StatusCreated, ETag: etagOf(etag), Location: location, Body: body}
}

func (a *api) deleteApplication(ctx context.Context, in *deleteApplication) (*none, error) {
	etag, err := stored(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.Engine.DeleteApplication(ctx, in.AppID.String(), etag, actorOf(ctx)); err != nil {
		return nil, a.refused(ctx, in.IfMatch, err)
	}
	return nil, nil
}

// refused says what an error means for a request that may have had an If-Match.
func (a *api) refused(ctx context.Context, ifMatch string, err error) error {
	if ifMatch != "" && errors.Is(err, engine.ErrPrecondition) {
		return changedMeanwhile()
	}
	return a.refusal(ctx, err)
}

func (a *api) pauseApplication(paused bool) func(context.Context, *applicationPath) (*answer[Paused], error) {
	return func(ctx context.Context, in *applicationPath) (*answer[Paused], error) {
		if err := a.Engine.SetPaused(ctx, in.AppID.String(), paused, actorOf(ctx)); err != nil {
			return nil, a.refusal(ctx, err)
		}
		return &answer[Paused]{Paused{paused}}, nil
	}
}
