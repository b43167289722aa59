package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Engine is the one place where rows about rotations change. All fields are set
// by whoever makes it.
type Engine struct {
	Store     Store
	Bus       Bus
	Directory Directory
	Keys      Keys
	Verifier  Verifier
	Stage     Stage
	Tokens    Tokens

	// NewCertificate makes a key pair with its certificate: certificate.New, but for
	// tests, which have no time for new keys.
	NewCertificate func(certificate.Request) (certificate.Pair, error)

	// Jitter returns a time from 0 to below its argument: rand.N, but for tests that
	// repeat themselves.
	Jitter func(below time.Duration) time.Duration

	Now func() time.Time
	Log *slog.Logger

	Tenant       string   // the partition of applications
	Installation string   // whose credentials are whose, in markers and tags
	Self         []string // the client ids of our own identity: never rotated
	// CallTimeout bounds every call to Graph, to Entra and to the staging vault.
	CallTimeout time.Duration
}

// callsInLease is how many calls, one after the other, a lease must be good for.
const callsInLease = 3

// lease returns a lease that holder takes now. It outlives the calls made under
// it, and is free one more call later even if nobody releases it.
func (e *Engine) lease(holder string) rotation.Lease {
	until := e.Now().Add(callsInLease * e.CallTimeout)
	return rotation.Lease{Holder: holder, Until: until, Free: until.Add(e.CallTimeout)}
}

// bounded limits one outside call.
func (e *Engine) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, e.CallTimeout)
}

// underLease limits one call to what is left of the lease as well, so that no
// call outlives the fence around it.
func (e *Engine) underLease(ctx context.Context, lease rotation.Lease) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, min(e.CallTimeout, lease.Until.Sub(e.Now())))
}
