package engine

import (
	"cmp"
	"context"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// request begins a rotation that rekey itself found necessary.
func (w *work) request(ctx context.Context, source rotation.Source) error {
	r := w.begin(rotation.Rotation{Source: source, Actor: "rekey", Correlation: correlationOf(ctx)})
	w.state().MissingSince = zero
	return w.save(ctx, w.batch().rotation(r).logged(w.line("requested", "asked for by "+string(source))))
}

// begin raises the generation and puts a new rotation in flight. Where no request is
// behind it, what follows from it gets an id of its own.
func (w *work) begin(r rotation.Rotation) rotation.Rotation {
	state := w.state()
	state.Generation++
	state.InFlight = state.Generation
	r.ID = rotation.ID{AppID: w.App.AppID, Kind: w.Kind, Generation: state.Generation}
	r.State, r.Revision, r.RequestedAt = rotation.Requested, 1, w.Now()
	r.Correlation = cmp.Or(r.Correlation, newID())
	w.InFlight = &r
	w.tell(rotation.Event{ID: eventID(r, "due"), Type: rotation.EventDue, Rotation: r.ID.String()})
	return r
}
