package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Configured is an application as it is configured, with its targets. The ETags are
// those of its row and of each target's.
type Configured struct {
	rotation.Application
	ETag    string
	Targets []ConfiguredTarget
}

// ConfiguredTarget is a target with its ETag.
type ConfiguredTarget struct {
	rotation.TargetRow
	ETag string
}

// Configured returns an application with its targets in the order of their ids, or
// ErrUnknownApplication.
func (e *Engine) Configured(ctx context.Context, appID string) (c Configured, err error) {
	if c.Application, c.ETag, err = e.Application(ctx, appID); err != nil {
		return c, err
	}
	c.Targets, err = e.ConfiguredTargets(ctx, appID)
	return c, err
}

// ConfiguredTargets returns an application's targets in the order of their ids.
func (e *Engine) ConfiguredTargets(ctx context.Context, appID string) (targets []ConfiguredTarget, err error) {
	within := Range{Table: TableRotations, Partition: appID, From: prefixTarget, To: after(prefixTarget)}
	for row, err := range e.Store.Query(ctx, within) {
		if err != nil {
			return nil, err
		}
		target, err := decodeAs[rotation.TargetRow](row)
		if err != nil {
			return nil, err
		}
		targets = append(targets, ConfiguredTarget{target, row.ETag})
	}
	return targets, nil
}

// Deletable says whether an application can be deleted now: an error that is
// ErrRefused if not.
func (e *Engine) Deletable(ctx context.Context, appID string) error {
	w, err := e.open(ctx, appID, rotation.Secret)
	if err != nil {
		return err
	}
	return w.deletable()
}

func (l *loaded) deletable() error {
	for _, kind := range rotation.Kinds() {
		if n := l.Head.Kind(kind).InFlight; n > 0 {
			id := rotation.ID{AppID: l.App.AppID, Kind: kind, Generation: n}
			return fmt.Errorf("%w: rotation %q is in flight; cancel it or wait for it", ErrRefused, id)
		}
	}
	return nil
}

// CheckApplication says what SaveApplication would refuse, and returns the application
// with the names that Graph has. It changes nothing.
func (e *Engine) CheckApplication(ctx context.Context, app rotation.Application) (rotation.Application, error) {
	if err := e.mayManage(app); err != nil {
		return app, err
	}
	err := e.name(ctx, &app)
	return app, err
}

// known reports whether a record is there, of what reading it said.
func known(err error) (bool, error) {
	if errors.Is(err, ErrUnknownApplication) || errors.Is(err, ErrUnknownRecord) || errors.Is(err, ErrUnknownTarget) {
		return false, nil
	}
	return err == nil, err
}
