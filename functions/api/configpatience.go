package api

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// longestApply is how long a document is worked on: what was done must be told while
// somebody still listens, which is 230 seconds in Azure.
// https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout
const longestApply = 3 * time.Minute

// patiently does something again that a service has put off, when the service says: a
// document of thousands of applications asks Microsoft Graph more than it answers at
// once, and would never be applied if that ended it. Whatever comes after the end is
// left to the client.
func (c *config) patiently(ctx context.Context, end time.Time, do func() error) error {
	for {
		err := do()
		if err == nil || rotation.ClassOf(err) != rotation.Throttled {
			return err
		}
		wait := max(rotation.AfterOf(err), time.Second)
		if c.Engine.Now().Add(wait).After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
