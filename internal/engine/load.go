package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// ErrUnknownApplication says that an application was never configured.
var ErrUnknownApplication = errors.New("the application is not managed by rekey")

// loaded is one application, or one kind of it, as the store has it. etags holds
// the ETag of every row that was read or saved.
type loaded struct {
	rotation.Snapshot
	etags map[string]string
}

// Application returns one application's configuration and its ETag.
func (e *Engine) Application(ctx context.Context, appID string) (rotation.Application, string, error) {
	var app rotation.Application
	row, err := e.Store.Get(ctx, e.applicationKey(appID))
	if errors.Is(err, ErrNoRow) {
		return app, "", fmt.Errorf("application %q: %w", appID, ErrUnknownApplication)
	}
	if err != nil {
		return app, "", fmt.Errorf("application %q: %w", appID, err)
	}
	if err := decode(row, &app); err != nil {
		return app, row.ETag, fmt.Errorf("application %q: %w", appID, err)
	}
	return app, row.ETag, checkOwner(row, appID, app.AppID)
}

// load gathers everything that a decision about one kind is made from.
func (e *Engine) load(ctx context.Context, appID string, kind rotation.Kind) (*loaded, error) {
	l := &loaded{etags: map[string]string{}}
	l.Now, l.Kind = e.Now(), kind
	var err error
	if l.App, _, err = e.Application(ctx, appID); err != nil {
		return nil, err
	}
	if err := sensible(l.App, kind); err != nil {
		return nil, err
	}
	return again(func() (*loaded, error) { return l, e.loadAll(ctx, l) })
}

// sensible refuses a policy that was never saved by this code: one under which a
// credential is due as soon as it begins would make one after the other.
func sensible(app rotation.Application, kind rotation.Kind) error {
	if policy, ok := app.Policies[kind]; ok && policy.Enabled {
		for _, p := range policy.CheckSense() {
			return fmt.Errorf("application %q: %w: %s policy: %w", app.AppID, ErrUnreadable, kind, p)
		}
	}
	return nil
}

// loadAll reads the head and then what it names. Somebody may write in between:
// then the rotation is newer than the head, and both are read again.
func (e *Engine) loadAll(ctx context.Context, l *loaded) error {
	if err := e.loadLive(ctx, l); err != nil {
		return err
	}
	if err := e.loadRotations(ctx, l); err != nil {
		return err
	}
	for _, r := range []*rotation.Rotation{l.InFlight, l.Current} {
		if r != nil && r.Head > l.Head.Revision {
			return fmt.Errorf("rotation %q: %w", r.ID, ErrConflict)
		}
	}
	return nil
}

// loadLive reads the head, the targets and the holdings of all kinds, and keeps
// those of the kind.
func (e *Engine) loadLive(ctx context.Context, l *loaded) error {
	l.Head = rotation.Head{AppID: l.App.AppID}
	l.Targets, l.Holdings = nil, nil
	live := Range{Table: TableRotations, Partition: l.App.AppID, From: prefixLive, To: after(prefixLive)}
	for row, err := range e.Store.Query(ctx, live) {
		if err != nil {
			return fmt.Errorf("application %q: %w", l.App.AppID, err)
		}
		if err := l.takeLive(row); err != nil {
			return fmt.Errorf("application %q: %w", l.App.AppID, err)
		}
	}
	return nil
}

func (l *loaded) takeLive(row Row) error {
	l.etags[row.Row] = row.ETag
	switch {
	case row.Row == rowHead:
		return l.takeHead(row)
	case strings.HasPrefix(row.Row, prefixTarget):
		target, err := decodeAs[rotation.TargetRow](row)
		if target.Kind == l.Kind {
			l.Targets = append(l.Targets, target)
		}
		return cmp.Or(err, checkName(row, prefixTarget+target.ID))
	case strings.HasPrefix(row.Row, prefixHolding):
		holding, err := decodeAs[rotation.Holding](row)
		if holding.Kind == l.Kind {
			l.Holdings = append(l.Holdings, holding)
		}
		return cmp.Or(err, checkName(row, prefixHolding+holding.Target))
	}
	return nil
}

func (l *loaded) takeHead(row Row) error {
	if err := decode(row, &l.Head); err != nil {
		return err
	}
	if err := checkOwner(row, l.App.AppID, l.Head.AppID); err != nil {
		return err
	}
	return checkCopies(l.Head)
}

func decodeAs[T any](row Row) (T, error) {
	var record T
	err := decode(row, &record)
	return record, err
}

// loadRotations reads the rotation in flight, and the current one with its
// deployments. Where one follows the other, their rows do too.
func (e *Engine) loadRotations(ctx context.Context, l *loaded) (err error) {
	l.InFlight, l.Current, l.Deployments = nil, nil, nil
	inFlight, current := l.Head.Kind(l.Kind).InFlight, l.Head.Kind(l.Kind).CurrentGeneration()
	var rows []Row
	if current > 0 && inFlight == current+1 {
		rows, err = e.generations(ctx, l, current, inFlight)
	} else {
		rows, err = e.eitherGeneration(ctx, l, current, inFlight)
	}
	if err == nil && inFlight > 0 {
		l.InFlight, _, err = l.takeGeneration(inFlight, rows)
	}
	if err == nil && current > 0 {
		l.Current, l.Deployments, err = l.takeGeneration(current, rows)
	}
	return err
}

func (e *Engine) eitherGeneration(ctx context.Context, l *loaded, generations ...int) (rows []Row, err error) {
	for _, generation := range generations {
		if generation == 0 {
			continue
		}
		some, err := e.generations(ctx, l, generation, generation)
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

// generations reads the rows of the generations from one to another.
func (e *Engine) generations(ctx context.Context, l *loaded, first, last int) ([]Row, error) {
	from := rotation.ID{AppID: l.App.AppID, Kind: l.Kind, Generation: first}
	to := rotation.ID{AppID: l.App.AppID, Kind: l.Kind, Generation: last}
	rows, err := collect(e.Store.Query(ctx, Range{
		Table: TableRotations, Partition: l.App.AppID, From: rotationRow(from), To: after(rotationRow(to)),
	}))
	if err != nil {
		return nil, fmt.Errorf("rotation %q: %w", to, err)
	}
	return rows, nil
}

// takeGeneration finds one rotation and its deployments among rows.
func (l *loaded) takeGeneration(generation int, rows []Row) (r *rotation.Rotation, deployments []rotation.Deployment, err error) {
	id := rotation.ID{AppID: l.App.AppID, Kind: l.Kind, Generation: generation}
	for _, row := range rows {
		switch {
		case row.Row == rotationRow(id):
			l.etags[row.Row] = row.ETag
			r = &rotation.Rotation{}
			if err = decode(row, r); err == nil {
				err = cmp.Or(checkOwner(row, id.AppID, r.ID.AppID), checkName(row, rotationRow(r.ID)))
			}
		case strings.HasPrefix(row.Row, rotationRow(id)):
			l.etags[row.Row] = row.ETag
			var d rotation.Deployment
			if d, err = decodeAs[rotation.Deployment](row); err == nil {
				err = cmp.Or(checkOwner(row, id.AppID, d.Rotation.AppID), checkName(row, deploymentRow(d.Rotation, d.Target)))
			}
			deployments = append(deployments, d)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("rotation %q: %w", id, err)
		}
	}
	if r == nil {
		return nil, nil, fmt.Errorf("rotation %q: its row is missing", id)
	}
	return r, deployments, nil
}

func collect(rows func(func(Row, error) bool)) (all []Row, err error) {
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return slices.Clip(all), nil
}
