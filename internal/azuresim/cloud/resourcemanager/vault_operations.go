package resourcemanager

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

const (
	readVaults  = "Microsoft.KeyVault/vaults/read"
	writeVaults = "Microsoft.KeyVault/vaults/write"
)

func (s *Service) vaultRoutes() []route {
	return []route{
		{"GET", subscriptionPath + keyVaultPath + "/vaults", keyVault, s.listVaults},
		{"GET", groupPath + keyVaultPath + "/vaults", keyVault, s.listVaults},
		{"GET", vaultPath, keyVault, s.getVault},
		{"PUT", vaultPath, keyVault, s.putVault},
		{"PATCH", vaultPath, keyVault, s.patchVault},
		{"DELETE", vaultPath, keyVault, s.deleteVault},
		{"PUT", vaultPath + "/accessPolicies/{operation}", keyVault, s.updatePolicies},
		{"GET", subscriptionPath + keyVaultPath + "/deletedVaults", keyVault, s.listDeletedVaults},
		{"GET", subscriptionPath + keyVaultPath + "/locations/{location}/deletedVaults/{vault}", keyVault, s.getDeletedVault},
		{"POST", subscriptionPath + keyVaultPath + "/locations/{location}/deletedVaults/{vault}/purge", keyVault, s.purgeVault},
	}
}

// vaultID is the identifier that the path stands for, whether it exists or not.
func (c *call) vaultID() string {
	return groupID(c.path["subscription"], c.path["group"]) + "/providers/Microsoft.KeyVault/vaults/" + c.path["vault"]
}

// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/list-by-subscription
// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/list-by-resource-group
func (s *Service) listVaults(c *call) (answer, error) {
	scope := "/subscriptions/" + c.path["subscription"]
	if name := c.path["group"]; name != "" {
		scope = groupID(c.path["subscription"], name)
	}
	readable, err := s.readableVaults(c, scope)
	if err != nil {
		return answer{}, err
	}
	if err := s.checkScope(scope); err != nil {
		return answer{}, err
	}
	found := []any{}
	for _, v := range readable {
		found = append(found, v.json(c.now))
	}
	return s.page(c, found)
}

func (s *Service) readableVaults(c *call, scope string) ([]*vault, error) {
	if !s.below(c, scope) {
		return nil, s.authorize(c, readVaults, scope)
	}
	var found []*vault
	for _, v := range s.vaults {
		if v.exists() && contains(scope, v.id()) && s.mayRead(c, readVaults, v.id()) {
			found = append(found, v)
		}
	}
	return found, nil
}

// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get
func (s *Service) getVault(c *call) (answer, error) {
	found, err := s.authorizedVault(c, readVaults)
	if err != nil {
		return answer{}, err
	}
	return ok(found.json(c.now))
}

// authorizedVault returns the live vault that the call names.
func (s *Service) authorizedVault(c *call, action string) (*vault, error) {
	if err := s.authorize(c, action, c.vaultID()); err != nil {
		return nil, err
	}
	found := s.vaultAt(c.path)
	if found == nil {
		return nil, vaultNotFound(c.path["group"], c.path["vault"])
	}
	return found, nil
}

// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/create-or-update
func (s *Service) putVault(c *call) (answer, error) {
	if err := s.authorize(c, writeVaults, c.vaultID()); err != nil {
		return answer{}, err
	}
	if err := s.checkScope(groupID(c.path["subscription"], c.path["group"])); err != nil {
		return answer{}, err
	}
	var body vaultJSON
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	found := s.vaultAt(c.path)
	if body.Properties != nil && body.Properties.EnableRbacAuthorization == nil {
		body.Properties.EnableRbacAuthorization = c.defaultModel(found)
	}
	if err := s.checkVault(c.path["vault"], body); err != nil {
		return answer{}, err
	}
	if found != nil {
		return s.replaceVault(c, found, body)
	}
	if taken := s.vaultNamed(c.path["vault"]); taken != nil {
		return s.recoverVault(c, taken, body)
	}
	return s.createVault(c, body)
}

// defaultModel: a vault keeps what decides, a new one takes roles since 2026-02-01.
// https://learn.microsoft.com/azure/key-vault/general/access-control-default
func (c *call) defaultModel(found *vault) *bool {
	if found != nil {
		return found.properties.EnableRbacAuthorization
	}
	return whenTrue(c.request.URL.Query().Get("api-version") >= "2026-02-01")
}

func (s *Service) createVault(c *call, body vaultJSON) (answer, error) {
	made := &vault{
		instance: uuid.NewString(), subscription: c.path["subscription"], group: c.path["group"], name: c.path["vault"],
		location: body.Location, tags: body.Tags, properties: withDefaults(*body.Properties),
		createdBy: c.caller.ObjectID, created: c.now, modifiedBy: c.caller.ObjectID, modified: c.now,
		ready: c.now.Add(s.options.Provisioning),
	}
	s.vaults = append(s.vaults, made)
	c.pollAfter(s.options.Provisioning)
	return answer{http.StatusCreated, made.json(c.now)}, nil
}

// pollAfter tells clients when to look again at what is not finished yet.
func (c *call) pollAfter(delay time.Duration) {
	c.header.Set("Retry-After", strconv.Itoa(max(1, int((delay+time.Second-1)/time.Second))))
	c.header.Set("x-ms-retry-after-ms", strconv.Itoa(max(1, int(delay.Milliseconds()))))
}

func (s *Service) replaceVault(c *call, found *vault, body vaultJSON) (answer, error) {
	replaced := withDefaults(*body.Properties)
	if err := s.checkModelChange(c, found, replaced); err != nil {
		return answer{}, err
	}
	found.tags, found.properties = body.Tags, replaced
	found.modified, found.modifiedBy = c.now, c.caller.ObjectID
	return ok(found.json(c.now))
}

// recoverVault brings a deleted vault back as it was when that was asked.
func (s *Service) recoverVault(c *call, taken *vault, body vaultJSON) (answer, error) {
	switch {
	case taken.exists():
		return answer{}, refuse(http.StatusConflict, "VaultAlreadyExists", "The vault name '%s' is already in use. Vault names are globally unique so it is possible that the name is already taken.", taken.name)
	case body.Properties.CreateMode != "recover":
		return answer{}, refuse(http.StatusConflict, "ConflictError", "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.")
	}
	taken.deleted, taken.ready = time.Time{}, c.now.Add(s.options.Provisioning)
	c.pollAfter(s.options.Provisioning)
	return ok(taken.json(c.now))
}

// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update
func (s *Service) patchVault(c *call) (answer, error) {
	found, err := s.authorizedVault(c, writeVaults)
	if err != nil {
		return answer{}, err
	}
	var body vaultJSON
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	if body.Properties != nil {
		merged := found.properties.merged(*body.Properties)
		if err := s.checkProperties(merged); err != nil {
			return answer{}, err
		}
		if err := s.checkModelChange(c, found, merged); err != nil {
			return answer{}, err
		}
		found.properties = merged
	}
	if body.Tags != nil {
		found.tags = body.Tags
	}
	found.modified, found.modifiedBy = c.now, c.caller.ObjectID
	return ok(found.json(c.now))
}

// deleteVault takes the vault's role assignments and event subscriptions with it;
// recovery does not bring them back.
// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/delete
// https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview
func (s *Service) deleteVault(c *call) (answer, error) {
	if err := s.authorize(c, "Microsoft.KeyVault/vaults/delete", c.vaultID()); err != nil {
		return answer{}, err
	}
	found := s.vaultAt(c.path)
	if found == nil {
		return answer{status: http.StatusNoContent}, nil
	}
	found.deleted = c.now
	s.assignments = slices.DeleteFunc(s.assignments, func(a *assignment) bool { return contains(found.id(), a.scope) })
	s.onDelete(found.id())
	return answer{status: http.StatusOK}, nil
}
