package api

import "context"

// actorOf is who the log says did it.
func actorOf(context.Context) string { return "api" }
