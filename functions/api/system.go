package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

type none struct{}

// answer is an answer without headers of its own.
type answer[T any] struct{ Body T }

// Health says that the API answers.
type Health struct {
	Status  string `json:"status" enum:"ok"`
	Version string `json:"version"`
}

// Paused says whether rotation stands still.
type Paused struct {
	Paused bool `json:"paused"`
}

func (a *api) registerSystem(h huma.API) {
	huma.Register(h, operation("health", http.MethodGet, healthPath, "Whether the API answers; touches no store"), a.health)
	huma.Register(h, operation("pauseEverything", http.MethodPost, "/api/pause", "Pause all applications"), a.pauseEverything(true))
	huma.Register(h, operation("resumeEverything", http.MethodPost, "/api/resume", "Resume all applications"), a.pauseEverything(false))
}

func (a *api) health(context.Context, *none) (*answer[Health], error) {
	return &answer[Health]{Health{Status: "ok", Version: a.Version}}, nil
}

func (a *api) pauseEverything(paused bool) func(context.Context, *none) (*answer[Paused], error) {
	return func(ctx context.Context, _ *none) (*answer[Paused], error) {
		if err := a.Engine.SetEverythingPaused(ctx, paused, actorOf(ctx)); err != nil {
			return nil, a.refusal(ctx, err)
		}
		return &answer[Paused]{Paused{paused}}, nil
	}
}
