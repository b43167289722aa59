package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// overdueAfter is how late a rotation may begin: the sweep runs once a minute, and
// messages wait their turn.
const overdueAfter = time.Hour

func (d *Doctor) overdue(_ context.Context, app *Application) (found []rotation.Finding, _ error) {
	for _, view := range app.Kinds {
		if view.Policy().Enabled {
			found = append(found, judgeOverdue(view, app.Now)...)
		}
	}
	return found, nil
}

// judgeOverdue looks at when the current credential was to be replaced, and at its end.
func judgeOverdue(view engine.View, now time.Time) (found []rotation.Finding) {
	say := func(severity rotation.Severity, remedy, format string, args ...any) {
		found = append(found, rotation.Finding{Subject: string(view.Kind), Severity: severity, Finding: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	k := view.Head.Kind(view.Kind)
	entry, has := k.CurrentEntry()
	isDue := has && now.After(view.Due.At.Add(overdueAfter))
	paused := view.Paused || view.App.Paused
	if has && !now.Before(entry.End) {
		say(rotation.SeverityError, "rotate it now; what is paused has to be resumed first",
			"the current %s ended at %s", view.Kind, stamp(entry.End))
	}
	switch {
	case isDue && paused:
		say(rotation.SeverityWarning, "resume it", "rotation is paused, and the %s was to be replaced at %s; it ends at %s", view.Kind, stamp(view.Due.At), stamp(entry.End))
	case isDue && k.SchedulePaused:
		say(rotation.SeverityWarning, "resume the application, or ask for a rotation",
			"the schedule is paused since a rollback, and the %s was to be replaced at %s; it ends at %s", view.Kind, stamp(view.Due.At), stamp(entry.End))
	case isDue && view.InFlight == nil:
		say(rotation.SeverityError, "see that the functions \"sweep\" and \"rotate\" run; ask for a rotation",
			"the %s was to be replaced at %s, and no rotation has begun", view.Kind, stamp(view.Due.At))
	}
	return found
}
