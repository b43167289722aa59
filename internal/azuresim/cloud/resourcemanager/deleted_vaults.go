package resourcemanager

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

func (v *vault) deletedJSON() any {
	location := strings.ToLower(strings.ReplaceAll(v.location, " ", ""))
	return map[string]any{
		"id":   "/subscriptions/" + v.subscription + "/providers/Microsoft.KeyVault/locations/" + location + "/deletedVaults/" + v.name,
		"name": v.name,
		"type": "Microsoft.KeyVault/deletedVaults",
		"properties": map[string]any{
			"vaultId": v.id(), "location": v.location, "tags": none(v.tags),
			"deletionDate": v.deleted.Format(time.RFC3339), "scheduledPurgeDate": v.purgeDate().Format(time.RFC3339),
			"purgeProtectionEnabled": isTrue(v.properties.EnablePurgeProtection),
		},
	}
}

// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/list-deleted
func (s *Service) listDeletedVaults(c *call) (answer, error) {
	if err := s.authorize(c, "Microsoft.KeyVault/deletedVaults/read", "/subscriptions/"+c.path["subscription"]); err != nil {
		return answer{}, err
	}
	found := []any{}
	for _, v := range s.vaults {
		if !v.exists() && strings.EqualFold(v.subscription, c.path["subscription"]) {
			found = append(found, v.deletedJSON())
		}
	}
	return s.page(c, found)
}

// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get-deleted
func (s *Service) getDeletedVault(c *call) (answer, error) {
	found, err := s.deletedVault(c, "Microsoft.KeyVault/locations/deletedVaults/read")
	if err != nil {
		return answer{}, err
	}
	return ok(found.deletedJSON())
}

// purgeVault is a long-running operation that is over when it is first asked about.
// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/purge-deleted
func (s *Service) purgeVault(c *call) (answer, error) {
	found, err := s.deletedVault(c, "Microsoft.KeyVault/locations/deletedVaults/purge/action")
	if err != nil {
		return answer{}, err
	}
	if isTrue(found.properties.EnablePurgeProtection) {
		return answer{}, refuse(http.StatusMethodNotAllowed, "DeletedVaultPurge", "Operation 'DeletedVaultPurge' is not allowed.")
	}
	s.vaults = slices.DeleteFunc(s.vaults, func(v *vault) bool { return v == found })
	return answer{status: http.StatusOK}, nil
}

func (s *Service) deletedVault(c *call, action string) (*vault, error) {
	if err := s.authorize(c, action, "/subscriptions/"+c.path["subscription"]); err != nil {
		return nil, err
	}
	found := s.vaultNamed(c.path["vault"])
	if found == nil || found.exists() || !strings.EqualFold(found.subscription, c.path["subscription"]) {
		return nil, refuse(http.StatusNotFound, "DeletedVaultNotFound", "The deleted vault '%s' was not found.", c.path["vault"])
	}
	return found, nil
}
