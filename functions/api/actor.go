package api

import (
	"context"

	"github.com/rekey-dev/rekey/internal/access"
)

// actorOf is who the log says did it.
func actorOf(ctx context.Context) string {
	who, known := access.From(ctx)
	if !known {
		return "unknown" // no operation is reached past the door
	}
	return who.Actor()
}
