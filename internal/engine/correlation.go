package engine

import "context"

type correlationKey struct{}

// Correlated returns a context for everything that one request leads to. The lines
// that are logged under it, and the rotations that begin under it, carry the id.
func Correlated(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, correlationKey{}, id)
}

func correlationOf(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey{}).(string)
	return id
}
