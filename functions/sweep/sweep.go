// Package sweep is the Azure function "sweep", a timer: it wakes whatever in the
// schedule has become due.
//
// The sweep is what makes a lost message harmless. It costs what is due, not what
// exists, and two sweeps at once do no more than send a wake-up twice.
package sweep

import (
	"context"
	"log/slog"

	"github.com/rekey-dev/rekey/internal/customhandler"
)

// Sweeper sends every wake-up whose time has come.
type Sweeper interface {
	Sweep(ctx context.Context) (sent int, err error)
}

// New returns the function.
func New(s Sweeper, log *slog.Logger) customhandler.Function {
	return customhandler.OnTimer(func(ctx context.Context, timer customhandler.Timer) error {
		sent, err := s.Sweep(ctx)
		if sent > 0 || err != nil {
			log.InfoContext(ctx, "swept", "sent", sent, "pastDue", timer.PastDue)
		}
		return err
	})
}
