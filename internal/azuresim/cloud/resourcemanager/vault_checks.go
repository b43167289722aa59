package resourcemanager

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

// Vault names: letters, digits and single hyphens, a letter first.
// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
var vaultNamePattern = regexp.MustCompile(`^[a-zA-Z](-?[0-9a-zA-Z]){2,23}$`)

func (s *Service) checkVault(name string, body vaultJSON) error {
	p := body.Properties
	switch {
	case !vaultNamePattern.MatchString(name) || len(name) > 24:
		return badRequest("VaultNameNotValid", "The vault name '%s' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens.", name)
	case body.Location == "":
		return badRequest("LocationRequired", "The location property is required for this definition.")
	case p == nil:
		return badRequest("BadRequest", "The parameter properties has an invalid value.")
	case p.CreateMode == "recover":
		return nil
	case p.SKU == nil:
		return badRequest("BadRequest", "The parameter sku has an invalid value.")
	case p.AccessPolicies == nil && !isTrue(p.EnableRbacAuthorization):
		return badRequest("BadRequest", "The parameter accessPolicies is not specified.")
	}
	return s.checkProperties(*p)
}

func (s *Service) checkProperties(p vaultProperties) error {
	switch {
	case !strings.EqualFold(p.TenantID, s.tenantID):
		return badRequest("BadRequest", "An invalid value was provided for 'tenantId'.")
	case p.SoftDeleteRetentionInDays != 0 && (p.SoftDeleteRetentionInDays < 7 || p.SoftDeleteRetentionInDays > 90):
		return badRequest("BadRequest", "The property softDeleteRetentionInDays must be between 7 and 90.")
	case p.EnableSoftDelete != nil && !*p.EnableSoftDelete:
		return badRequest("BadRequest", "The property \"enableSoftDelete\" can be set to false only for creating new vault. Enabling the 'soft delete' functionality is an irreversible action.")
	case p.EnablePurgeProtection != nil && !*p.EnablePurgeProtection:
		return badRequest("BadRequest", "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.")
	}
	if p.NetworkACLs != nil {
		for _, rule := range p.NetworkACLs.IPRules {
			if _, err := parseRule(rule.Value); err != nil {
				return badRequest("BadRequest", "The value '%s' of an IP rule is not valid.", rule.Value)
			}
		}
	}
	return s.checkPolicies(p.AccessPolicies)
}

// checkModelChange: whoever may grant roles may decide that roles decide.
// https://learn.microsoft.com/azure/key-vault/general/rbac-guide
func (s *Service) checkModelChange(c *call, from *vault, to vaultProperties) error {
	if isTrue(from.properties.EnableRbacAuthorization) == isTrue(to.EnableRbacAuthorization) {
		return nil
	}
	if s.mayRead(c, "Microsoft.Authorization/roleAssignments/write", from.id()) {
		return nil
	}
	return refuse(http.StatusForbidden, "InsufficientPermissions", "Caller is not allowed to change permission model.")
}

func withDefaults(p vaultProperties) vaultProperties {
	enabled := true
	p.EnableSoftDelete = &enabled
	p.SoftDeleteRetentionInDays = cmp.Or(p.SoftDeleteRetentionInDays, 90)
	p.PublicNetworkAccess = cmp.Or(p.PublicNetworkAccess, "Enabled")
	p.CreateMode = ""
	if p.AccessPolicies == nil {
		p.AccessPolicies = []keyvault.AccessPolicy{}
	}
	if p.SKU == nil {
		p.SKU = &sku{Family: "A", Name: "standard"}
	}
	return p
}

// merged is p with what the patch sets.
func (p vaultProperties) merged(patch vaultProperties) vaultProperties {
	p.TenantID = cmp.Or(patch.TenantID, p.TenantID)
	p.SKU = cmp.Or(patch.SKU, p.SKU)
	p.EnabledForDeployment = cmp.Or(patch.EnabledForDeployment, p.EnabledForDeployment)
	p.EnabledForDiskEncryption = cmp.Or(patch.EnabledForDiskEncryption, p.EnabledForDiskEncryption)
	p.EnabledForTemplateDeployment = cmp.Or(patch.EnabledForTemplateDeployment, p.EnabledForTemplateDeployment)
	p.EnableSoftDelete = cmp.Or(patch.EnableSoftDelete, p.EnableSoftDelete)
	p.SoftDeleteRetentionInDays = cmp.Or(patch.SoftDeleteRetentionInDays, p.SoftDeleteRetentionInDays)
	p.EnableRbacAuthorization = cmp.Or(patch.EnableRbacAuthorization, p.EnableRbacAuthorization)
	p.EnablePurgeProtection = cmp.Or(patch.EnablePurgeProtection, p.EnablePurgeProtection)
	p.NetworkACLs = cmp.Or(patch.NetworkACLs, p.NetworkACLs)
	p.PublicNetworkAccess = cmp.Or(patch.PublicNetworkAccess, p.PublicNetworkAccess)
	if patch.AccessPolicies != nil {
		p.AccessPolicies = slices.Clone(patch.AccessPolicies)
	}
	return p
}
