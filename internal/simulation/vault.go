package simulation

import (
	"context"
	"fmt"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// vault is the staging vault.
type vault struct {
	w      *world
	copies map[copyName]rotation.Credential
}

type copyName struct {
	kind rotation.Kind
	name string
}

var (
	_ engine.Stage         = (*vault)(nil)
	_ engine.WritableStage = (*vault)(nil)
)

// Writable implements engine.WritableStage.
func (v *vault) Writable(ctx context.Context, _ rotation.Kind) error {
	_, err := effect(ctx, v.w, "stage writable", done(func() error { return nil }))
	return err
}

// Put implements engine.Stage.
func (v *vault) Put(ctx context.Context, name string, c rotation.Credential) error {
	_, err := effect(ctx, v.w, "stage put", done(func() error {
		v.copies[copyName{c.Rotation.Kind, name}] = c
		return nil
	}))
	return err
}

// Get implements engine.Stage.
func (v *vault) Get(ctx context.Context, kind rotation.Kind, name string) (rotation.Credential, error) {
	return effect(ctx, v.w, "stage get", func() (rotation.Credential, error) {
		c, ok := v.copies[copyName{kind, name}]
		if !ok {
			return c, &rotation.Fault{Class: rotation.NotFound, Err: fmt.Errorf("stage: no copy %q", name)}
		}
		return c, nil
	})
}

// Delete implements engine.Stage.
func (v *vault) Delete(ctx context.Context, kind rotation.Kind, name string) error {
	_, err := effect(ctx, v.w, "stage delete", done(func() error {
		delete(v.copies, copyName{kind, name})
		return nil
	}))
	return err
}
