package access

import (
	"context"
	"errors"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Keys knows the API keys.
type Keys interface {
	// KeyOf returns the key that was presented, or engine.ErrNoKey where there is no
	// such key, or none any more.
	KeyOf(ctx context.Context, presented secret.Value) (engine.APIKey, error)
}

// keyHolder is whoever has an API key.
func (g *Gate) keyHolder(ctx context.Context, presented secret.Value) (Principal, error) {
	if g.Keys == nil {
		return Principal{}, refused("API keys are not taken here")
	}
	key, err := g.Keys.KeyOf(ctx, presented)
	if errors.Is(err, engine.ErrNoKey) {
		return Principal{}, refused(engine.ErrNoKey.Error())
	}
	if err != nil {
		return Principal{}, err
	}
	role, err := ParseRole(key.Role)
	if err != nil { // the row was edited: it gives nobody anything
		return Principal{}, refused("the API key has no role")
	}
	who := Principal{Kind: Key, ID: key.ID, Name: key.Name, Role: role}
	if len(key.Applications) > 0 {
		who.Applications = key.Applications
	}
	return who, nil
}
