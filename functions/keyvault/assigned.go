package keyvault

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
)

// assigned reports whether the principal has the role, or more, at the vault or
// around it. Who may not read that gets false.
func (m *resourceManager) assigned(ctx context.Context, v managedVault, w wanted) bool {
	roles, err := m.rolesOf(ctx, v, w.principal)
	return err == nil && slices.ContainsFunc(roles, func(id string) bool {
		return id == w.role.id || slices.Contains(w.role.wider, id)
	})
}

// mayGrant reports whether the principal has a role that lets it grant access to
// the vault. A role that is not built in may do that, and so may what cannot be read.
func (m *resourceManager) mayGrant(ctx context.Context, v managedVault, principal string) bool {
	roles, err := m.rolesOf(ctx, v, principal)
	return err != nil || slices.ContainsFunc(roles, func(id string) bool { return !grantsNothing(id, v.model) })
}

// grantsNothing knows the roles that a principal of rekey's may well have and that
// do not let it grant access by a model.
// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
func grantsNothing(id string, model Model) bool {
	const (
		reader              = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
		contributor         = "b24988ac-6180-42a0-ab88-20f7382dd24c"
		vaultContributor    = "f25e0fa2-a7c8-4377-a976-54943a77a395"
		accessAdministrator = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
		vaultsAdministrator = "8b54135c-b56d-4d72-a534-26097cfdc8d8" // Key Vault Data Access Administrator
		eventGridSender     = "d5a91429-5739-47e2-a06b-3470a27159e7"
	)
	switch id {
	case reader, eventGridSender, administratorID, readerID, secretsOfficerID, secretsUserID, certificateOfficerID, certificateUserID:
		return true
	case contributor, vaultContributor:
		return model == ModelRBAC
	case accessAdministrator, vaultsAdministrator:
		return model != ModelRBAC
	}
	return false
}

// rolesOf lists the ids of the roles that a principal has at the vault or around it.
// https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest
func (m *resourceManager) rolesOf(ctx context.Context, v managedVault, principal string) (ids []string, err error) {
	client, err := m.roleAssignments(v.subscription)
	if err != nil {
		return nil, err
	}
	filter := fmt.Sprintf("atScope() and assignedTo('%s')", principal)
	pager := client.NewListForScopePager(v.scope(), &armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: &filter})
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Value {
			if a != nil && a.Properties != nil {
				definition := strings.ToLower(value(a.Properties.RoleDefinitionID))
				ids = append(ids, definition[strings.LastIndexByte(definition, '/')+1:])
			}
		}
	}
	return ids, nil
}
