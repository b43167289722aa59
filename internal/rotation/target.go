package rotation

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/internal/secret"
)

// Credential is one credential with its secret part.
type Credential struct {
	Rotation ID
	Attempt  int
	KeyID    string
	Start    time.Time
	End      time.Time
	Value    secret.Value
}

// Delivery is one credential on its way to one target.
type Delivery struct {
	Application Application
	Target      TargetRow
	Credential  Credential
	// Name is the same for every try of this delivery and for no other: jobs and
	// commands named after it never start twice.
	Name string
	// Handle is what the last Outcome of this delivery left, or empty.
	Handle string
	// Tries counts the tries of this delivery, this one included.
	Tries int
}

// Outcome is what a target says after a try that was not an error.
type Outcome struct {
	// Confirmed means that the credential is in use at the target.
	Confirmed bool
	// Receipt names what was written, for people and for near-expiry events.
	Receipt string
	// Handle and After, where not confirmed: come back after a time with this.
	Handle string
	After  time.Duration
}

// Target brings one place up to date.
type Target interface {
	// Deploy makes the place use the credential. It may be called many times for
	// one delivery, also after an earlier call took effect, and must be
	// idempotent. It returns at once: what takes long is begun, named in
	// Outcome.Handle and asked about in the next call. Its errors are Faults.
	Deploy(ctx context.Context, d Delivery) (Outcome, error)
}

// A Preparer grants what deployment needs. It is called before the first Deploy
// of each delivery number, and again when Deploy was denied. It must be
// idempotent: an existing grant is success.
type Preparer interface {
	Prepare(ctx context.Context, app Application, t TargetRow) error
}

// A Stopper can stop what an older deployment began. Targets without it have
// their older deployments asked to their end before a newer one starts.
type Stopper interface {
	Stop(ctx context.Context, d Delivery) error
}
