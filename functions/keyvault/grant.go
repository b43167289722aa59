package keyvault

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault/v2"
	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// wanted is what one principal is to have on a vault.
type wanted struct {
	principal string
	kind      Kind
	grant     Grant
}

// A role of Key Vault's data plane.
// https://learn.microsoft.com/azure/key-vault/general/rbac-guide#azure-built-in-roles-for-key-vault-data-plane-operations
type role struct{ id, name string }

func (w wanted) role() role {
	if w.grant == GrantUser {
		return role{"4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User"}
	}
	return role{"b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Key Vault Secrets Officer"}
}

// enough lists the roles that grant as much, the wanted one included.
func (w wanted) enough() []string {
	administrator, officer := "00482a5a-887f-4fb3-b363-3b7fe8e74483", wanted{grant: GrantOfficer}.role().id
	return []string{w.role().id, officer, administrator}
}

// permissions are the verbs of an access policy. Recovering a soft-deleted name
// is rekey's part alone.
func (w wanted) permissions() []string {
	switch {
	case w.kind == KindSystem:
		return []string{"get", "list", "set", "recover"}
	case w.grant == GrantUser:
		return []string{"get", "list"}
	}
	return []string{"get", "list", "set"}
}

// report describes the grant by the vault's model.
func (w wanted) report(v managedVault) GrantedTo {
	g := GrantedTo{Principal: w.principal, Kind: w.kind}
	if v.model == ModelRBAC {
		g.Role = w.role().name
	} else {
		g.Permissions = w.permissions()
	}
	return g
}

// command is what somebody who may grant can run.
func (w wanted) command(v managedVault) string {
	if v.model == ModelRBAC {
		return assignCommand(w.role().name, w.principal, v.id)
	}
	// set-policy replaces what the principal has, so that has to be named too.
	held := v.held(w.principal)
	return fmt.Sprintf("az keyvault set-policy --subscription %s --name %s --object-id %s --secret-permissions %s",
		v.subscription, v.name, w.principal, strings.Join(append(held, lacking(held, w.permissions())...), " "))
}

// https://learn.microsoft.com/cli/azure/role/assignment#az-role-assignment-create
func assignCommand(role, principal, scope string) string {
	return fmt.Sprintf("az role assignment create --role %q --assignee-object-id %s --assignee-principal-type ServicePrincipal --scope \"%s\"",
		role, principal, scope)
}

// grant makes a grant by the vault's own model, unless it is there.
func (m *resourceManager) grant(ctx context.Context, v managedVault, w wanted) (GrantState, error) {
	if v.model == ModelRBAC {
		return m.assign(ctx, v, w)
	}
	return m.addPolicy(ctx, v, w)
}

// assign assigns the role at the vault. The principal's type is always given:
// without it Resource Manager asks a directory that may not know it yet.
// https://learn.microsoft.com/rest/api/authorization/role-assignments/create
func (m *resourceManager) assign(ctx context.Context, v managedVault, w wanted) (GrantState, error) {
	doing := fmt.Sprintf("assign %q on vault %q to %q", w.role().name, v.name, w.principal)
	client, err := m.roleAssignments(v.subscription)
	if err != nil {
		return "", fault(doing, err)
	}
	definition := fmt.Sprintf("/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/%s", v.subscription, w.role().id)
	principalType := armauthorization.PrincipalTypeServicePrincipal
	var answer *http.Response
	_, err = client.Create(policy.WithCaptureResponse(ctx, &answer), v.scope(), w.assignmentName(v), armauthorization.RoleAssignmentCreateParameters{
		Properties: &armauthorization.RoleAssignmentProperties{
			PrincipalID: &w.principal, PrincipalType: &principalType, RoleDefinitionID: &definition,
		},
	}, nil)
	switch {
	case err == nil && answer.StatusCode == http.StatusCreated:
		return StateGranted, nil
	case err == nil, hasCode(err, codeAssignmentExists):
		return StateExisting, nil
	}
	err = fault(doing, err)
	if rotation.ClassOf(err) == rotation.Denied && m.assigned(ctx, v, w) {
		return StateExisting, nil
	}
	return "", err
}

// scope is without the slash that the client puts in front.
func (v managedVault) scope() string { return strings.TrimPrefix(v.id, "/") }

// assignmentName is the same for every try, from wherever.
func (w wanted) assignmentName(v managedVault) string {
	subject := strings.ToLower(strings.Join([]string{v.id, w.principal, w.role().id}, "|"))
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(subject)).String()
}

// assigned reports whether the principal has the role, or more, at the vault or
// around it. Who may not read that gets false.
// https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest
func (m *resourceManager) assigned(ctx context.Context, v managedVault, w wanted) bool {
	client, err := m.roleAssignments(v.subscription)
	if err != nil {
		return false
	}
	filter := fmt.Sprintf("atScope() and assignedTo('%s')", w.principal)
	pager := client.NewListForScopePager(v.scope(), &armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: &filter})
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return false
		}
		if slices.ContainsFunc(page.Value, w.fulfilledBy) {
			return true
		}
	}
	return false
}

func (w wanted) fulfilledBy(a *armauthorization.RoleAssignment) bool {
	if a.Properties == nil {
		return false
	}
	definition := strings.ToLower(value(a.Properties.RoleDefinitionID))
	return slices.Contains(w.enough(), definition[strings.LastIndexByte(definition, '/')+1:])
}

// addPolicy adds to the principal's access policy what it lacks.
// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy
func (m *resourceManager) addPolicy(ctx context.Context, v managedVault, w wanted) (GrantState, error) {
	if len(lacking(v.held(w.principal), w.permissions())) == 0 {
		return StateExisting, nil
	}
	doing := fmt.Sprintf("add an access policy of vault %q for %q", v.name, w.principal)
	client, err := m.vaults(v.subscription)
	if err != nil {
		return "", fault(doing, err)
	}
	var verbs []*armkeyvault.SecretPermissions
	for _, verb := range w.permissions() {
		verbs = append(verbs, new(armkeyvault.SecretPermissions(verb)))
	}
	_, err = client.UpdateAccessPolicy(ctx, v.group, v.name, armkeyvault.AccessPolicyUpdateKindAdd, armkeyvault.VaultAccessPolicyParameters{
		Properties: &armkeyvault.VaultAccessPolicyProperties{AccessPolicies: []*armkeyvault.AccessPolicyEntry{{
			TenantID: &v.tenant, ObjectID: &w.principal, Permissions: &armkeyvault.Permissions{Secrets: verbs},
		}}},
	}, nil)
	if err != nil {
		return "", fault(doing, err)
	}
	return StateGranted, nil
}

// held returns the verbs for secrets that a principal has by itself. A policy with
// an application id is for users who act through that application.
func (v managedVault) held(principal string) (verbs []string) {
	for _, p := range v.policies {
		if !strings.EqualFold(value(p.ObjectID), principal) || value(p.ApplicationID) != "" || p.Permissions == nil {
			continue
		}
		for _, verb := range p.Permissions.Secrets {
			verbs = append(verbs, strings.ToLower(string(value(verb))))
		}
	}
	return verbs
}

// lacking returns the verbs that those held do not grant.
func lacking(held, verbs []string) (missing []string) {
	if slices.Contains(held, "all") {
		return nil
	}
	for _, verb := range verbs {
		if !slices.Contains(held, verb) {
			missing = append(missing, verb)
		}
	}
	return missing
}
