package entra

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// The types of service principals.
const (
	TypeApplication     = "Application"
	TypeManagedIdentity = "ManagedIdentity"
)

// Roles on Microsoft Graph, as they stand in a token.
// https://learn.microsoft.com/graph/permissions-reference
const (
	RoleApplicationReadAll          = "Application.Read.All"
	RoleApplicationReadWriteAll     = "Application.ReadWrite.All"
	RoleApplicationReadWriteOwnedBy = "Application.ReadWrite.OwnedBy"
	RoleDirectoryReadAll            = "Directory.Read.All"
	RoleUserReadBasicAll            = "User.ReadBasic.All"
	RoleUserReadAll                 = "User.Read.All"
	RoleAuditLogReadAll             = "AuditLog.Read.All"
	RolePolicyReadAll               = "Policy.Read.All"
)

// ServicePrincipal is an application's or a managed identity's account in the tenant.
type ServicePrincipal struct {
	ObjectID, AppID string
	DisplayName     string
	Type            string
	CreatedAt       time.Time
	// Disabled accounts get no tokens: accountEnabled is false.
	Disabled bool
	// Blocked accounts get no tokens because of a Conditional Access policy.
	Blocked bool
	// Roles are its app roles on Microsoft Graph; a token carries those of the
	// time when it was issued.
	Roles []string
	// AppRoles are its app roles on applications of the tenant, by their client ids.
	AppRoles map[string][]string
	// ResourceID is the Resource Manager id of a user-assigned managed identity.
	ResourceID string
}

// AddServicePrincipal adds a principal that has always been there. Of sp, AppID
// is needed; ids that are left out are made up.
func (d *Directory) AddServicePrincipal(sp ServicePrincipal) ServicePrincipal {
	sp.ObjectID = cmp.Or(sp.ObjectID, uuid.NewString())
	sp.AppID = cmp.Or(sp.AppID, uuid.NewString())
	sp.Type = cmp.Or(sp.Type, TypeApplication)
	if sp.CreatedAt.IsZero() {
		sp.CreatedAt = d.clock.Now()
	}
	d.putPrincipal(sp, time.Time{})
	return sp
}

// AddManagedIdentity adds a managed identity with app roles on Microsoft Graph.
// The first one added is the system-assigned one, which a token request without
// an id means.
func (d *Directory) AddManagedIdentity(displayName string, roles ...string) ServicePrincipal {
	return d.AddServicePrincipal(ServicePrincipal{DisplayName: displayName, Type: TypeManagedIdentity, Roles: roles})
}

// PutServicePrincipal writes a principal now. The replicas follow.
func (d *Directory) PutServicePrincipal(sp ServicePrincipal) { d.putPrincipal(sp, d.clock.Now()) }

func (d *Directory) putPrincipal(sp ServicePrincipal, at time.Time) {
	sp.Roles, sp.AppRoles = slices.Clone(sp.Roles), maps.Clone(sp.AppRoles)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sequence++
	d.principals.put(sp.ObjectID, sp.AppID, version[ServicePrincipal]{at: at, sequence: d.sequence, value: &sp})
}

// ServicePrincipal returns a principal as a replica sees it that lags so far behind.
func (d *Directory) ServicePrincipal(objectID string, lag time.Duration) (ServicePrincipal, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.principals.histories[objectID].get(d.clock.Now().Add(-lag))
}

// ServicePrincipalByAppID is ServicePrincipal by client id.
func (d *Directory) ServicePrincipalByAppID(appID string, lag time.Duration) (ServicePrincipal, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.principals.byAppID(appID).get(d.clock.Now().Add(-lag))
}

// ServicePrincipals lists the principals in the order of their creation.
func (d *Directory) ServicePrincipals(lag time.Duration) []ServicePrincipal {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.principals.list(d.clock.Now().Add(-lag))
}

// ServicePrincipalVisible reports whether a principal has reached the last
// replica: until then Resource Manager answers PrincipalNotFound for it.
func (d *Directory) ServicePrincipalVisible(objectID string) bool {
	_, visible := d.ServicePrincipal(objectID, d.lag(d.opts.Replicas-1))
	return visible
}

// rolesOn are the app roles that the principal has on a resource.
func (sp ServicePrincipal) rolesOn(resource string) []string {
	if resource == GraphAudience {
		return sp.Roles
	}
	return sp.AppRoles[resource]
}

// lag is how far a replica of the token service is behind.
func (d *Directory) lag(replica int) time.Duration {
	return time.Duration(replica+1) * d.opts.ReplicationDelay
}
