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
	doing := fmt.Sprintf("assign %q on vault %q to %q", w.role.name, v.name, w.principal)
	client, err := m.roleAssignments(v.subscription)
	if err != nil {
		return "", fault(doing, err)
	}
	definition := fmt.Sprintf("/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/%s", v.subscription, w.role.id)
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
	subject := strings.ToLower(strings.Join([]string{v.id, w.principal, w.role.id}, "|"))
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(subject)).String()
}

// addPolicy adds to the principal's access policy what it lacks.
// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy
func (m *resourceManager) addPolicy(ctx context.Context, v managedVault, w wanted) (GrantState, error) {
	if w.covered(v) {
		return StateExisting, nil
	}
	doing := fmt.Sprintf("add an access policy of vault %q for %q", v.name, w.principal)
	client, err := m.vaults(v.subscription)
	if err != nil {
		return "", fault(doing, err)
	}
	_, err = client.UpdateAccessPolicy(ctx, v.group, v.name, armkeyvault.AccessPolicyUpdateKindAdd, armkeyvault.VaultAccessPolicyParameters{
		Properties: &armkeyvault.VaultAccessPolicyProperties{AccessPolicies: []*armkeyvault.AccessPolicyEntry{{
			TenantID: &v.tenant, ObjectID: &w.principal, Permissions: w.verbs.permissions(),
		}}},
	}, nil)
	if err != nil {
		return "", fault(doing, err)
	}
	return StateGranted, nil
}

// covered reports whether the principal's access policy has every verb already.
func (w wanted) covered(v managedVault) bool {
	held := v.held(w.principal)
	return len(lacking(held.secrets, w.verbs.secrets)) == 0 && len(lacking(held.certificates, w.verbs.certificates)) == 0
}

func (v verbs) permissions() *armkeyvault.Permissions {
	p := &armkeyvault.Permissions{}
	for _, verb := range v.secrets {
		p.Secrets = append(p.Secrets, new(armkeyvault.SecretPermissions(verb)))
	}
	for _, verb := range v.certificates {
		p.Certificates = append(p.Certificates, new(armkeyvault.CertificatePermissions(verb)))
	}
	return p
}

// held returns the verbs that a principal has by itself. A policy with an
// application id is for users who act through that application.
func (v managedVault) held(principal string) (held verbs) {
	for _, p := range v.policies {
		if p == nil || !strings.EqualFold(value(p.ObjectID), principal) || value(p.ApplicationID) != "" || p.Permissions == nil {
			continue
		}
		for _, verb := range p.Permissions.Secrets {
			held.secrets = append(held.secrets, strings.ToLower(string(value(verb))))
		}
		for _, verb := range p.Permissions.Certificates {
			held.certificates = append(held.certificates, strings.ToLower(string(value(verb))))
		}
	}
	return held
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
