package keyvault

import (
	"net/http"
	"net/netip"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// Authenticator tells who calls. An error means that the token is not good for
// the audience, for whatever reason.
type Authenticator interface {
	Authenticate(r *http.Request, audience string) (entra.Caller, error)
}

// Access is what Resource Manager knows of vaults and roles.
type Access interface {
	// Vault returns the vault behind a host's first label, without case, or
	// false when that name does not resolve.
	Vault(name string) (Vault, bool)
	// Allowed reports whether a role assignment that has taken effect grants the
	// principal a data action on the resource or on what contains it.
	Allowed(objectID, dataAction, resourceID string) bool
}

// Vault is a vault as the data plane needs it.
type Vault struct {
	ID       string // Resource Manager's identifier
	Instance string // differs when a purged vault's name is used again
	Name     string
	Location string
	TenantID string

	RBAC     bool // false: Policies decide
	Policies []AccessPolicy

	RetentionDays   int
	PurgeProtection bool
	Firewall        Firewall
}

// AccessPolicy lets one identity use a vault that does not use roles.
type AccessPolicy struct {
	TenantID      string      `json:"tenantId"`
	ObjectID      string      `json:"objectId"`
	ApplicationID string      `json:"applicationId,omitempty"`
	Permissions   Permissions `json:"permissions"`
}

// Permissions are the verbs an access policy grants, by kind of object.
type Permissions struct {
	Keys         []string `json:"keys,omitempty"`
	Secrets      []string `json:"secrets,omitempty"`
	Certificates []string `json:"certificates,omitempty"`
	Storage      []string `json:"storage,omitempty"`
}

// Firewall is what a vault's network rules come to. The zero value lets
// everyone in.
type Firewall struct {
	Private bool // public network access is disabled
	Closed  bool // only Allowed may call
	Allowed []netip.Prefix
}

func (f Firewall) admits(client netip.Addr) bool {
	if !f.Closed {
		return true
	}
	for _, network := range f.Allowed {
		if network.Contains(client) {
			return true
		}
	}
	return false
}
