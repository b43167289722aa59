package simulation

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

type changingKey struct{}

// changing is the application that a call is to change, or nil.
func changing(ctx context.Context) *registration {
	app, _ := ctx.Value(changingKey{}).(*registration)
	return app
}

// watched is the real directory, of whose use the promises are told.
type watched struct {
	w *world
	engine.Directory
	engine.Keys
}

func (d watched) of(ctx context.Context, objectID string) context.Context {
	return context.WithValue(ctx, changingKey{}, d.w.directory.app(objectID))
}

// Application implements engine.Directory.
func (d watched) Application(ctx context.Context, appID string, kind rotation.Kind) (engine.DirectoryApplication, error) {
	found, err := d.Directory.Application(ctx, appID, kind)
	if inv := invocationOf(ctx); inv != nil && err == nil {
		inv.read.take(found)
	}
	return found, err
}

// AddPassword implements engine.Directory.
func (d watched) AddPassword(ctx context.Context, objectID, name string, end time.Time) (engine.DirectoryCredential, error) {
	made, err := d.Directory.AddPassword(d.of(ctx, objectID), objectID, name, end)
	if !made.Value.IsZero() {
		d.w.values = append(d.w.values, made.Value.Reveal())
	}
	return made, err
}

// RemovePassword implements engine.Directory.
func (d watched) RemovePassword(ctx context.Context, objectID, keyID string) error {
	return d.Directory.RemovePassword(d.of(ctx, objectID), objectID, keyID)
}

// ReplaceKeys implements engine.Keys.
func (d watched) ReplaceKeys(ctx context.Context, objectID string, keys []engine.DirectoryCredential) error {
	d.w.promises.replaced(invocationOf(ctx), keys)
	return d.Keys.ReplaceKeys(d.of(ctx, objectID), objectID, keys)
}

// verifying knows for which credential an invocation got its tokens.
type verifying struct {
	w *world
	engine.Verifier
}

// Verify implements engine.Verifier.
func (v verifying) Verify(ctx context.Context, appID string, made rotation.Credential) (rotation.Verdict, error) {
	verdict, err := v.Verifier.Verify(ctx, appID, made)
	inv, c := invocationOf(ctx), v.w.directory.app(appID).byKeyID(made.KeyID)
	if inv != nil && c != nil && inv.tokens >= enoughTokens {
		c.proven = true
	}
	return verdict, err
}

// witness is a real integration, of whose deliveries the promises are told.
type witness struct {
	w    *world
	word string
	rotation.Target
}

// witnessed puts a witness in front of an integration, that can do what it can.
func (w *world) witnessed(word string, target rotation.Target) rotation.Target {
	seen := witness{w, word, target}
	if preparer, ok := target.(rotation.Preparer); ok {
		return preparing{seen, preparer}
	}
	if stopper, ok := target.(rotation.Stopper); ok {
		return stopping{seen, stopper}
	}
	return seen
}

type preparing struct {
	witness
	rotation.Preparer
}

type stopping struct {
	witness
	rotation.Stopper
}

// Deploy implements rotation.Target.
func (i witness) Deploy(ctx context.Context, given rotation.Delivery) (rotation.Outcome, error) {
	d := delivering{i.w, i.word, i.w.place(placeOf(given.Target)), given}
	d.credential()
	if d.place.broken {
		return rotation.Outcome{}, rotation.Permanently("%s: the place is broken; repair it", i.word)
	}
	outcome, err := i.Target.Deploy(ctx, given)
	i.w.promises.silent("the handle of a delivery", outcome.Handle)
	i.w.promises.silent("the error of a delivery", err)
	return outcome, err
}
