package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Ours says whether an application is managed, and which of its credentials are this
// installation's: those that carry its marker, and those in its ledgers, where it made
// or adopted them. The ledgers of one that is not managed, and has nothing that
// carries the marker, are not looked for: nearly all of a tenant's are such.
func (e *Engine) Ours(ctx context.Context, appID string, credentials []DirectoryCredential) (managed bool, keyIDs []string, err error) {
	_, _, err = e.Application(ctx, appID)
	managed = err == nil
	if err != nil && !errors.Is(err, ErrUnknownApplication) {
		return false, nil, err
	}
	for _, c := range credentials {
		if _, _, ours := rotation.ParseMarker(e.Installation, c.DisplayName); ours {
			keyIDs = append(keyIDs, c.KeyID)
		}
	}
	if !managed && len(keyIDs) == 0 {
		return false, nil, nil
	}
	ledger, err := e.ledger(ctx, appID)
	return managed, slices.Concat(keyIDs, ledger), err
}

// ledger returns the key ids of what the application's head knows.
func (e *Engine) ledger(ctx context.Context, appID string) (keyIDs []string, err error) {
	row, err := e.Store.Get(ctx, partitionKey(appID, rowHead))
	if errors.Is(err, ErrNoRow) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	head, err := decodeAs[rotation.Head](row)
	for _, kind := range rotation.Kinds() {
		for _, entry := range head.Kind(kind).Ledger {
			keyIDs = append(keyIDs, entry.KeyID)
		}
	}
	return keyIDs, err
}
