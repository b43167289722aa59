package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// retire removes one old credential: marked first, under the lease, then judged
// again on what targets hold by now, and only if Graph shows the current one.
func (w *work) retire(ctx context.Context, entry rotation.Entry) (time.Time, error) {
	if err := w.mark(ctx, entry.KeyID, true); err != nil {
		return zero, err
	}
	if w.Head.Lease.Holder != w.holder {
		return zero, fmt.Errorf("application %q: %w", w.App.AppID, ErrConflict)
	}
	if _, objects := rotation.Objects(w.Snapshot, *w.state().ByKeyID(entry.KeyID)); objects {
		return zero, w.mark(ctx, entry.KeyID, false)
	}
	app, err := w.readUnderLease(ctx)
	if err != nil {
		return w.retireLater(ctx, entry, err)
	}
	w.state().Gone = rotation.Absence{}
	if current := w.state().Current; current != "" && !has(app, current) && (entry.Published || entry.Adopted()) {
		w.state().MissingSince = w.Now()
		return zero, w.mark(ctx, entry.KeyID, false)
	}
	again, err := w.remove(ctx, app, entry)
	if err != nil {
		return w.retireLater(ctx, entry, err)
	}
	if !again.IsZero() {
		return w.comeBack(ctx, again)
	}
	return zero, w.retired(ctx, entry)
}

// mark says in the ledger that a removal has begun, or that it was called off,
// takes or releases the lease, and reads what targets hold by then.
func (w *work) mark(ctx context.Context, keyID string, retiring bool) error {
	state := w.state()
	state.Ledger = slices.Clone(state.Ledger)
	state.ByKeyID(keyID).Retiring = retiring
	w.Head.Lease = rotation.Lease{}
	if retiring {
		w.Head.Lease = w.lease(w.holder)
	}
	if err := w.save(ctx, w.batch()); err != nil {
		return err
	}
	return w.reload(ctx)
}

// reload reads what targets hold by now. Where somebody else has changed the head as
// well, the rotations that were loaded with the old one are read again too.
func (w *work) reload(ctx context.Context) error {
	revision := w.Head.Revision
	w.sent = 0
	if err := w.loadLive(ctx, w.loaded); err != nil || w.Head.Revision == revision {
		return err
	}
	return w.loadAll(ctx, w.loaded)
}

func (w *work) readUnderLease(ctx context.Context) (DirectoryApplication, error) {
	call, cancel := w.underLease(ctx, w.Head.Lease)
	defer cancel()
	return w.Directory.Application(call, w.App.AppID, w.Kind)
}

func has(app DirectoryApplication, keyID string) bool {
	return slices.ContainsFunc(app.Credentials, func(c DirectoryCredential) bool { return c.KeyID == keyID })
}

// remove takes the credential out of Entra and then deletes its staged copy. That
// it is gone, only a read can say: Graph answers the removal of a password that
// has not reached every replica as if there were none. And where it is new, not
// even a read can: a slow replica does not show it yet.
func (w *work) remove(ctx context.Context, app DirectoryApplication, entry rotation.Entry) (again time.Time, err error) {
	if has(app, entry.KeyID) {
		if again, err = w.removeCredential(ctx, app, entry.KeyID); err != nil || !again.IsZero() {
			return again, err
		}
	} else if known := entry.At.Add(w.waits().LostAnswer); w.Now().Before(known) {
		return known, nil
	}
	if entry.Staged == "" {
		return zero, nil
	}
	call, cancel := w.underLease(ctx, w.Head.Lease)
	defer cancel()
	return zero, w.Stage.Delete(call, w.Kind, entry.Staged)
}

func (w *work) removeCredential(ctx context.Context, app DirectoryApplication, keyID string) (again time.Time, err error) {
	if w.Kind == rotation.Certificate {
		return w.removeKey(ctx, app, keyID)
	}
	call, cancel := w.underLease(ctx, w.Head.Lease)
	defer cancel()
	err = w.wrote(w.Directory.RemovePassword(call, app.ObjectID, keyID))
	if err != nil && rotation.ClassOf(err) == rotation.NotFound {
		// The password was not found, and the application was: there is no absence.
		return zero, &rotation.Fault{Class: rotation.Conflict, Err: err}
	}
	return zero, err
}

// removeKey sends the list that Graph has, without one certificate.
func (w *work) removeKey(ctx context.Context, app DirectoryApplication, keyID string) (again time.Time, err error) {
	rest := slices.DeleteFunc(slices.Clone(app.Credentials), func(c DirectoryCredential) bool { return c.KeyID == keyID })
	after, again, err := w.replaceKeys(ctx, app, rest)
	if err != nil || !again.IsZero() {
		return again, err
	}
	if has(after, keyID) { // a slow replica answered, or somebody put it back
		return w.Now().Add(w.waits().VerifyEvery), nil
	}
	return zero, w.reportLost(ctx, app, after)
}

func (w *work) retired(ctx context.Context, entry rotation.Entry) error {
	w.state().Forget(entry.KeyID)
	w.Head.Lease = rotation.Lease{}
	w.tell(rotation.Event{
		ID: w.App.AppID + "." + entry.KeyID + ".retired", Type: rotation.EventRetired, KeyID: entry.KeyID,
	})
	line := w.line("retired", fmt.Sprintf("key id %s was removed from Entra ID", entry.KeyID))
	if !entry.Adopted() {
		line.Rotation = rotation.ID{AppID: w.App.AppID, Kind: w.Kind, Generation: entry.Generation}.String()
	}
	b := w.batch().logged(line)
	if w.Current != nil {
		w.Current.Retired = append(slices.Clone(w.Current.Retired), rotation.Retired{
			KeyID: entry.KeyID, Generation: entry.Generation, At: line.At,
		})
		b.rotation(*w.Current)
	}
	return w.save(ctx, b)
}

// retireLater leaves the mark, says why, and comes back: removing an old
// credential is never given up, only put off.
func (w *work) retireLater(ctx context.Context, entry rotation.Entry, err error) (time.Time, error) {
	w.releaseLease()
	again := w.Now().Add(min(w.waits().Resend, w.backoff(w.waits().RetryAfter, 1)))
	switch rotation.ClassOf(err) {
	case rotation.Throttled:
		again = w.Now().Add(max(rotation.AfterOf(err), time.Second))
	case rotation.Permanent, rotation.Denied:
		again = w.Now().Add(w.waits().RetryFailed)
	case rotation.NotFound:
		again = w.absent()
	case rotation.Transient, rotation.Conflict:
	}
	line := w.line("retry", fmt.Sprintf("key id %s could not be removed yet: %v", entry.KeyID, err))
	line.Failure = true
	return again, w.save(ctx, w.batch().logged(line))
}

// look reads Graph for what is unknown: what attempts without an answer made,
// and whether a current credential that was not seen is really gone.
func (w *work) look(ctx context.Context) (time.Time, error) {
	call, cancel := w.bounded(ctx)
	app, err := w.Directory.Application(call, w.App.AppID, w.Kind)
	cancel()
	if err != nil {
		w.Log.WarnContext(ctx, "look again later", "app", w.App.AppID, "error", err)
		if rotation.ClassOf(err) == rotation.NotFound {
			return w.absent(), w.save(ctx, w.batch())
		}
		return w.Snapshot.Now.Add(max(rotation.AfterOf(err), w.waits().Resend)), nil
	}
	w.state().Gone = rotation.Absence{}
	w.state().Ledger = slices.Clone(w.state().Ledger)
	w.resolve(app)
	if err := w.countLooks(ctx); err != nil {
		w.Log.WarnContext(ctx, "look again later", "app", w.App.AppID, "error", err)
		return w.Snapshot.Now.Add(w.waits().Resend), nil
	}
	if state := w.state(); !state.MissingSince.IsZero() {
		return w.settleMissing(ctx, app)
	}
	return zero, w.save(ctx, w.batch())
}

// countLooks ends the search for an attempt after its last look found nothing. A
// certificate that Entra never heard of may be staged all the same.
func (w *work) countLooks(ctx context.Context) error {
	state, looks := w.state(), w.waits().LookAgain
	for i := range state.Ledger {
		e := &state.Ledger[i]
		if !e.Resolved() && e.Looks < len(looks) && !w.Snapshot.Now.Before(e.At.Add(looks.Look(e.Looks))) {
			e.Looks++
		}
	}
	ended := func(e rotation.Entry) bool { return !e.Resolved() && e.Looks >= len(looks) }
	for _, e := range state.Ledger {
		if ended(e) && e.Chosen != "" {
			call, cancel := w.bounded(ctx)
			err := w.Stage.Delete(call, w.Kind, e.Staged)
			cancel()
			if err != nil {
				return err
			}
		}
	}
	state.Drop(ended)
	return nil
}

// settleMissing believes the second of two reads, some time apart: a current
// credential that is gone is replaced, and nothing else is removed meanwhile.
func (w *work) settleMissing(ctx context.Context, app DirectoryApplication) (time.Time, error) {
	state := w.state()
	if err := w.askWhetherPaused(ctx); err != nil {
		return zero, err
	}
	present := has(app, state.Current)
	state.MissingSince = w.Now()
	if present {
		state.MissingSince = zero
	}
	if present || state.InFlight > 0 || !w.policy().Enabled || w.App.Paused || w.Paused {
		return zero, w.save(ctx, w.batch())
	}
	line := w.line("missing", fmt.Sprintf("the current credential, key id %s, is no longer in Entra ID; a new one is made", state.Current))
	line.Failure = true
	r := w.begin(rotation.Rotation{Source: rotation.ByMissing, Actor: "rekey"})
	return zero, w.save(ctx, w.batch().rotation(r).logged(line))
}
