package access

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Directory is Microsoft Graph, as far as it knows who owns an application.
type Directory interface {
	// OwnerIDs returns the object ids of an application's owners. Errors are Faults.
	OwnerIDs(ctx context.Context, appID string) ([]string, error)
}

const (
	// remembered is for how long an answer counts: that long an owner who was removed
	// may go on.
	remembered = time.Minute
	// mostRemembered is how many answers are kept.
	mostRemembered = 1000
	// mostLookups is how many run at a time: whoever signs in can bring them about, and
	// Graph answers rekey less the more it is asked.
	mostLookups = 4
)

// Owners remembers who owns which application. It may be used from any goroutine.
type Owners struct {
	directory Directory
	timeout   time.Duration
	now       func() time.Time
	lookups   chan struct{}

	mu    sync.Mutex
	known map[string]ownership
}

type ownership struct {
	owners []string
	until  time.Time
}

// NewOwners returns what knows no owners yet.
func NewOwners(directory Directory, timeout time.Duration, now func() time.Time) *Owners {
	return &Owners{
		directory: directory, timeout: timeout, now: now,
		lookups: make(chan struct{}, mostLookups), known: map[string]ownership{},
	}
}

// Owns reports whether an object is among an application's owners.
func (o *Owners) Owns(ctx context.Context, appID, objectID string) (bool, error) {
	owners, found := o.remember(appID)
	if !found {
		var err error
		if owners, err = o.lookUp(ctx, appID); err != nil {
			return false, err
		}
	}
	isIt := func(owner string) bool { return strings.EqualFold(owner, objectID) }
	return slices.ContainsFunc(owners, isIt), nil
}

func (o *Owners) remember(appID string) ([]string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known, found := o.known[appID]
	return known.owners, found && o.now().Before(known.until)
}

func (o *Owners) lookUp(ctx context.Context, appID string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	select {
	case o.lookups <- struct{}{}:
		defer func() { <-o.lookups }()
	case <-ctx.Done():
		return nil, &rotation.Fault{Class: rotation.Transient, Err: ctx.Err(), Remedy: "repeat the request"}
	}
	owners, err := o.directory.OwnerIDs(ctx, appID)
	if err != nil && rotation.ClassOf(err) != rotation.NotFound {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.known) >= mostRemembered {
		clear(o.known)
	}
	o.known[appID] = ownership{owners, o.now().Add(remembered)}
	return owners, nil
}
