package resourcemanager

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

const vaultType = "Microsoft.KeyVault/vaults"

type vault struct {
	instance     string
	subscription string
	group        string
	name         string
	location     string
	tags         map[string]string
	properties   vaultProperties
	createdBy    string
	created      time.Time
	modifiedBy   string
	modified     time.Time

	ready   time.Time // from here its name resolves
	deleted time.Time // zero unless deleted
}

// vaultProperties are as they travel; vaultUri and provisioningState are made for
// each answer, createMode is asked and not kept.
type vaultProperties struct {
	TenantID                     string                  `json:"tenantId,omitempty"`
	SKU                          *sku                    `json:"sku,omitempty"`
	AccessPolicies               []keyvault.AccessPolicy `json:"accessPolicies"`
	EnabledForDeployment         *bool                   `json:"enabledForDeployment,omitempty"`
	EnabledForDiskEncryption     *bool                   `json:"enabledForDiskEncryption,omitempty"`
	EnabledForTemplateDeployment *bool                   `json:"enabledForTemplateDeployment,omitempty"`
	EnableSoftDelete             *bool                   `json:"enableSoftDelete,omitempty"`
	SoftDeleteRetentionInDays    int                     `json:"softDeleteRetentionInDays,omitempty"`
	EnableRbacAuthorization      *bool                   `json:"enableRbacAuthorization,omitempty"`
	EnablePurgeProtection        *bool                   `json:"enablePurgeProtection,omitempty"`
	NetworkACLs                  *networkACLs            `json:"networkAcls,omitempty"`
	PublicNetworkAccess          string                  `json:"publicNetworkAccess,omitempty"`
	VaultURI                     string                  `json:"vaultUri,omitempty"`
	ProvisioningState            string                  `json:"provisioningState,omitempty"`
	CreateMode                   string                  `json:"createMode,omitempty"`
}

type sku struct {
	Family string `json:"family"`
	Name   string `json:"name"`
}

type networkACLs struct {
	Bypass              string           `json:"bypass,omitempty"`
	DefaultAction       string           `json:"defaultAction,omitempty"`
	IPRules             []ipRule         `json:"ipRules"`
	VirtualNetworkRules []map[string]any `json:"virtualNetworkRules"`
}

type ipRule struct {
	Value string `json:"value"`
}

func (v *vault) id() string {
	return groupID(v.subscription, v.group) + "/providers/Microsoft.KeyVault/vaults/" + v.name
}

func (v *vault) exists() bool { return v.deleted.IsZero() }

func (v *vault) purgeDate() time.Time {
	return v.deleted.AddDate(0, 0, v.properties.SoftDeleteRetentionInDays)
}

func (v *vault) uri() string { return "https://" + strings.ToLower(v.name) + ".vault.azure.net/" }

func isTrue(b *bool) bool { return b != nil && *b }

// Vault returns the vault as the data plane needs it, or false while its name does
// not resolve: before it is provisioned and after it was deleted.
func (s *Service) Vault(name string) (keyvault.Vault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.vaultNamed(name)
	if v == nil || !v.exists() || s.clock.Now().Before(v.ready) {
		return keyvault.Vault{}, false
	}
	return keyvault.Vault{
		ID: v.id(), Instance: v.instance, Name: v.name, Location: v.location, TenantID: v.properties.TenantID,
		RBAC:            isTrue(v.properties.EnableRbacAuthorization),
		Policies:        slices.Clone(v.properties.AccessPolicies),
		RetentionDays:   v.properties.SoftDeleteRetentionInDays,
		PurgeProtection: isTrue(v.properties.EnablePurgeProtection),
		Firewall:        v.firewall(),
	}, true
}

func (v *vault) firewall() keyvault.Firewall {
	f := keyvault.Firewall{Private: strings.EqualFold(v.properties.PublicNetworkAccess, "Disabled")}
	acls := v.properties.NetworkACLs
	if acls == nil || !strings.EqualFold(acls.DefaultAction, "Deny") {
		return f
	}
	f.Closed = true
	for _, rule := range acls.IPRules {
		if network, err := parseRule(rule.Value); err == nil {
			f.Allowed = append(f.Allowed, network)
		}
	}
	return f
}

// parseRule accepts an address or a network.
func parseRule(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// vaultNamed needs the lock. Names are unique in the world, so that a deleted vault
// keeps its name until it is purged.
func (s *Service) vaultNamed(name string) *vault {
	now := s.clock.Now()
	s.vaults = slices.DeleteFunc(s.vaults, func(v *vault) bool { return !v.exists() && !now.Before(v.purgeDate()) })
	for _, v := range s.vaults {
		if strings.EqualFold(v.name, name) {
			return v
		}
	}
	return nil
}

// vaultAt returns the live vault that the path's placeholders name, or nil.
func (s *Service) vaultAt(path map[string]string) *vault {
	v := s.vaultNamed(path["vault"])
	if v == nil || !v.exists() || !strings.EqualFold(v.group, path["group"]) || !strings.EqualFold(v.subscription, path["subscription"]) {
		return nil
	}
	return v
}

type vaultJSON struct {
	ID         string            `json:"id,omitempty"`
	Name       string            `json:"name,omitempty"`
	Type       string            `json:"type,omitempty"`
	Location   string            `json:"location,omitempty"`
	Tags       map[string]string `json:"tags"`
	SystemData *systemData       `json:"systemData,omitempty"`
	Properties *vaultProperties  `json:"properties"`
}

type systemData struct {
	CreatedBy          string    `json:"createdBy"`
	CreatedByType      string    `json:"createdByType"`
	CreatedAt          time.Time `json:"createdAt"`
	LastModifiedBy     string    `json:"lastModifiedBy"`
	LastModifiedByType string    `json:"lastModifiedByType"`
	LastModifiedAt     time.Time `json:"lastModifiedAt"`
}

func (v *vault) json(now time.Time) vaultJSON {
	p := v.properties
	p.VaultURI, p.ProvisioningState = v.uri(), "Succeeded"
	if now.Before(v.ready) {
		p.ProvisioningState = "RegisteringDns"
	}
	return vaultJSON{
		ID: v.id(), Name: v.name, Type: vaultType, Location: v.location, Tags: none(v.tags), Properties: &p,
		SystemData: &systemData{
			CreatedBy: v.createdBy, CreatedByType: "Application", CreatedAt: v.created,
			LastModifiedBy: v.modifiedBy, LastModifiedByType: "Application", LastModifiedAt: v.modified,
		},
	}
}

// none shows tags that there are not as an empty object, as the real service does.
func none(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}
