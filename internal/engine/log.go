package engine

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// LogChange adds a line to the log of the tenant about something that belongs to no
// single application: a group, a task, an API key, a finding. It is called after the
// change that it tells of, and a line that cannot be written is printed all the same.
func (e *Engine) LogChange(ctx context.Context, entry rotation.LogEntry) {
	entry.At, entry.Detail = e.Now(), short(entry.Detail)
	err := e.Store.Write(ctx, Change{Op: Insert, Key: tenantLogKey(entry.At), Properties: encode(entry)})
	if err != nil {
		e.Log.WarnContext(ctx, "a line of the log was lost", "what", entry.What, "error", err)
	}
	e.print(ctx, entry.AppID, entry)
}

// tenantLogKey sorts the newest line of a day first.
func tenantLogKey(at time.Time) Key {
	return Key{TableLog, at.UTC().Format(time.DateOnly), fmt.Sprintf("%019d.%s", math.MaxInt64-at.UnixNano(), newID()[:6])}
}
