package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Application is what rekey's rows say of one application, read once for all checks.
type Application struct {
	rotation.Application
	Now   time.Time
	Kinds []engine.View // of every kind
	Awake bool          // the schedule has a wake-up for it
}

// Targets are its enabled targets of all kinds.
func (a *Application) Targets() (all []rotation.TargetRow) {
	for _, view := range a.Kinds {
		for _, t := range view.Targets {
			if t.Enabled {
				all = append(all, t)
			}
		}
	}
	return all
}

// records is the check without which there are no others.
const (
	records     = "records"
	whatRecords = "What rekey's tables say of the application can be read."
)

// gather reads an application's rows. Rows that nobody can read are a finding; a
// store that does not answer is an error.
func (d *Doctor) gather(ctx context.Context, app rotation.Application, awake bool) (*Application, []rotation.Finding, error) {
	gathered := &Application{Application: app, Now: d.Now(), Awake: awake}
	for _, kind := range rotation.Kinds() {
		view, err := d.Records.View(ctx, app.AppID, kind)
		if errors.Is(err, engine.ErrUnreadable) || errors.Is(err, engine.ErrForeignRow) || errors.Is(err, engine.ErrNewerSchema) {
			return nil, signed([]rotation.Finding{{
				Subject: string(kind), Severity: rotation.SeverityError, Finding: "nothing can be done for the " + string(kind) + ": " + err.Error(),
				Remedy: "save the application or the target again, or restore the row from a copy",
			}}, records, app.AppID), nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("doctor: application %q: %w", app.AppID, err)
		}
		gathered.Kinds = append(gathered.Kinds, view)
	}
	return gathered, nil, nil
}

// examine makes all checks of one application.
func (d *Doctor) examine(ctx context.Context, app rotation.Application, awake bool) ([]Result, error) {
	gathered, found, err := d.gather(ctx, app, awake)
	if err != nil {
		return nil, err
	}
	first := Result{Check: records, What: whatRecords, Findings: append([]rotation.Finding{}, found...), CheckedAt: d.Now()}
	if len(found) > 0 {
		return []Result{first}, nil
	}
	return append([]Result{first}, runAll(ctx, d, d.applicationChecks(), app.AppID, gathered)...), nil
}

// Look makes all checks of one application, and keeps and tells nothing.
func (d *Doctor) Look(ctx context.Context, appID string) ([]Result, error) {
	app, _, err := d.Records.Application(ctx, appID)
	if err != nil {
		return nil, err
	}
	awake, err := d.Schedule.Awake(ctx, []string{appID})
	if err != nil {
		return nil, err
	}
	return d.examine(ctx, app, awake[appID])
}

// Application makes all checks of one application now.
func (d *Doctor) Application(ctx context.Context, appID string) ([]Result, error) {
	results, err := d.Look(ctx, appID)
	if err != nil {
		return nil, err
	}
	before, err := d.Book.FindingsOf(ctx, appID)
	if err != nil {
		return nil, err
	}
	return d.record(ctx, before, results)
}

// Installation makes all checks of the installation now.
func (d *Doctor) Installation(ctx context.Context) ([]Result, error) {
	results := runAll(ctx, d, d.installationChecks(), "", Installation{d.Now()})
	before, err := d.Book.FindingsOf(ctx, "")
	if err != nil {
		return nil, err
	}
	return d.record(ctx, before, results)
}
