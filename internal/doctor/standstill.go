package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// sweepLate is how old a wake-up may be: the sweep moves what is due on by minutes.
const sweepLate = 15 * time.Minute

func (d *Doctor) sweeping(ctx context.Context, of Installation) ([]rotation.Finding, error) {
	oldest, err := d.Schedule.OldestWakeUp(ctx)
	return judgeSweep(oldest, of.Now), err
}

func judgeSweep(oldest, now time.Time) []rotation.Finding {
	if oldest.IsZero() || now.Sub(oldest) <= sweepLate {
		return nil
	}
	return []rotation.Finding{{
		Severity: rotation.SeverityError,
		Finding:  fmt.Sprintf("the sweep does not run: a wake-up of %s was not served", stamp(oldest)),
		Remedy:   "see that the function app runs, that its function \"sweep\" is enabled and that REKEY_SWEEP_SCHEDULE fires every minute",
	}}
}

func (d *Doctor) standstill(_ context.Context, app *Application) ([]rotation.Finding, error) {
	found := judgeAwake(app)
	for _, view := range app.Kinds {
		found = append(found, judgeInFlight(view, app.Now)...)
		found = append(found, judgeCurrent(view, app.Now)...)
		found = append(found, judgeHead(view, app.Now)...)
	}
	return found, nil
}

// judgeAwake looks for applications that nothing would ever come back to.
func judgeAwake(app *Application) []rotation.Finding {
	enabled := false
	for _, view := range app.Kinds {
		enabled = enabled || view.Policy().Enabled
	}
	if app.Awake || !enabled {
		return nil
	}
	return []rotation.Finding{{
		Severity: rotation.SeverityError, Finding: "the schedule has no wake-up for the application: nothing will rotate it",
		Remedy: "save the application again, which gives it one",
	}}
}

// judgeInFlight looks for an unpublished rotation that stands for longer than its
// waits explain.
func judgeInFlight(view engine.View, now time.Time) []rotation.Finding {
	r := view.InFlight
	if r == nil {
		return nil
	}
	w := view.Policy().Waits
	patience := w.VerifyDeadline + 2*w.Resend + w.LostAnswer
	if r.AttemptOpen {
		patience += w.LookAgain[len(w.LookAgain)-1]
	}
	since := latest(r.RequestedAt, r.AttemptAt, r.StagedAt, r.VerifiedAt)
	if !now.After(latest(since, r.NotBefore).Add(patience)) {
		return nil
	}
	return []rotation.Finding{{
		Subject: string(view.Kind), Severity: rotation.SeverityError,
		Finding: fmt.Sprintf("the rotation %s is %s since %s, longer than its waits explain", r.ID, r.State, stamp(since)),
		Remedy:  "look at its lines in the log; if they end, cancel it and ask for a new one",
	}}
}

// judgeCurrent looks at the deliveries of the published rotation.
func judgeCurrent(view engine.View, now time.Time) (found []rotation.Finding) {
	if view.Current == nil || view.Current.State == rotation.Completed {
		return nil
	}
	for _, x := range view.Deployments {
		if f, wrong := judgeDelivery(view, x, now); wrong {
			f.Subject = x.Target
			found = append(found, f)
		}
	}
	return found
}

func judgeDelivery(view engine.View, x rotation.Deployment, now time.Time) (f rotation.Finding, wrong bool) {
	switch {
	case x.State == rotation.DeploymentFailed:
		return rotation.Finding{
			Severity: rotation.SeverityError,
			Finding:  fmt.Sprintf("the rotation %s is incomplete: the delivery to %q failed: %s", x.Rotation, x.Target, x.Reason),
			Remedy:   "put right what it says, and resume the deployment",
		}, true
	case x.State.Ended():
		return f, false
	}
	// A target's work may take a day; a delivery that nobody has asked about for much
	// longer than the next time to ask has been forgotten.
	since, next := latest(x.UpdatedAt, x.BegunAt), latest(x.UpdatedAt, x.BegunAt, x.NextAt)
	for _, t := range view.Targets {
		if t.ID == x.Target && x.State == rotation.DeploymentPending {
			next = latest(next, view.Opens(t))
		}
	}
	if !now.After(next.Add(3 * view.Policy().Waits.Resend)) {
		return f, false
	}
	return rotation.Finding{
		Severity: rotation.SeverityError,
		Finding:  fmt.Sprintf("the delivery of %s to %q is %s since %s, and nobody comes back to it", x.Rotation, x.Target, x.State, stamp(since)),
		Remedy:   "see that messages are received by the function of its integration, and resume the deployment",
	}, true
}

// judgeHead looks at what holds a kind back.
func judgeHead(view engine.View, now time.Time) (found []rotation.Finding) {
	k := view.Head.Kind(view.Kind)
	if !k.Gone.Since.IsZero() {
		found = append(found, rotation.Finding{
			Subject: string(view.Kind), Severity: rotation.SeverityError,
			Finding: fmt.Sprintf("Microsoft Graph does not know the application since %s", stamp(k.Gone.Since)),
			Remedy:  "restore the app registration, or delete the application here",
		})
	}
	if view.InFlight == nil && now.Before(k.RetryAt) && view.Policy().Enabled {
		found = append(found, rotation.Finding{
			Subject: string(view.Kind), Severity: rotation.SeverityError,
			Finding: "the last rotation failed; the schedule tries again and again",
			Remedy:  "look at its lines in the log, and put right what they say",
		})
	}
	return found
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
