package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/engine"
)

// Settings are those of the tenant: what holds for everything.
type Settings struct {
	LogRetentionDays int `json:"logRetentionDays" required:"false" minimum:"30" maximum:"3650" default:"365" doc:"For how many days the log is kept"`
}

type putSettings struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the last GET: the request fails with 412 if it was changed since"`
	Body    Settings
}

func (a *api) registerSettings(h huma.API) {
	huma.Register(h, operation("getSettings", http.MethodGet, "/api/settings", "The settings of the tenant"), a.getSettings)
	huma.Register(h, operation("putSettings", http.MethodPut, "/api/settings", "Replace the settings of the tenant"), a.putSettings)
}

func (a *api) getSettings(ctx context.Context, _ *none) (*tagged[Settings], error) {
	all, etag, err := a.Engine.EverythingTagged(ctx)
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return settingsOf(all, etag), nil
}

func (a *api) putSettings(ctx context.Context, in *putSettings) (*tagged[Settings], error) {
	etag, err := stored(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if etag == "*" { // they are always there
		etag = ""
	}
	all, etag, err := a.Engine.SetLogRetention(ctx, in.Body.LogRetentionDays, etag, actorOf(ctx))
	if errors.Is(err, engine.ErrPrecondition) {
		return nil, changedMeanwhile()
	}
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return settingsOf(all, etag), nil
}

// settingsOf shows the settings. As long as nobody has set anything, their ETag says so.
func settingsOf(all engine.Everything, etag string) *tagged[Settings] {
	return &tagged[Settings]{etagOf(cmp.Or(etag, engine.Absent)), Settings{LogRetentionDays: all.LogRetention()}}
}
