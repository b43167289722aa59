package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

func isConfiguration(row string) bool {
	return strings.HasPrefix(row, prefixTarget) || strings.HasPrefix(row, prefixHolding)
}

// Applications returns configured applications in the order of their client ids,
// from the one after a given id. Next is empty after the last.
func (e *Engine) Applications(ctx context.Context, from string, limit int) (apps []rotation.Application, next string, err error) {
	within := Range{Table: TableApplications, Partition: e.Tenant, From: rowEverything + "~", Limit: limit + 1}
	if from != "" {
		within.From = from + "\x20"
	}
	rows, err := collect(e.Store.Query(ctx, within))
	if err != nil {
		return nil, "", err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].Row
	}
	for _, row := range rows {
		app, err := decodeAs[rotation.Application](row)
		if err != nil {
			return nil, "", err
		}
		apps = append(apps, app)
	}
	return apps, next, nil
}

// View is everything there is to show about one kind of one application.
type View struct {
	rotation.Snapshot
	Due rotation.Due // meaningful while the kind is enabled
}

// View loads one kind of an application, to be shown.
func (e *Engine) View(ctx context.Context, appID string, kind rotation.Kind) (View, error) {
	w, err := e.open(ctx, appID, kind)
	if err != nil {
		return View{}, err
	}
	return View{w.Snapshot, w.state().Due(w.policy())}, nil
}

// Rotation returns one rotation.
func (e *Engine) Rotation(ctx context.Context, id rotation.ID) (rotation.Rotation, error) {
	row, err := e.Store.Get(ctx, partitionKey(id.AppID, rotationRow(id)))
	if errors.Is(err, ErrNoRow) {
		return rotation.Rotation{}, fmt.Errorf("rotation %q: %w", id, ErrUnknownRotation)
	}
	if err != nil {
		return rotation.Rotation{}, err
	}
	return decodeAs[rotation.Rotation](row)
}

// DeploymentsOf returns a rotation's deployments.
func (e *Engine) DeploymentsOf(ctx context.Context, id rotation.ID) (all []rotation.Deployment, err error) {
	prefix := rotationRow(id) + "."
	rows, err := collect(e.Store.Query(ctx, Range{Table: TableRotations, Partition: id.AppID, From: prefix, To: after(prefix)}))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		d, err := decodeAs[rotation.Deployment](row)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// Rotations returns an application's rotations of one kind, newest first.
func (e *Engine) Rotations(ctx context.Context, appID string, kind rotation.Kind) (all []rotation.Rotation, err error) {
	prefix := string(kind) + "."
	for row, err := range e.Store.Query(ctx, Range{Table: TableRotations, Partition: appID, From: prefix, To: after(prefix)}) {
		if err != nil {
			return nil, err
		}
		if strings.Count(row.Row, ".") > 1 {
			continue // a deployment
		}
		r, err := decodeAs[rotation.Rotation](row)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	slices.Reverse(all)
	return all, nil
}

// Retirements returns the generations of a kind that are in the ledger and no
// longer current, with what keeps each.
func (v View) Retirements() (all []Retirement) {
	for _, entry := range v.Head.Kind(v.Kind).Ledger {
		if entry.KeyID != "" && entry.KeyID == v.Head.Kind(v.Kind).Current {
			continue
		}
		objection, _ := rotation.Objects(v.Snapshot, entry)
		all = append(all, Retirement{entry, objection})
	}
	return all
}

// Retirement is one credential on its way out.
type Retirement struct {
	Entry     rotation.Entry
	Objection rotation.Objection // an empty clause: it goes next
}

// Target returns one configured place and its ETag.
func (e *Engine) Target(ctx context.Context, appID, id string) (rotation.TargetRow, string, error) {
	row, err := e.Store.Get(ctx, partitionKey(appID, prefixTarget+id))
	if errors.Is(err, ErrNoRow) {
		return rotation.TargetRow{}, "", fmt.Errorf("target %q: %w", id, ErrUnknownTarget)
	}
	if err != nil {
		return rotation.TargetRow{}, "", err
	}
	target, err := decodeAs[rotation.TargetRow](row)
	return target, row.ETag, err
}

// Credentials returns what Graph shows of an application's credentials of one
// kind, foreign ones included. Passwords' values are never there.
func (e *Engine) Credentials(ctx context.Context, appID string, kind rotation.Kind) ([]DirectoryCredential, error) {
	call, cancel := e.bounded(ctx)
	defer cancel()
	app, err := e.Directory.Application(call, appID, kind)
	return app.Credentials, err
}
