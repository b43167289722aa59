package doctor

import (
	"cmp"
	"context"
	"errors"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// unable says that a check could not be run. The words of Faults are meant for people;
// any other error is rekey's own store's, and goes to the log.
func (d *Doctor) unable(ctx context.Context, check string, err error) rotation.Finding {
	f := rotation.Finding{Severity: rotation.SeverityUnknown, Unable: true, Remedy: "run it again; if that does not help, look at what rekey's log says"}
	fault, known := errors.AsType[*rotation.Fault](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		f.Finding = "the check could not be run to its end: it took longer than " + longestCheck.String()
	case !known:
		d.Log.WarnContext(ctx, "a check could not be run", "check", check, "error", err)
		f.Finding = "the check could not be run; the cause is in rekey's log"
	default:
		f.Finding, f.Remedy = "the check could not be run: "+fault.Err.Error(), cmp.Or(fault.Remedy, f.Remedy)
		if lasts(fault.Class) {
			f.Severity = rotation.SeverityWarning
		}
	}
	return f
}

// lasts reports whether what was refused will be refused again.
func lasts(class rotation.Class) bool {
	return class == rotation.Denied || class == rotation.NotFound || class == rotation.Permanent
}
