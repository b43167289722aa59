package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Tables can be lost, or come back from a backup that is older than what is in
// Entra. The credentials are still there and carry this installation's marker: so
// whenever Graph is read for a new one, what carries it and is not in the ledger
// is taken into it. From then on it is retired by the rule, as everything is.

// fullLedger is how many entries end the taking in: the head is one row, and Graph
// can show hundreds. The rotations to come find the rest.
const fullLedger = 40

// skipped is how far the generations go on above the highest that a marker shows.
// Some left none behind (a rollback, what failed or was removed since), but names at
// targets, of jobs for example, that must not come twice.
const skipped = 100

// leftBehind returns entries for the credentials that carry our marker and that
// the ledger does not know, the newest first.
func (w *work) leftBehind(app DirectoryApplication) (left []rotation.Entry) {
	state := w.state()
	for _, c := range app.Credentials {
		generation, attempt, ours := rotation.ParseMarker(w.Installation, c.DisplayName)
		if !ours || state.ByKeyID(c.KeyID) != nil || slices.Contains(state.Removed, c.KeyID) {
			continue // or it was removed, and a slow replica still shows it
		}
		id := rotation.ID{AppID: w.App.AppID, Kind: w.Kind, Generation: generation}
		left = append(left, rotation.Entry{
			Generation: generation, Attempt: attempt, Marker: c.DisplayName, KeyID: c.KeyID,
			Start: c.Start, End: c.End, At: w.Now(), Staged: stagedName(id, attempt),
			// Any target may hold it, unless it was made for the rotation in flight.
			Published: !w.isAttempt(generation),
		})
	}
	slices.SortFunc(left, func(a, b rotation.Entry) int { return b.Generation - a.Generation })
	return left[:min(len(left), max(0, fullLedger-len(state.Ledger)))]
}

// isAttempt reports whether the rotation in flight has made attempts under this number.
func (w *work) isAttempt(generation int) bool {
	return w.InFlight != nil && w.InFlight.ID.Generation == generation && w.InFlight.Attempt > 0
}

// recollect takes what was left behind into the ledger and says so in the log. A
// rotation in flight whose number was used before gives way to one with a new number.
func (w *work) recollect(ctx context.Context, left []rotation.Entry) error {
	state, b := w.state(), w.batch()
	state.Ledger = append(slices.Clone(state.Ledger), left...)
	var keyIDs []string
	for _, e := range left {
		keyIDs = append(keyIDs, e.KeyID)
	}
	detail := fmt.Sprintf("%d credentials of earlier rotations were found in Entra ID that the tables did not know; they are removed "+
		"once every target has confirmed a newer one: key ids %s", len(left), strings.Join(keyIDs, ", "))
	b.logged(w.line("recollected", detail))
	for i := range w.Holdings {
		w.Holdings[i].Unknown = true
		b.holding(w.Holdings[i])
	}
	if highest := left[0].Generation; highest >= state.Generation && !w.isAttempt(highest) {
		state.Generation = highest + skipped
		if err := w.renumber(b); err != nil {
			return err
		}
	}
	return w.save(ctx, b)
}

// renumber puts a new rotation in the place of the one in flight, if there is one.
func (w *work) renumber(b *batch) error {
	old := w.InFlight
	if old == nil {
		return nil
	}
	if err := old.Become(rotation.Superseded); err != nil {
		return err
	}
	old.EndedAt, old.AttemptOpen = w.Now(), false
	old.Revision++
	next := w.begin(rotation.Rotation{Source: old.Source, Actor: old.Actor, Emergency: old.Emergency, RevokeNow: old.RevokeNow, Correlation: old.Correlation})
	old.Reason = fmt.Sprintf("its number was used before the tables were lost; %s goes on in its place", next.ID)
	b.rotation(*old).rotation(next).logged(w.line("requested", "in place of "+old.ID.String()))
	return nil
}
