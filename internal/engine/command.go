package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// What a person may be told. They come wrapped, with what is meant.
var (
	ErrUnknownRotation = errors.New("there is no such rotation")
	ErrUnknownTarget   = errors.New("there is no such target")
	ErrPrecondition    = errors.New("it was changed meanwhile")
	ErrRefused         = errors.New("refused")
)

// Invalid lists everything that is wrong with what a person gave.
type Invalid struct{ Problems []rotation.Problem }

func (i *Invalid) Error() string {
	text := "invalid"
	for _, p := range i.Problems {
		text += "; " + p.Error()
	}
	return text
}

// Ask is a request for a rotation.
type Ask struct {
	AppID     string
	Kind      rotation.Kind
	Source    rotation.Source
	Actor     string
	Emergency bool
	RevokeNow bool
	// IdempotencyKey makes a repeated request find the first one's rotation.
	IdempotencyKey string
}

// Ask begins a rotation, or finds the one in flight: there is at most one per
// application and kind. The rotation is in the store when Ask returns.
func (e *Engine) Ask(ctx context.Context, ask Ask) (rotation.Rotation, error) {
	return again(func() (rotation.Rotation, error) { return e.ask(ctx, ask) })
}

// again repeats what lost a race for the head.
func again[T any](try func() (T, error)) (result T, err error) {
	for range mostConflicts {
		if result, err = try(); !errors.Is(err, ErrConflict) {
			return result, err
		}
	}
	return result, err
}

func (e *Engine) ask(ctx context.Context, ask Ask) (rotation.Rotation, error) {
	w, err := e.open(ctx, ask.AppID, ask.Kind)
	if err != nil {
		return rotation.Rotation{}, err
	}
	if earlier, found, err := w.earlier(ctx, ask.IdempotencyKey); err != nil || found {
		return earlier, err
	}
	if err := w.mayBegin(ask); err != nil {
		return rotation.Rotation{}, err
	}
	if r := w.InFlight; r != nil && (r.Emergency || !ask.Emergency) {
		return w.join(ctx, ask)
	}
	return w.beginAsked(ctx, ask)
}

// open loads one kind of an application for a change that a person asked for.
func (e *Engine) open(ctx context.Context, appID string, kind rotation.Kind) (*work, error) {
	l, err := e.load(ctx, appID, kind)
	if err != nil {
		return nil, err
	}
	all, err := e.Everything(ctx)
	l.Paused = all.Paused
	return &work{Engine: e, loaded: l, holder: "command"}, err
}

// mayBegin refuses what must not or cannot be rotated.
func (w *work) mayBegin(ask Ask) error {
	switch {
	case slices.Contains(w.Self, w.App.AppID):
		return fmt.Errorf("%w: %q is the identity that rekey itself runs as; rotating it would lock rekey out", ErrRefused, w.App.AppID)
	case !w.policy().Enabled:
		return fmt.Errorf("%w: %s rotation of %q is not enabled; enable it in the application's policy", ErrRefused, ask.Kind, w.App.AppID)
	case (w.App.Paused || w.Paused) && !ask.Emergency:
		return fmt.Errorf("%w: %q is paused; resume it, or ask for an emergency rotation", ErrRefused, w.App.AppID)
	}
	return nil
}

// join answers with the rotation in flight. An emergency takes over revokeNow.
func (w *work) join(ctx context.Context, ask Ask) (rotation.Rotation, error) {
	r := w.InFlight
	b := w.batch()
	if ask.RevokeNow && r.Emergency && !r.RevokeNow {
		r.RevokeNow = true
		r.Revision++
		b.rotation(*r).logged(w.asked("requested", "the emergency also revokes the old credentials at publication", ask.Actor))
	}
	if len(b.changes) == 0 && ask.IdempotencyKey == "" {
		return *r, nil
	}
	return *r, w.save(ctx, w.remember(b, ask.IdempotencyKey, r.ID))
}

func (w *work) beginAsked(ctx context.Context, ask Ask) (rotation.Rotation, error) {
	if err := w.guard(ctx); err != nil {
		return rotation.Rotation{}, err
	}
	b := w.batch()
	if old := w.InFlight; old != nil {
		if err := old.Become(rotation.Superseded); err != nil {
			return rotation.Rotation{}, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		old.Reason, old.EndedAt = "superseded by an emergency rotation", w.Now()
		old.AttemptOpen = false
		old.Revision++
		b.rotation(*old).logged(w.asked("superseded", old.Reason, ask.Actor))
	}
	r := w.begin(rotation.Rotation{
		Source: ask.Source, Actor: ask.Actor, Emergency: ask.Emergency, RevokeNow: ask.RevokeNow, Correlation: correlationOf(ctx),
	})
	detail := "asked for by " + ask.Actor
	if ask.Emergency {
		detail = "emergency " + detail
	}
	b.rotation(r).logged(w.asked("requested", detail, ask.Actor))
	if err := w.save(ctx, w.remember(b, ask.IdempotencyKey, r.ID)); err != nil {
		return rotation.Rotation{}, err
	}
	return r, w.wake(ctx)
}

// wake sends the advance that serves this change. The wake-up is in the schedule
// already, so a bus that is out of reach only delays it.
func (w *work) wake(ctx context.Context) error {
	err := w.sendAdvance(ctx, rotation.Advance{AppID: w.App.AppID, Kind: w.Kind, Row: w.row}, zero)
	if err != nil {
		w.Log.WarnContext(ctx, "the bus is out of reach; the schedule will wake the rotation", "app", w.App.AppID, "error", err)
	}
	return nil
}

func (w *work) asked(what, detail, actor string) rotation.LogEntry {
	line := w.line(what, detail)
	line.Actor = actor
	return line
}

// remembered is what an Idempotency-Key asked for.
type remembered struct {
	Rotation rotation.ID `json:"rotation"`
}

func requestRow(key string) string {
	sum := sha256.Sum256([]byte(key))
	return prefixRequest + hex.EncodeToString(sum[:])
}

func (w *work) remember(b *batch, key string, id rotation.ID) *batch {
	if key == "" {
		return b
	}
	return b.put(requestRow(key), remembered{id})
}

// earlier finds what a repeated request asked for the first time.
func (w *work) earlier(ctx context.Context, key string) (rotation.Rotation, bool, error) {
	if key == "" {
		return rotation.Rotation{}, false, nil
	}
	row, err := w.Store.Get(ctx, partitionKey(w.App.AppID, requestRow(key)))
	if errors.Is(err, ErrNoRow) {
		return rotation.Rotation{}, false, nil
	}
	if err != nil {
		return rotation.Rotation{}, false, err
	}
	asked, err := decodeAs[remembered](row)
	if err != nil {
		return rotation.Rotation{}, false, err
	}
	if asked.Rotation.Kind != w.Kind {
		return rotation.Rotation{}, false, fmt.Errorf("%w: this Idempotency-Key asked for a %s rotation before; use another key", ErrRefused, asked.Rotation.Kind)
	}
	r, err := w.Rotation(ctx, asked.Rotation)
	return r, err == nil, err
}

// Cancel ends a rotation that is not published. What it made is removed.
func (e *Engine) Cancel(ctx context.Context, id rotation.ID, actor string) (rotation.Rotation, error) {
	return again(func() (rotation.Rotation, error) { return e.cancel(ctx, id, actor) })
}

func (e *Engine) cancel(ctx context.Context, id rotation.ID, actor string) (rotation.Rotation, error) {
	w, err := e.open(ctx, id.AppID, id.Kind)
	if err != nil {
		return rotation.Rotation{}, err
	}
	r := w.InFlight
	if r == nil || r.ID != id {
		ended, err := e.Rotation(ctx, id)
		if err != nil || ended.State == rotation.Cancelled {
			return ended, err
		}
		return ended, fmt.Errorf("%w: rotation %q is %s; only one that is not published can be cancelled", ErrRefused, id, ended.State)
	}
	if err := w.guard(ctx); err != nil {
		return *r, err
	}
	if err := r.Become(rotation.Cancelled); err != nil {
		return *r, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	r.Reason, r.EndedAt, r.AttemptOpen = "cancelled by "+actor, w.Now(), false
	r.Revision++
	w.state().InFlight = 0
	w.state().RetryAt = r.EndedAt.Add(w.waits().RetryFailed)
	b := w.batch().rotation(*r).logged(w.asked("cancelled", r.Reason, actor))
	w.InFlight = nil
	if err := w.save(ctx, b); err != nil {
		return *r, err
	}
	return *r, w.wake(ctx)
}

// Adopt takes a foreign credential over: it becomes ours to retire, and the
// current one if there is none. Targets may hold it, so nothing is retired until
// they confirm a credential of ours.
func (e *Engine) Adopt(ctx context.Context, appID string, kind rotation.Kind, keyID, actor string) error {
	_, err := again(func() (struct{}, error) { return struct{}{}, e.adopt(ctx, appID, kind, keyID, actor) })
	return err
}

func (e *Engine) adopt(ctx context.Context, appID string, kind rotation.Kind, keyID, actor string) error {
	w, err := e.open(ctx, appID, kind)
	if err != nil {
		return err
	}
	if w.state().ByKeyID(keyID) != nil {
		return nil
	}
	app, err := w.readFor(ctx, keyID)
	if err != nil {
		return err
	}
	if err := w.guard(ctx); err != nil {
		return err
	}
	if left := w.leftBehind(app); len(left) > 0 {
		if err := w.recollect(ctx, left); err != nil {
			return err
		}
	}
	state, found := w.state(), find(app, keyID)
	if state.ByKeyID(keyID) != nil {
		return w.wake(ctx)
	}
	state.Ledger = append(slices.Clone(state.Ledger), rotation.Entry{
		KeyID: keyID, Marker: found.DisplayName, Start: found.Start, End: found.End, At: w.Now(),
	})
	if state.Current == "" {
		state.Current = keyID
	}
	b := w.batch().logged(w.asked("adopted", fmt.Sprintf("key id %s was handed over to rekey", keyID), actor))
	for _, h := range w.Holdings {
		h.Unknown = true
		h.Delivery++
		b.holding(h)
	}
	if err := w.save(ctx, b); err != nil {
		return err
	}
	return w.wake(ctx)
}

// readFor reads the application of the credential that is to be adopted.
func (w *work) readFor(ctx context.Context, keyID string) (DirectoryApplication, error) {
	call, cancel := w.bounded(ctx)
	defer cancel()
	app, err := w.Directory.Application(call, w.App.AppID, w.Kind)
	if err == nil && !has(app, keyID) {
		err = &Invalid{[]rotation.Problem{{Field: "keyId", Detail: fmt.Sprintf(
			"application %q has no %s with key id %q; GET the application to see its credentials", w.App.AppID, w.Kind, keyID)}}}
	}
	return app, err
}

// find returns a credential that the application has.
func find(app DirectoryApplication, keyID string) DirectoryCredential {
	return app.Credentials[slices.IndexFunc(app.Credentials, func(c DirectoryCredential) bool { return c.KeyID == keyID })]
}
