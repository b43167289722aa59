package resourcemanager

import (
	"cmp"
	"strings"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

// Vault is a vault that stands from the start. Its subscription and resource group
// are made as needed.
type Vault struct {
	Name            string
	Subscription    string
	ResourceGroup   string
	Location        string // westeurope when left out
	Tags            map[string]string
	RBAC            bool                    // else Policies decide
	Policies        []keyvault.AccessPolicy // their TenantID may be left out
	PurgeProtection bool
	RetentionDays   int  // 90 when left out
	Firewalled      bool // only AllowedIPs may use it, addresses or networks
	AllowedIPs      []string
	Private         bool // no public network may use it at all
}

// RoleAssignment is an assignment that has long been in effect.
type RoleAssignment struct {
	Scope         string // /subscriptions/… and whatever lies below it
	RoleID        string // one of the identifiers of this package
	PrincipalID   string
	PrincipalType string // ServicePrincipal when left out
	Condition     string
}

// AddSubscription adds a subscription, or names the one that is there.
func (s *Service) AddSubscription(id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscription(id).name = name
}

// AddResourceGroup adds a resource group unless it is there, and returns its identifier.
func (s *Service) AddResourceGroup(subscription, name, location string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	groups := s.subscription(subscription).groups
	if groups[strings.ToLower(name)] == nil {
		groups[strings.ToLower(name)] = &group{name: name, location: location}
	}
	return groupID(subscription, name)
}

// AddVault adds a vault that is ready and returns its identifier.
func (s *Service) AddVault(seed Vault) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	location := cmp.Or(seed.Location, "westeurope")
	groups := s.subscription(seed.Subscription).groups
	if groups[strings.ToLower(seed.ResourceGroup)] == nil {
		groups[strings.ToLower(seed.ResourceGroup)] = &group{name: seed.ResourceGroup, location: location}
	}
	now := s.clock.Now()
	made := &vault{
		instance: uuid.NewString(), subscription: seed.Subscription, group: seed.ResourceGroup, name: seed.Name,
		location: location, tags: seed.Tags, created: now, modified: now,
		properties: withDefaults(vaultProperties{
			TenantID: s.tenantID, AccessPolicies: s.inTenant(seed.Policies), EnableRbacAuthorization: &seed.RBAC,
			SoftDeleteRetentionInDays: seed.RetentionDays, EnablePurgeProtection: whenTrue(seed.PurgeProtection),
			NetworkACLs: seed.networkACLs(), PublicNetworkAccess: seed.publicNetworkAccess(),
		}),
	}
	s.vaults = append(s.vaults, made)
	return made.id()
}

// AddRoleAssignment adds an assignment and returns its name.
func (s *Service) AddRoleAssignment(seed RoleAssignment) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &assignment{
		name: uuid.NewString(), scope: "/" + strings.Trim(seed.Scope, "/"), roleID: seed.RoleID, principalID: seed.PrincipalID,
		principalType: cmp.Or(seed.PrincipalType, "ServicePrincipal"), condition: seed.Condition, created: s.clock.Now(),
	}
	s.add(made)
	return made.name
}

func (s *Service) subscription(id string) *subscription {
	found := s.subscriptions[strings.ToLower(id)]
	if found == nil {
		found = &subscription{id: id, name: id, groups: map[string]*group{}, unregistered: map[string]bool{}}
		s.subscriptions[strings.ToLower(id)] = found
	}
	return found
}

func (s *Service) inTenant(policies []keyvault.AccessPolicy) []keyvault.AccessPolicy {
	var all []keyvault.AccessPolicy
	for _, p := range policies {
		p.TenantID = cmp.Or(p.TenantID, s.tenantID)
		all = append(all, p)
	}
	return all
}

func (seed Vault) networkACLs() *networkACLs {
	if !seed.Firewalled {
		return nil
	}
	acls := &networkACLs{Bypass: "AzureServices", DefaultAction: "Deny", IPRules: []ipRule{}, VirtualNetworkRules: []map[string]any{}}
	for _, ip := range seed.AllowedIPs {
		acls.IPRules = append(acls.IPRules, ipRule{ip})
	}
	return acls
}

func (seed Vault) publicNetworkAccess() string {
	if seed.Private {
		return "Disabled"
	}
	return "Enabled"
}

func whenTrue(b bool) *bool {
	if !b {
		return nil
	}
	return &b
}
