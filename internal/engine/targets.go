package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// SaveTarget saves one configured place. One that is new, points elsewhere or is
// enabled again may hold anything until it confirms, and is brought up to date
// at once.
func (e *Engine) SaveTarget(ctx context.Context, appID string, target rotation.TargetRow, etag, actor string) (string, error) {
	return again(func() (string, error) { return e.saveTarget(ctx, appID, target, etag, actor) })
}

func (e *Engine) saveTarget(ctx context.Context, appID string, target rotation.TargetRow, etag, actor string) (string, error) {
	w, err := e.open(ctx, appID, target.Kind)
	if err != nil {
		return "", err
	}
	row := prefixTarget + target.ID
	if err := precondition(etag, w.etags[row]); err != nil {
		return "", err
	}
	old, known := w.target(target.ID)
	if _, exists := w.etags[row]; exists && !known {
		return "", KindFixed()
	}
	if err := w.guard(ctx); err != nil {
		return "", err
	}
	b := w.batch().save(row, target).logged(w.asked("target", targetWords(known, old, target), actor))
	b.log[0].Target = target.ID
	if !known || pointsElsewhere(old, target) {
		holding := w.Holding(target.ID)
		holding.Kind, holding.Unknown = target.Kind, true
		earlier, _ := w.Deployment(target.ID) // of a target of this id that was deleted
		holding.Delivery = max(holding.Delivery, earlier.Delivery) + 1
		b.holding(holding)
	}
	if err := e.commit(ctx, b); err != nil {
		return "", err
	}
	return w.etags[row], w.wake(ctx)
}

// KindFixed refuses another kind for a target.
func KindFixed() error {
	return &Invalid{[]rotation.Problem{{Field: "kind", Detail: "a target's kind cannot change; delete the target and make another"}}}
}

// pointsElsewhere reports whether a change makes what the target holds unknown.
func pointsElsewhere(old, changed rotation.TargetRow) bool {
	return changed.Enabled && !old.Enabled || old.Integration != changed.Integration || !bytes.Equal(old.Settings, changed.Settings)
}

func targetWords(known bool, old, target rotation.TargetRow) string {
	switch {
	case known:
		return changed(old, target)
	case !target.Enabled:
		return "added, disabled"
	}
	return "added"
}

func (l *loaded) target(id string) (rotation.TargetRow, bool) {
	i := slices.IndexFunc(l.Targets, func(t rotation.TargetRow) bool { return t.ID == id })
	if i < 0 {
		return rotation.TargetRow{}, false
	}
	return l.Targets[i], true
}

// DeleteTarget releases a target: what it holds no longer keeps anything alive.
func (e *Engine) DeleteTarget(ctx context.Context, appID, id, etag, actor string) error {
	_, err := again(func() (struct{}, error) { return struct{}{}, e.deleteTarget(ctx, appID, id, etag, actor) })
	return err
}

func (e *Engine) deleteTarget(ctx context.Context, appID, id, etag, actor string) error {
	target, actual, err := e.Target(ctx, appID, id)
	if err != nil {
		return err
	}
	if err := precondition(etag, actual); err != nil {
		return err
	}
	w, err := e.open(ctx, appID, target.Kind)
	if err != nil {
		return err
	}
	if err := w.guard(ctx); err != nil {
		return err
	}
	b := w.batch().delete(prefixTarget + id).logged(w.asked("target", "deleted", actor))
	b.log[0].Target = id
	if _, ok := w.etags[prefixHolding+id]; ok {
		b.delete(prefixHolding + id)
	}
	if err := e.commit(ctx, b); err != nil {
		return err
	}
	return w.wake(ctx)
}

// Resume delivers the current credential once more to a target that failed.
func (e *Engine) Resume(ctx context.Context, id rotation.ID, target, actor string) error {
	_, err := again(func() (struct{}, error) { return struct{}{}, e.resume(ctx, id, target, actor) })
	return err
}

func (e *Engine) resume(ctx context.Context, id rotation.ID, target, actor string) error {
	w, err := e.open(ctx, id.AppID, id.Kind)
	if err != nil {
		return err
	}
	if _, err := e.Rotation(ctx, id); err != nil {
		return err
	}
	if w.Current == nil || w.Current.ID != id {
		return fmt.Errorf("%w: rotation %q is not the current one; resume %s", ErrRefused, id, w.currentWords())
	}
	d, ok := w.Deployment(target)
	switch {
	case !ok:
		return fmt.Errorf("target %q: %w", target, ErrUnknownTarget)
	case !w.isEnabled(target):
		return fmt.Errorf("%w: target %q is disabled or deleted; enable it, which delivers too", ErrRefused, target)
	case d.State != rotation.DeploymentFailed:
		return fmt.Errorf("%w: the deployment to %q is %s; only a failed one can be resumed", ErrRefused, target, d.State)
	}
	if err := w.guard(ctx); err != nil {
		return err
	}
	holding := w.Holding(target)
	holding.Delivery++
	line := w.asked("resumed", "delivered once more", actor)
	line.Target = target
	if err := e.commit(ctx, w.batch().holding(holding).logged(line)); err != nil {
		return err
	}
	return w.wake(ctx)
}

func (l *loaded) isEnabled(target string) bool {
	t, known := l.target(target)
	return known && t.Enabled
}

func (l *loaded) currentWords() string {
	if l.Current == nil {
		return "nothing: none is published"
	}
	return fmt.Sprintf("%q", l.Current.ID)
}
