// Package retention is the Azure function "retention", a timer: once an hour it
// forgets what the log has kept as long as the tenant's settings say.
//
// Each run does a bounded part of the work and the next one goes on, so a long pause,
// or a retention that was shortened, costs more runs and not a longer one. Two runs at
// once delete the same lines, and either may be the first.
package retention

import (
	"context"
	"log/slog"

	"github.com/rekey-dev/rekey/internal/customhandler"
)

// Forgetter deletes lines of the log that are too old.
type Forgetter interface {
	ForgetLog(ctx context.Context) (forgotten int, err error)
}

// New returns the function.
func New(f Forgetter, log *slog.Logger) customhandler.Function {
	return customhandler.OnTimer(func(ctx context.Context, _ customhandler.Timer) error {
		forgotten, err := f.ForgetLog(ctx)
		if forgotten > 0 || err != nil {
			log.InfoContext(ctx, "lines of the log were forgotten", "count", forgotten)
		}
		return err
	})
}
