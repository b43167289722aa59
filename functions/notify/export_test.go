package notify

import "context"

// Handle is what the function does with a message's body.
func (c Config) Handle(ctx context.Context, body []byte) error { return c.handle(ctx, body) }
