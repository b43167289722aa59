package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	// mostInRound bounds one round: 10,000 applications are looked at within a day of
	// hourly rounds.
	mostInRound = 500
	// longestRound leaves a function time to end.
	longestRound = 150 * time.Second
	// pageOfRound is after how many applications the place is kept.
	pageOfRound = 20
	// atOnce is how many applications are looked at side by side.
	atOnce = 4
)

// Round looks at the installation and at the next applications, going on where the
// round before stopped. It returns how many it looked at.
func (d *Doctor) Round(ctx context.Context) (looked int, err error) {
	_, err = d.Installation(ctx)
	n, errApps := d.forOneRound().applications(ctx, d.Now().Add(longestRound))
	return n, errors.Join(err, errApps)
}

// applications looks at one run of applications, and reads the schedule once for them.
func (d *Doctor) applications(ctx context.Context, until time.Time) (looked int, err error) {
	at, err := d.Place.DoctorAt(ctx)
	if err != nil {
		return 0, err
	}
	apps, next, err := d.Records.Applications(ctx, at, mostInRound)
	if err != nil {
		return 0, fmt.Errorf("doctor: applications: %w", err)
	}
	ids := make([]string, len(apps))
	for i, app := range apps {
		ids[i] = app.AppID
	}
	awake, err := d.Schedule.Awake(ctx, ids)
	if err != nil {
		return 0, err
	}
	var errs []error
	for page := range slices.Chunk(apps, pageOfRound) {
		if !d.Now().Before(until) {
			return looked, errors.Join(errs...)
		}
		errs = append(errs, d.page(ctx, at, page, awake))
		looked += len(page)
		at = page[len(page)-1].AppID
		if err := d.Place.SetDoctorAt(ctx, at); err != nil {
			return looked, errors.Join(append(errs, err)...)
		}
	}
	if next == "" {
		errs = append(errs, d.forget(ctx, at), d.Place.SetDoctorAt(ctx, ""))
	}
	return looked, errors.Join(errs...)
}

// page looks at some applications, side by side. What keeps one from being looked at
// keeps none of the others.
func (d *Doctor) page(ctx context.Context, after string, apps []rotation.Application, awake map[string]bool) error {
	before, err := d.Book.FindingsBetween(ctx, after, apps[len(apps)-1].AppID)
	if err != nil {
		return err
	}
	byApp := map[string][]engine.KeptFinding{}
	for _, k := range before {
		byApp[k.AppID] = append(byApp[k.AppID], k)
	}
	errs := make([]error, len(apps), len(apps)+1)
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i, app := range apps {
		all.Go(func() error {
			results, err := d.examine(ctx, app, awake[app.AppID])
			if err == nil {
				_, err = d.record(ctx, byApp[app.AppID], results)
			}
			errs[i] = err
			return nil
		})
	}
	_ = all.Wait() // the errors are in errs
	isHere := func(id string) bool {
		return slices.ContainsFunc(apps, func(a rotation.Application) bool { return a.AppID == id })
	}
	return errors.Join(append(errs, d.unmanaged(ctx, before, isHere))...)
}

// forget drops what was found about applications behind the last one.
func (d *Doctor) forget(ctx context.Context, last string) error {
	before, err := d.Book.FindingsBetween(ctx, last, "")
	if err != nil {
		return err
	}
	return d.unmanaged(ctx, before, func(string) bool { return false })
}

// unmanaged drops what was found about applications that are no longer there.
func (d *Doctor) unmanaged(ctx context.Context, before []engine.KeptFinding, isHere func(string) bool) error {
	var errs []error
	for _, k := range before {
		if !isHere(k.AppID) {
			errs = append(errs, d.resolve(ctx, k.Finding, "the application is no longer managed"))
		}
	}
	return errors.Join(errs...)
}
