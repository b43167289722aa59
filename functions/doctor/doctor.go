// Package doctor is the Azure function "doctor", a timer: it makes the checks of the
// installation and those of the next applications, and so finds out within a day of
// hourly rounds what is wrong with each of 10,000.
//
// A round is bounded and goes on where the one before stopped. Two at once look at the
// same and tell nothing twice.
package doctor

import (
	"context"
	"log/slog"

	"github.com/rekey-dev/rekey/internal/customhandler"
)

// Rounder looks at the installation and at the next applications.
type Rounder interface {
	Round(ctx context.Context) (looked int, err error)
}

// New returns the function.
func New(r Rounder, log *slog.Logger) customhandler.Function {
	return customhandler.OnTimer(func(ctx context.Context, timer customhandler.Timer) error {
		looked, err := r.Round(ctx)
		log.InfoContext(ctx, "made the doctor's round", "applications", looked, "pastDue", timer.PastDue)
		return err
	})
}
