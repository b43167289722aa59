package engine

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// A certificate is made by us under a key id of our choice, so an attempt that
// was interrupted is not given up as a password's is: whoever comes next goes on
// with it. It is staged before Entra hears of it.

// makeCertificate goes on with the attempt at hand, wherever it was left.
func (w *work) makeCertificate(ctx context.Context) (time.Time, error) {
	entry := w.state().Attempt(w.InFlight.ID.Generation, w.InFlight.Attempt)
	if entry == nil {
		return zero, fmt.Errorf("rotation %q: the ledger has no attempt %d", w.InFlight.ID, w.InFlight.Attempt)
	}
	made, err := w.stagedCertificate(ctx, *entry)
	if err != nil {
		return w.setback(ctx, "stage", unkept(err))
	}
	w.Head.Lease = w.lease(w.holder)
	if err := w.saveRotation(ctx, "", ""); err != nil {
		return zero, err
	}
	app, err := w.readUnderLease(ctx)
	if err != nil {
		return w.setback(ctx, "create", err)
	}
	if has(app, made.KeyID) {
		return zero, w.added(ctx, made, app, app)
	}
	return w.addKey(ctx, made, app)
}

// stagedCertificate returns the attempt's certificate from the stage. Only where
// there is none, a new one is made: Entra has not heard of it then.
func (w *work) stagedCertificate(ctx context.Context, entry rotation.Entry) (rotation.Credential, error) {
	call, cancel := w.bounded(ctx)
	made, err := w.Stage.Get(call, w.Kind, entry.Staged)
	cancel()
	if err == nil || rotation.ClassOf(err) != rotation.NotFound {
		return made, err
	}
	if made, err = w.newCertificate(entry); err != nil {
		return made, err
	}
	call, cancel = w.bounded(ctx)
	defer cancel()
	return made, w.Stage.Put(call, entry.Staged, made)
}

// newCertificate makes a key pair and its certificate, which begins a little
// earlier, for clocks that differ.
func (w *work) newCertificate(entry rotation.Entry) (rotation.Credential, error) {
	now, p := w.Now().UTC().Truncate(time.Second), w.policy()
	made := rotation.Credential{
		Rotation: w.InFlight.ID, Attempt: entry.Attempt, KeyID: entry.Chosen,
		Start: now, End: p.EndOf(now).Truncate(time.Second),
	}
	pair, err := w.NewCertificate(certificate.Request{
		Name: w.App.Name, Bits: p.KeyBits, Start: now.Add(-rotation.ClockMargin), End: made.End,
	})
	if err != nil {
		return made, err
	}
	made.Value, err = pair.PEM()
	return made, err
}

// addKey sends the list that Graph has, with ours added. What the list will be
// is journalled first, so that whoever comes after a crash can tell what is lost.
func (w *work) addKey(ctx context.Context, made rotation.Credential, app DirectoryApplication) (time.Time, error) {
	pair, err := certificate.Parse(made.Value)
	if err != nil {
		return zero, w.abandon(ctx, "its staged copy cannot be read: "+err.Error())
	}
	key := DirectoryCredential{
		KeyID: made.KeyID, DisplayName: rotation.Marker(w.Installation, made.Rotation.Generation, made.Attempt),
		Start: made.Start, End: made.End, Certificate: pair.Certificate.Raw, Usage: keyUsage,
	}
	after, again, err := w.replaceKeys(ctx, app, append(slices.Clone(app.Credentials), key))
	switch {
	case err != nil:
		return w.setback(ctx, "create", err)
	case !again.IsZero() || !has(after, made.KeyID):
		return w.comeBack(ctx, again)
	}
	return zero, w.added(ctx, made, app, after)
}

// keyUsage is that of certificates that sign client assertions.
// https://learn.microsoft.com/graph/api/resources/keycredential
const keyUsage = "Verify"

// replaceKeys sends a list of certificates and reads it back. A pre-read that may
// be a slow replica's changes nothing: again says when to read once more.
func (w *work) replaceKeys(ctx context.Context, app DirectoryApplication, keys []DirectoryCredential) (after DirectoryApplication, again time.Time, err error) {
	now := w.Now()
	if !w.state().Trust(keyIDs(app.Credentials), now, w.waits().VerifyEvery) {
		return after, now.Add(w.waits().VerifyEvery), w.save(ctx, w.batch())
	}
	keys = slices.DeleteFunc(keys, func(c DirectoryCredential) bool { return slices.Contains(w.state().Removed, c.KeyID) })
	w.state().Seen = keyIDs(keys)
	if err := w.save(ctx, w.batch()); err != nil {
		return after, zero, err
	}
	call, cancel := w.underLease(ctx, w.Head.Lease)
	err = w.Keys.ReplaceKeys(call, app.ObjectID, keys)
	cancel()
	if w.wrote(err) != nil {
		return after, zero, err
	}
	after, err = w.readUnderLease(ctx)
	return after, zero, err
}

func keyIDs(credentials []DirectoryCredential) (ids []string) {
	for _, c := range credentials {
		ids = append(ids, c.KeyID)
	}
	return ids
}

// comeBack releases the lease until Graph can be read again.
func (w *work) comeBack(ctx context.Context, at time.Time) (time.Time, error) {
	if at.IsZero() {
		at = w.Now().Add(w.waits().VerifyEvery)
	}
	w.releaseLease()
	return at, w.save(ctx, w.batch())
}

// added goes on with a certificate that Graph shows, and tells of those that it
// no longer shows.
func (w *work) added(ctx context.Context, made rotation.Credential, before, after DirectoryApplication) error {
	if err := w.reportLost(ctx, before, after); err != nil {
		return err
	}
	return w.adopt(ctx, made, "staged and added in Entra ID")
}

// reportLost raises an alarm for certificates that are gone although they were
// sent. Graph has no If-Match: somebody who writes at the same moment can undo our
// write, and we theirs. Nothing is put back by itself, but the public part is told.
func (w *work) reportLost(ctx context.Context, before, after DirectoryApplication) error {
	state, b := w.state(), w.batch()
	for _, id := range state.Seen {
		if has(after, id) || state.ByKeyID(id) != nil {
			continue
		}
		reason := fmt.Sprintf("the certificate with key id %s was lost when the application's certificates were replaced", id)
		line := w.line("lost", reason+"; add it again if it is still needed"+publicPart(before, id))
		line.Failure = true
		b.logged(line)
		w.tell(rotation.Event{ID: w.App.AppID + "." + id + ".lost", Type: rotation.EventFailed, KeyID: id, Reason: reason})
	}
	state.Seen = keyIDs(after.Credentials)
	if len(b.log) == 0 {
		return nil
	}
	return w.save(ctx, b)
}

// publicPart is what somebody needs to add a lost certificate again.
func publicPart(before DirectoryApplication, id string) string {
	i := slices.IndexFunc(before.Credentials, func(c DirectoryCredential) bool { return c.KeyID == id })
	if i < 0 || len(before.Credentials[i].Certificate) == 0 {
		return ""
	}
	lost := before.Credentials[i]
	return fmt.Sprintf("; its name is %q and its public part %s", lost.DisplayName, base64.StdEncoding.EncodeToString(lost.Certificate))
}
