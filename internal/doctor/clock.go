package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Clock is a clock that others go by. Errors are Faults.
type Clock interface {
	// Time returns what the clock says, to the second.
	Time(ctx context.Context) (time.Time, error)
}

// clockDrift is a difference that no network explains.
const clockDrift = time.Minute

func (d *Doctor) clock(ctx context.Context, _ Installation) ([]rotation.Finding, error) {
	asked := d.Now()
	theirs, err := d.Clock.Time(ctx)
	if err != nil {
		return nil, err
	}
	// The answer was written at some time between; the middle is the fairest guess.
	return judgeClock(asked.Add(d.Now().Sub(asked)/2), theirs), nil
}

// judgeClock compares two clocks.
func judgeClock(ours, theirs time.Time) []rotation.Finding {
	apart, where := ours.Sub(theirs), "ahead of"
	if apart < 0 {
		apart, where = -apart, "behind"
	}
	if apart <= clockDrift {
		return nil
	}
	f := rotation.Finding{
		Severity: rotation.SeverityWarning, Remedy: "see that the machine's clock is synchronized",
		Finding: fmt.Sprintf("rekey's clock is more than %s %s that of Entra ID", clockDrift, where),
	}
	if apart > rotation.ClockMargin {
		f.Severity = rotation.SeverityError
		f.Finding = fmt.Sprintf("rekey's clock is more than %s %s that of Entra ID: credentials could be removed too early", rotation.ClockMargin, where)
	}
	return []rotation.Finding{f}
}
