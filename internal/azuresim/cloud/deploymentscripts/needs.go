package deploymentscripts

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// StorageAccount is a storage account that stands from the start.
type StorageAccount struct {
	Subscription  string
	ResourceGroup string // made as needed
	Name          string
	Location      string // westeurope when left out
	Kind          string // StorageV2 when left out
	// KeysBlocked is what policies do: allowSharedKeyAccess is false.
	KeysBlocked bool
}

type account struct {
	StorageAccount
	id, key string
}

// Identity is a user-assigned identity that stands from the start.
type Identity struct {
	Subscription  string
	ResourceGroup string // made as needed
	Name          string
	ClientID      string // made when left out
	PrincipalID   string // made when left out
}

type identity struct {
	Identity
	id string
}

// AddStorageAccount adds a storage account and returns its identifier.
func (s *Service) AddStorageAccount(seed StorageAccount) string {
	seed.Location, seed.Kind = cmp.Or(seed.Location, "westeurope"), cmp.Or(seed.Kind, "StorageV2")
	group := s.manager.AddResourceGroup(seed.Subscription, seed.ResourceGroup, seed.Location)
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &account{StorageAccount: seed, id: group + "/providers/Microsoft.Storage/storageAccounts/" + seed.Name,
		key: "key-" + uuid.NewString()}
	s.accounts = append(s.accounts, made)
	return made.id
}

// AddIdentity adds a user-assigned identity and returns its identifier.
func (s *Service) AddIdentity(seed Identity) string {
	seed.ClientID, seed.PrincipalID = cmp.Or(seed.ClientID, uuid.NewString()), cmp.Or(seed.PrincipalID, uuid.NewString())
	group := s.manager.AddResourceGroup(seed.Subscription, seed.ResourceGroup, "westeurope")
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &identity{seed, group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + seed.Name}
	s.identities = append(s.identities, made)
	return made.id
}

func groupID(r *resourcemanager.Request) string {
	return "/subscriptions/" + r.Path["subscription"] + "/resourceGroups/" + r.Path["group"]
}

// authorized checks what every operation on one resource checks.
func authorized(r *resourcemanager.Request, action, scope string) error {
	if err := r.Authorize(action, scope); err != nil {
		return err
	}
	_, err := r.Group()
	return err
}

func notFound(what, group string) error {
	return resourcemanager.Refuse(http.StatusNotFound, "ResourceNotFound", "The Resource '%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", what, group)
}

func (s *Service) accountOf(r *resourcemanager.Request, action string) (*account, error) {
	id := groupID(r) + "/providers/Microsoft.Storage/storageAccounts/" + r.Path["account"]
	if err := authorized(r, action, id); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.accounts, func(a *account) bool { return strings.EqualFold(a.id, id) })
	if i < 0 {
		return nil, notFound("Microsoft.Storage/storageAccounts/"+r.Path["account"], r.Path["group"])
	}
	return s.accounts[i], nil
}

// https://learn.microsoft.com/rest/api/storagerp/storage-accounts/get-properties
func (s *Service) getAccount(r *resourcemanager.Request) (int, any, error) {
	a, err := s.accountOf(r, "Microsoft.Storage/storageAccounts/read")
	if err != nil {
		return 0, nil, err
	}
	properties := map[string]any{"provisioningState": "Succeeded"}
	if a.KeysBlocked { // a null means that keys are allowed
		properties["allowSharedKeyAccess"] = false
	}
	return http.StatusOK, map[string]any{
		"id": a.id, "name": a.Name, "type": "Microsoft.Storage/storageAccounts", "kind": a.Kind, "location": a.Location, "properties": properties,
	}, nil
}

// https://learn.microsoft.com/rest/api/storagerp/storage-accounts/list-keys
func (s *Service) listKeys(r *resourcemanager.Request) (int, any, error) {
	a, err := s.accountOf(r, "Microsoft.Storage/storageAccounts/listKeys/action")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"keys": []any{map[string]string{"keyName": "key1", "permissions": "FULL", "value": a.key}}}, nil
}

// https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/get
func (s *Service) getIdentity(r *resourcemanager.Request) (int, any, error) {
	id := groupID(r) + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + r.Path["identity"]
	if err := authorized(r, "Microsoft.ManagedIdentity/userAssignedIdentities/read", id); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.identityAt(id)
	if found == nil {
		return 0, nil, notFound("Microsoft.ManagedIdentity/userAssignedIdentities/"+r.Path["identity"], r.Path["group"])
	}
	return http.StatusOK, map[string]any{
		"id": found.id, "name": found.Name, "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "location": "westeurope",
		"properties": map[string]string{"clientId": found.ClientID, "principalId": found.PrincipalID},
	}, nil
}

func (s *Service) identityAt(id string) *identity {
	i := slices.IndexFunc(s.identities, func(one *identity) bool { return strings.EqualFold(one.id, id) })
	if i < 0 {
		return nil
	}
	return s.identities[i]
}
