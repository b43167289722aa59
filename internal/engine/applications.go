package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// SaveApplication saves what the user chose for an application. Its names are
// read from Graph, which also proves that it exists. Whether it is paused stays as it
// is. The ETag, if not empty, must be that of the saved one; "*" is any that exists,
// Absent none.
func (e *Engine) SaveApplication(ctx context.Context, app rotation.Application, etag, actor string) (rotation.Application, string, error) {
	return e.saveApplication(ctx, app, etag, actor, func(was bool) bool { return was })
}

// SavePausable saves an application as SaveApplication does, and pauses it in the same
// write if it is to be paused: one that is new does not begin before. It resumes
// nothing.
func (e *Engine) SavePausable(ctx context.Context, app rotation.Application, etag, actor string) (rotation.Application, string, error) {
	paused := app.Paused
	return e.saveApplication(ctx, app, etag, actor, func(was bool) bool { return was || paused })
}

func (e *Engine) saveApplication(
	ctx context.Context, app rotation.Application, etag, actor string, paused func(was bool) bool,
) (rotation.Application, string, error) {
	if err := e.mayManage(app); err != nil {
		return app, "", err
	}
	old, oldTag, err := e.Application(ctx, app.AppID)
	exists, err := known(err)
	if err != nil {
		return app, "", err
	}
	if err := precondition(etag, oldTag); err != nil {
		return app, "", err
	}
	app.Paused = paused(old.Paused)
	if err := e.name(ctx, &app); err != nil {
		return app, "", err
	}
	if err := e.writeApplication(ctx, app, oldTag, exists); err != nil {
		return app, "", err
	}
	e.LogChange(ctx, rotation.LogEntry{AppID: app.AppID, What: "configured", Detail: applicationWords(exists, old, app), Actor: actor})
	_, newTag, err := e.Application(ctx, app.AppID)
	return app, newTag, err
}

func applicationWords(known bool, old, app rotation.Application) string {
	if known {
		return changed(old, app)
	}
	return "managed from now on: " + changed(rotation.Application{AppID: app.AppID, ObjectID: app.ObjectID, Name: app.Name}, app)
}

// mayManage refuses rekey's own identity, and policies that are wrong.
func (e *Engine) mayManage(app rotation.Application) error {
	if slices.Contains(e.Self, app.AppID) {
		return fmt.Errorf("%w: %q is the identity that rekey itself runs as; rotating it would lock rekey out", ErrRefused, app.AppID)
	}
	if problems := checkPolicies(app); len(problems) > 0 {
		return &Invalid{problems}
	}
	return nil
}

func checkPolicies(app rotation.Application) (problems []rotation.Problem) {
	for _, kind := range rotation.Kinds() {
		policy, ok := app.Policies[kind]
		if !ok {
			continue
		}
		for _, p := range policy.Check(kind) {
			problems = append(problems, rotation.Problem{Field: string(kind) + "." + p.Field, Detail: p.Detail})
		}
	}
	return problems
}

// Absent, in place of an ETag, asks that there be nothing yet.
const Absent = "absent"

// precondition compares If-Match with what is there.
func precondition(etag, actual string) error {
	if etag == "" || etag == Absent && actual == "" || etag == actual || etag == "*" && actual != "" {
		return nil
	}
	return ErrPrecondition
}

func (e *Engine) name(ctx context.Context, app *rotation.Application) error {
	call, cancel := e.bounded(ctx)
	defer cancel()
	found, err := e.Directory.Application(call, app.AppID, rotation.Secret)
	if err != nil && rotation.ClassOf(err) == rotation.NotFound {
		return &Invalid{[]rotation.Problem{{Field: "appId", Detail: fmt.Sprintf(
			"the tenant has no app registration with client id %q; give the client id, not the object id", app.AppID)}}}
	}
	app.ObjectID, app.Name = found.ObjectID, found.Name
	return err
}

// writeApplication saves the row, with a wake-up for every enabled kind in the
// schedule before it.
func (e *Engine) writeApplication(ctx context.Context, app rotation.Application, etag string, exists bool) error {
	change := Change{Op: Insert, Key: e.applicationKey(app.AppID), Properties: encode(app)}
	if exists {
		change.Op, change.ETag = Merge, etag
	}
	var advances []rotation.Advance
	for _, kind := range rotation.Kinds() {
		if policy, ok := app.Policies[kind]; ok && policy.Enabled {
			row, _, err := e.wakeAt(ctx, e.Now().Add(moveOn), app.AppID, string(kind))
			if err != nil {
				return err
			}
			advances = append(advances, rotation.Advance{AppID: app.AppID, Kind: kind, Row: &row})
		}
	}
	err := e.Store.Write(ctx, change)
	if errors.Is(err, ErrConflict) {
		return fmt.Errorf("application %q: %w", app.AppID, ErrPrecondition)
	}
	if err != nil {
		return err
	}
	e.sendAll(ctx, advances)
	return nil
}

// sendAll wakes now what the schedule would wake in a few minutes anyway.
func (e *Engine) sendAll(ctx context.Context, advances []rotation.Advance) {
	for _, advance := range advances {
		if err := e.sendAdvance(ctx, advance, zero); err != nil {
			e.Log.WarnContext(ctx, "the bus is out of reach; the schedule will wake the application", "app", advance.AppID, "error", err)
		}
	}
}

// SetPaused pauses or resumes one application.
func (e *Engine) SetPaused(ctx context.Context, appID string, paused bool, actor string) error {
	app, etag, err := e.Application(ctx, appID)
	if err != nil {
		return err
	}
	if !paused {
		if err := e.resumeSchedules(ctx, appID, actor); err != nil {
			return err
		}
	}
	if app.Paused == paused {
		return nil
	}
	app.Paused = paused
	if err := e.writeApplication(ctx, app, etag, true); err != nil {
		return err
	}
	e.LogChange(ctx, rotation.LogEntry{AppID: appID, What: pauseWord(paused), Detail: "by hand", Actor: actor})
	return nil
}

// resumeSchedules ends what rollbacks paused.
func (e *Engine) resumeSchedules(ctx context.Context, appID, actor string) error {
	for _, kind := range rotation.Kinds() {
		_, err := again(func() (struct{}, error) {
			w, err := e.open(ctx, appID, kind)
			if err != nil || !w.state().SchedulePaused {
				return struct{}{}, err
			}
			if err := w.guard(ctx); err != nil {
				return struct{}{}, err
			}
			w.state().SchedulePaused = false
			if err := w.save(ctx, w.batch().logged(w.asked("resumed", "the schedule, which a rollback had paused", actor))); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, w.wake(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func pauseWord(paused bool) string {
	if paused {
		return "paused"
	}
	return "resumed"
}

func (e *Engine) wakeEverything(ctx context.Context) error {
	for from, more := "", true; more; {
		apps, next, err := e.Applications(ctx, from, MaxChanges)
		if err != nil {
			return err
		}
		var messages []Message
		for _, app := range apps {
			for _, kind := range rotation.Kinds() {
				if app.Policy(kind).Enabled {
					messages = append(messages, e.advanceMessage(rotation.Advance{AppID: app.AppID, Kind: kind}, zero))
				}
			}
		}
		if len(messages) > 0 {
			if err := e.Bus.Send(ctx, messages...); err != nil {
				return err
			}
		}
		from, more = next, next != ""
	}
	return nil
}

// DeleteApplication ends the management of an application. Its credentials stay
// as they are, its ledger and its log too: should it come back, rekey still
// knows what it made.
func (e *Engine) DeleteApplication(ctx context.Context, appID, etag, actor string) error {
	_, actual, err := e.Application(ctx, appID)
	if err != nil {
		return err
	}
	if err := precondition(etag, actual); err != nil {
		return err
	}
	if err := e.releaseTargets(ctx, appID, actor); err != nil {
		return err
	}
	return e.Store.Write(ctx, Change{Op: Delete, Key: e.applicationKey(appID)})
}

// releaseTargets deletes every target and holding, in one batch with the head,
// so that no rotation can begin in between.
func (e *Engine) releaseTargets(ctx context.Context, appID, actor string) error {
	_, err := again(func() (struct{}, error) {
		w, err := e.open(ctx, appID, rotation.Secret)
		if err != nil {
			return struct{}{}, err
		}
		if err := w.deletable(); err != nil {
			return struct{}{}, err
		}
		b := w.batch().logged(w.asked("deleted", "no longer managed; its credentials stay as they are", actor))
		for row := range w.etags {
			if isConfiguration(row) {
				b.delete(row)
			}
		}
		return struct{}{}, w.save(ctx, b)
	})
	return err
}
