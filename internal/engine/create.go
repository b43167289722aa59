package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// create makes the next attempt: what exists is read, and the intent is
// journalled under the lease.
func (w *work) create(ctx context.Context) (time.Time, error) {
	app, err := w.beforeCreate(ctx)
	if err != nil {
		return w.setback(ctx, "create", err)
	}
	w.resolve(app)
	if left := w.leftBehind(app); len(left) > 0 {
		return zero, w.recollect(ctx, left)
	}
	entry, err := w.journalAttempt(ctx, app)
	if err != nil {
		return zero, err
	}
	if w.Kind == rotation.Certificate {
		return w.makeCertificate(ctx)
	}
	return w.makeSecret(ctx, app, entry)
}

// makeSecret adds a password, whose value Graph tells once, and stages it at once.
func (w *work) makeSecret(ctx context.Context, app DirectoryApplication, entry rotation.Entry) (time.Time, error) {
	end := w.policy().EndOf(w.Now())
	call, cancel := w.underLease(ctx, w.Head.Lease)
	password, err := w.Directory.AddPassword(call, app.ObjectID, entry.Marker, end)
	cancel()
	if w.wrote(err) != nil {
		return w.attemptFailed(ctx, entry, err)
	}
	made := rotation.Credential{
		Rotation: w.InFlight.ID, Attempt: entry.Attempt, KeyID: password.KeyID,
		Start: password.Start, End: password.End, Value: password.Value,
	}
	return w.stage(ctx, entry.Staged, made)
}

// beforeCreate checks that a new credential could be kept, and reads which exist.
func (w *work) beforeCreate(ctx context.Context) (DirectoryApplication, error) {
	call, cancel := w.bounded(ctx)
	defer cancel()
	if stage, ok := w.Stage.(WritableStage); ok {
		if err := stage.Writable(call, w.Kind); err != nil {
			return DirectoryApplication{}, unkept(err)
		}
	}
	return w.Directory.Application(call, w.App.AppID, w.Kind)
}

// journalAttempt writes down what is about to be made, and takes the lease.
func (w *work) journalAttempt(ctx context.Context, app DirectoryApplication) (rotation.Entry, error) {
	r, state := w.InFlight, w.state()
	r.Attempt++
	r.AttemptOpen, r.AttemptAt, r.GoneSince = true, w.Now(), zero
	entry := rotation.Entry{
		Generation: r.ID.Generation, Attempt: r.Attempt, At: r.AttemptAt,
		Marker: rotation.Marker(w.Installation, r.ID.Generation, r.Attempt),
		Staged: stagedName(r.ID, r.Attempt),
	}
	if w.Kind == rotation.Certificate {
		entry.Chosen = newKeyID()
	}
	entry.Before = marked(app, entry.Marker)
	state.Ledger = append(slices.Clone(state.Ledger), entry)
	w.Head.Lease = w.lease(w.holder)
	return entry, w.saveRotation(ctx, "attempt", fmt.Sprintf("attempt %d to make a new credential", r.Attempt))
}

// stagedName is a staged copy's name in the staging vault.
func stagedName(id rotation.ID, attempt int) string {
	return fmt.Sprintf("%s%d-%d", stagedPrefix(id.AppID, id.Kind), id.Generation, attempt)
}

// marked returns the credentials that carry a marker already, before the attempt
// that is to use it: only a lost installation's can.
func marked(app DirectoryApplication, marker string) (ids []string) {
	for _, p := range app.Credentials {
		if p.DisplayName == marker {
			ids = append(ids, p.KeyID)
		}
	}
	return ids
}

// stage keeps the new credential. If that fails, the password is known and
// cannot be used: its entry says so, and the next attempt begins.
func (w *work) stage(ctx context.Context, name string, made rotation.Credential) (time.Time, error) {
	call, cancel := w.underLease(ctx, w.Head.Lease)
	err := w.Stage.Put(call, name, made)
	cancel()
	if err != nil {
		entry := w.state().Attempt(made.Rotation.Generation, made.Attempt)
		entry.KeyID, entry.Start, entry.End, entry.Before = made.KeyID, made.Start, made.End, nil
		w.InFlight.AttemptOpen = false
		return w.setback(ctx, "stage", unkept(err))
	}
	return zero, w.adopt(ctx, made, "created in Entra ID and staged")
}

// unkept says that the staging vault did not take a credential. That it is not
// found says nothing about the application.
func unkept(err error) error {
	err = fmt.Errorf("the staging vault cannot keep the new credential: %w", err)
	if rotation.ClassOf(err) == rotation.NotFound {
		return &rotation.Fault{Class: rotation.Transient, Err: err}
	}
	return err
}

// adopt goes on with the credential that an attempt made.
func (w *work) adopt(ctx context.Context, made rotation.Credential, how string) error {
	w.made = &made
	entry := w.state().Attempt(made.Rotation.Generation, made.Attempt)
	entry.KeyID, entry.Start, entry.End, entry.Before = made.KeyID, made.Start, made.End, nil
	r := w.InFlight
	if err := r.Become(rotation.Staged); err != nil {
		return err
	}
	r.StagedAt, r.KeyID = w.Now(), made.KeyID
	r.AttemptOpen, r.Idle, r.NotBefore = false, 0, zero
	w.Head.Lease = rotation.Lease{}
	return w.saveRotation(ctx, "staged", how+", key id "+made.KeyID)
}

// attemptFailed records that Graph did not answer with a password. A refusal
// made none; anything else may still have made one, and Recover finds out.
func (w *work) attemptFailed(ctx context.Context, entry rotation.Entry, err error) (time.Time, error) {
	if rotation.HadNoEffect(err) {
		w.state().Drop(func(e rotation.Entry) bool {
			return e.Generation == entry.Generation && e.Attempt == entry.Attempt
		})
		w.InFlight.Attempt--
		w.InFlight.AttemptOpen = false
	}
	return w.setback(ctx, "create", err)
}

// recover finds out what an attempt without an answer did. A staged copy settles
// it. Without one the answer may still take effect for a while; after that the
// attempt is given up, and its entry stays to be looked for.
func (w *work) recover(ctx context.Context) (time.Time, error) {
	if w.Kind == rotation.Certificate {
		return w.makeCertificate(ctx)
	}
	r := w.InFlight
	entry := w.state().Attempt(r.ID.Generation, r.Attempt)
	if entry == nil {
		return zero, fmt.Errorf("rotation %q: the ledger has no attempt %d", r.ID, r.Attempt)
	}
	call, cancel := w.bounded(ctx)
	made, err := w.Stage.Get(call, w.Kind, entry.Staged)
	cancel()
	switch {
	case err == nil:
		return zero, w.adopt(ctx, made, "found staged after an interruption")
	case rotation.ClassOf(err) != rotation.NotFound:
		return w.setback(ctx, "recover", err)
	}
	if settled := r.AttemptAt.Add(w.waits().LostAnswer); w.Snapshot.Now.Before(settled) {
		return settled, nil
	}
	return zero, w.abandon(ctx, "it has no known outcome")
}

// abandon gives an attempt up that is not staged. Its entry stays, to be looked for.
func (w *work) abandon(ctx context.Context, why string) error {
	r := w.InFlight
	r.AttemptOpen, r.NotBefore = false, zero
	w.Head.Lease = rotation.Lease{}
	return w.saveRotation(ctx, "unanswered", fmt.Sprintf("attempt %d is given up: %s; a new one begins", r.Attempt, why))
}

// resolve finds the credentials that attempts of unknown outcome made: a
// certificate has the key id that was chosen for it, a password carries the
// attempt's marker and was not there before it.
func (w *work) resolve(app DirectoryApplication) {
	state := w.state()
	for i := range state.Ledger {
		e := &state.Ledger[i]
		if e.Resolved() {
			continue
		}
		for _, p := range app.Credentials {
			if made(*e, p) && state.ByKeyID(p.KeyID) == nil {
				e.KeyID, e.Start, e.End, e.Before = p.KeyID, p.Start, p.End, nil
				break
			}
		}
	}
}

// made reports whether a credential is what the attempt was to make.
func made(e rotation.Entry, c DirectoryCredential) bool {
	if e.Chosen != "" {
		return c.KeyID == e.Chosen
	}
	return c.DisplayName == e.Marker && !slices.Contains(e.Before, c.KeyID)
}
