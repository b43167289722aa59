package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// NearExpiryOutcome says in words what a near-expiry event led to.
type NearExpiryOutcome string

// The outcomes.
const (
	NearExpiryUnknown  NearExpiryOutcome = "dropped, the application is not managed"
	NearExpiryOld      NearExpiryOutcome = "dropped, not the current credential"
	NearExpiryNotNow   NearExpiryOutcome = "dropped, rotation is not enabled or is paused"
	NearExpiryWaits    NearExpiryOutcome = "nothing is due yet"
	NearExpiryChecks   NearExpiryOutcome = "what is due is looked at"
	NearExpiryRotation NearExpiryOutcome = "a rotation was asked for"
)

// NearExpiry is told that the credential of one rotation nears its end where a
// target keeps it. Whether that starts a rotation or a look at what is due is
// the policy's choice; an event about an older credential changes nothing.
func (e *Engine) NearExpiry(ctx context.Context, id rotation.ID) (NearExpiryOutcome, error) {
	l, err := e.load(ctx, id.AppID, id.Kind)
	if errors.Is(err, ErrUnknownApplication) {
		return NearExpiryUnknown, nil
	}
	if err != nil {
		return "", err
	}
	if l.Head.Kind(id.Kind).CurrentGeneration() != id.Generation {
		return NearExpiryOld, nil
	}
	if l.App.Policy(id.Kind).NearExpiryRotates() {
		return e.askNearExpiry(ctx, id)
	}
	if rotation.Next(l.Snapshot).Do != rotation.Request {
		return NearExpiryWaits, nil // whatever else there is to do has its wake-up
	}
	advance := rotation.Advance{AppID: id.AppID, Kind: id.Kind}
	return NearExpiryChecks, e.sendAdvance(ctx, advance, zero)
}

func (e *Engine) askNearExpiry(ctx context.Context, id rotation.ID) (NearExpiryOutcome, error) {
	_, err := e.Ask(ctx, Ask{
		AppID: id.AppID, Kind: id.Kind, Source: rotation.ByNearExpiry, Actor: "Key Vault",
		// The same event, delivered again after the rotation, finds this one.
		IdempotencyKey: fmt.Sprintf("near expiry of %s", id),
	})
	if errors.Is(err, ErrRefused) {
		return NearExpiryNotNow, nil
	}
	return NearExpiryRotation, err
}
