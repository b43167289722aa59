package entra

import (
	"cmp"
	"crypto/rsa"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
)

// The defaults of Options, and what was seen of the real service: secrets worked
// 4 to 18 seconds after addPassword.
const (
	DefaultReplicationDelay = 6 * time.Second
	DefaultReplicas         = 3
	DefaultTokenLifetime    = time.Hour
)

// Options say how the tenant behaves.
type Options struct {
	// ReplicationDelay is how long a write takes to the first replica of the token
	// service, and from each to the next. Zero means that all have it at once.
	ReplicationDelay time.Duration
	// Replicas is their number, DefaultReplicas if zero.
	Replicas int
	// TokenLifetime is DefaultTokenLifetime if zero.
	TokenLifetime time.Duration
	// TokenKey signs tokens; nil is a key of the directory's own.
	TokenKey *rsa.PrivateKey
}

// Directory is one tenant. Its methods may be called from any goroutine.
type Directory struct {
	clock    *clock.Clock
	logger   *slog.Logger
	tenantID string
	opts     Options
	signer   *signer
	recent   recent
	verified verified
	identity string

	mu           sync.RWMutex
	sequence     uint64
	applications table[Application]
	principals   table[ServicePrincipal]
	users        map[string]User
	resources    map[string]bool
	turns        map[string]int
}

// New returns an empty tenant.
func New(c *clock.Clock, logger *slog.Logger, tenantID string, opts Options) *Directory {
	opts.Replicas = cmp.Or(opts.Replicas, DefaultReplicas)
	opts.TokenLifetime = cmp.Or(opts.TokenLifetime, DefaultTokenLifetime)
	return &Directory{
		clock:        c,
		logger:       cmp.Or(logger, slog.New(slog.DiscardHandler)),
		tenantID:     tenantID,
		opts:         opts,
		signer:       newSigner(opts.TokenKey),
		identity:     uuid.NewString(),
		applications: newTable[Application](),
		principals:   newTable[ServicePrincipal](),
		users:        map[string]User{},
		resources:    azureResources(),
		turns:        map[string]int{},
	}
}

// TenantID returns the tenant's id.
func (d *Directory) TenantID() string { return d.tenantID }

// AddApplication adds an application that has always been there: every replica
// knows it. Ids that are left out are made up.
func (d *Directory) AddApplication(a Application) Application {
	a = a.Clone()
	a.ObjectID = cmp.Or(a.ObjectID, uuid.NewString())
	a.AppID = cmp.Or(a.AppID, uuid.NewString())
	a.SignInAudience = cmp.Or(a.SignInAudience, "AzureADMyOrg")
	if a.CreatedAt.IsZero() {
		a.CreatedAt = d.clock.Now()
	}
	d.putApplication(a.ObjectID, a.AppID, &a, time.Time{})
	return a.Clone()
}

// PutApplication writes an application now. The replicas follow.
func (d *Directory) PutApplication(a Application) {
	a = a.Clone()
	d.putApplication(a.ObjectID, a.AppID, &a, d.clock.Now())
}

// DeleteApplication removes an application now. The replicas follow.
func (d *Directory) DeleteApplication(objectID string) {
	d.putApplication(objectID, "", nil, d.clock.Now())
}

func (d *Directory) putApplication(objectID, appID string, a *Application, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sequence++
	d.applications.put(objectID, appID, version[Application]{at: at, sequence: d.sequence, value: a})
}

// Application returns an application as a replica sees it that lags so far behind.
func (d *Directory) Application(objectID string, lag time.Duration) (Application, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.applications.histories[objectID].get(d.clock.Now().Add(-lag))
}

// ApplicationByAppID is Application by client id.
func (d *Directory) ApplicationByAppID(appID string, lag time.Duration) (Application, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.applications.byAppID(appID).get(d.clock.Now().Add(-lag))
}

// Applications lists the applications in the order of their creation.
func (d *Directory) Applications(lag time.Duration) []Application {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.applications.list(d.clock.Now().Add(-lag))
}

// Change is an application that was written since a sequence number; Removed
// ones have their object id only.
type Change struct {
	Application
	Sequence uint64
	Removed  bool
}

// Changes lists what changed after a sequence number, in that order, as a replica
// sees it that lags, and the number to go on from. Zero lists everything that exists.
func (d *Directory) Changes(after uint64, lag time.Duration) (changes []Change, sequence uint64) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	sequence = after
	at := d.clock.Now().Add(-lag)
	for _, id := range d.applications.order {
		v, existed := d.applications.histories[id].asOf(at)
		if !existed || v.sequence <= after {
			continue
		}
		sequence = max(sequence, v.sequence)
		switch {
		case v.value != nil:
			changes = append(changes, Change{Application: *v.value, Sequence: v.sequence})
		case after > 0:
			changes = append(changes, Change{Application: Application{ObjectID: id}, Sequence: v.sequence, Removed: true})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return changes, sequence
}
