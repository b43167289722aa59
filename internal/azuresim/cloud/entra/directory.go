package entra

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
)

// Caller is who sent a request: a service principal or a managed identity.
type Caller struct {
	ObjectID, AppID, TenantID string
}

// Options say how the tenant behaves. The zero value replicates at once.
type Options struct {
	ReplicationDelay time.Duration
	Replicas         int
}

// Directory is one tenant.
type Directory struct{}

// New returns an empty tenant.
func New(c *clock.Clock, logger *slog.Logger, tenantID string, opts Options) *Directory {
	return &Directory{}
}

// Authenticate returns who sent r: its bearer token must have been issued here,
// for audience, and must not have expired.
func (d *Directory) Authenticate(r *http.Request, audience string) (Caller, error) {
	return Caller{}, errors.ErrUnsupported
}

// AddManagedIdentity adds a managed identity and returns its service principal.
func (d *Directory) AddManagedIdentity(displayName string) ServicePrincipal { return ServicePrincipal{} }

// ServicePrincipalVisible reports whether a principal has reached every replica,
// which is when Resource Manager stops answering PrincipalNotFound for it.
func (d *Directory) ServicePrincipalVisible(objectID string) bool { return false }

// TenantID returns the tenant's id.
func (d *Directory) TenantID() string { return "" }

// ServicePrincipal is an identity in the tenant.
type ServicePrincipal struct {
	ObjectID, AppID, DisplayName string
}

// ManagedIdentity answers for the endpoint that IDENTITY_ENDPOINT names.
func (d *Directory) ManagedIdentity() http.Handler { return http.NotFoundHandler() }

// ServeHTTP answers for login.microsoftonline.com.
func (d *Directory) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
