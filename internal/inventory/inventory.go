package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Inventory reads and refreshes the rows. All fields are set by whoever makes it.
type Inventory struct {
	Store     engine.Store
	Directory Directory
	Known     Known
	Now       func() time.Time
	Log       *slog.Logger
}

// Known is what rekey itself knows of an application.
type Known interface {
	// Ours says whether the application is managed, and which of these credentials
	// this installation made.
	Ours(ctx context.Context, appID string, credentials []engine.DirectoryCredential) (managed bool, keyIDs []string, err error)
}

// ErrUnknown says that the inventory has no such application.
var ErrUnknown = errors.New("the inventory has no such application")

// atOnce is how many rows are read side by side: enough that a page does not wait
// for one answer after the other.
const atOnce = 8

// Application returns one application by its client id.
func (i *Inventory) Application(ctx context.Context, appID string) (Application, error) {
	row, err := i.Store.Get(ctx, idKey(appID))
	if errors.Is(err, engine.ErrNoRow) {
		return Application{}, fmt.Errorf("application %q: %w", appID, ErrUnknown)
	}
	if err != nil {
		return Application{}, err
	}
	objectID, _ := row.Properties["objectId"].(string)
	found, err := i.load(ctx, []string{objectID})
	if err != nil {
		return Application{}, err
	}
	app, ok := found[objectID]
	if !ok || app.AppID != appID {
		return Application{}, fmt.Errorf("application %q: %w", appID, ErrUnknown)
	}
	return i.known(ctx, app)
}

// load reads applications by their object ids. Those that are not there are left out.
func (i *Inventory) load(ctx context.Context, objectIDs []string) (map[string]Application, error) {
	found := map[string]Application{}
	var mu sync.Mutex
	err := side(ctx, objectIDs, func(ctx context.Context, id string) error {
		row, err := i.Store.Get(ctx, appKey(id))
		if errors.Is(err, engine.ErrNoRow) {
			return nil
		}
		if err != nil {
			return err
		}
		app, err := decode(row)
		mu.Lock()
		defer mu.Unlock()
		found[id] = app
		return err
	})
	return found, err
}

// side does something for each, several of them side by side.
func side[T any](ctx context.Context, all []T, do func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, one := range all {
		group.Go(func() error { return do(ctx, one) })
	}
	return group.Wait()
}

// known adds what rekey knows of an application.
func (i *Inventory) known(ctx context.Context, app Application) (Application, error) {
	credentials := make([]engine.DirectoryCredential, len(app.Credentials))
	for n, c := range app.Credentials {
		credentials[n] = engine.DirectoryCredential{KeyID: c.KeyID, DisplayName: c.Name}
	}
	managed, ours, err := i.Known.Ours(ctx, app.AppID, credentials)
	if err != nil {
		return app, err
	}
	app.Managed = managed
	for n, c := range app.Credentials {
		app.Credentials[n].Ours = slices.Contains(ours, c.KeyID)
	}
	return app, nil
}

// sorted puts credentials in the order of their ends.
func sorted(all []Credential) []Credential {
	slices.SortFunc(all, func(a, b Credential) int {
		return cmp.Or(a.End.Compare(b.End), cmp.Compare(a.KeyID, b.KeyID))
	})
	return all
}

// of keeps the credentials of a kind; no kind is all of them.
func of(kind rotation.Kind, all []Credential) []Credential {
	if kind == "" {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(c Credential) bool { return c.Kind != kind })
}
