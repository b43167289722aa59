// Package inventory is the Azure function "inventory", a timer: it brings what rekey
// knows of the tenant's app registrations up to date.
//
// A tick works for a part of the time that a function has, and the next one goes on
// where it stopped: the first reading of a large tenant takes several. Two at once do
// no harm, because one of them does nothing.
package inventory

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/internal/customhandler"
)

// Refresher brings the inventory up to date, or as far as it comes until a time.
type Refresher interface {
	Refresh(ctx context.Context, until time.Time) (done bool, err error)
}

// workFor leaves the last step its time: host.json ends a function after five minutes,
// and the handler a little before.
const workFor = 150 * time.Second

// New returns the function.
func New(r Refresher, now func() time.Time) customhandler.Function {
	return customhandler.OnTimer(func(ctx context.Context, _ customhandler.Timer) error {
		_, err := r.Refresh(ctx, now().Add(workFor))
		return err
	})
}
