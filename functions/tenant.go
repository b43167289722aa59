package functions

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/rekey-dev/rekey/functions/duesoon"
	"github.com/rekey-dev/rekey/functions/notify"
	registrations "github.com/rekey-dev/rekey/internal/inventory"
)

var (
	_ duesoon.Inventory = tenant{}
	_ notify.Owners     = tenant{}
)

// tenant is the inventory as the functions "duesoon" and "notify" ask it.
type tenant struct{ *registrations.Inventory }

// Ending implements duesoon.Inventory.
func (t tenant) Ending(ctx context.Context, from, to time.Time) iter.Seq2[duesoon.Credential, error] {
	return func(yield func(duesoon.Credential, error) bool) {
		for found, err := range t.Inventory.Ending(ctx, registrations.Window{From: from, To: to}) {
			if !yield(credentialOf(found), err) {
				return
			}
		}
	}
}

func credentialOf(found registrations.Ending) duesoon.Credential {
	c := duesoon.Credential{
		AppID: found.Application.AppID, Name: found.Application.Name,
		Kind: found.Credential.Kind, KeyID: found.Credential.KeyID, End: found.Credential.End,
	}
	c.Owners = ownerIDs(found.Application)
	return c
}

// Owners implements notify.Owners. What the inventory does not know has none.
func (t tenant) Owners(ctx context.Context, appID string) ([]string, error) {
	app, err := t.Inventory.Application(ctx, appID)
	if errors.Is(err, registrations.ErrUnknown) {
		return nil, nil
	}
	return ownerIDs(app), err
}

func ownerIDs(app registrations.Application) (ids []string) {
	for _, owner := range app.Owners {
		ids = append(ids, owner.ID)
	}
	return ids
}
