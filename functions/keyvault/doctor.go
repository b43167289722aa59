package keyvault

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"

	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/rotation"
)

var (
	_ doctor.Vaults     = (*Target)(nil)
	_ doctor.Forewarner = (*Target)(nil)
)

// Find returns the resource id of a vault that is given by its name or its resource id.
func (t *Target) Find(ctx context.Context, vault string) (id string, err error) {
	v, err := t.manager.find(ctx, Settings{Vault: vault})
	return v.id, err
}

// Vault describes a vault and what rekey lacks there of what staging takes.
func (t *Target) Vault(ctx context.Context, vault string) (doctor.Vault, error) {
	v, err := t.manager.find(ctx, Settings{Vault: vault})
	if err != nil {
		return doctor.Vault{}, err
	}
	described := doctor.Vault{ID: v.id, SoftDelete: v.softDelete, PurgeProtection: v.keeps}
	described.Lacks, err = t.lacksForStaging(ctx, v)
	return described, err
}

// staged is what staging a credential takes, by the vault's model.
// https://learn.microsoft.com/azure/role-based-access-control/permissions/security#microsoftkeyvault
func staged(kind rotation.Kind) (verbs, []string) {
	const vaults = "Microsoft.KeyVault/vaults/"
	if kind == rotation.Certificate {
		return verbs{secrets: []string{"get"}, certificates: []string{"import", "get", "delete"}}, []string{
			vaults + "certificates/import/action", vaults + "certificates/read", vaults + "certificates/delete", vaults + "secrets/getSecret/action",
		}
	}
	return verbs{secrets: []string{"set", "get", "delete"}}, []string{
		vaults + "secrets/setSecret/action", vaults + "secrets/getSecret/action", vaults + "secrets/delete",
	}
}

func (t *Target) lacksForStaging(ctx context.Context, v managedVault) (map[rotation.Kind][]string, error) {
	missing := map[rotation.Kind][]string{}
	if v.model != ModelRBAC {
		self, err := t.manager.self(ctx)
		held := v.held(self)
		for _, kind := range rotation.Kinds() {
			needs, _ := staged(kind)
			missing[kind] = append(lacking(held.secrets, needs.secrets), lacking(held.certificates, needs.certificates)...)
		}
		return missing, err
	}
	granted, err := t.manager.permissions(ctx, v)
	if err != nil {
		return nil, err
	}
	for _, kind := range rotation.Kinds() {
		_, needs := staged(kind)
		missing[kind] = slices.DeleteFunc(slices.Clone(needs), func(action string) bool {
			return slices.ContainsFunc(granted, func(p *armauthorization.Permission) bool { return grantsData(p, action) })
		})
	}
	return missing, nil
}

// permissions are what rekey itself may do at a vault, one for each role.
// https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
func (m *resourceManager) permissions(ctx context.Context, v managedVault) (all []*armauthorization.Permission, err error) {
	client, err := armauthorization.NewPermissionsClient(v.subscription, m.credential, m.clientOptions(""))
	if err != nil {
		return nil, err
	}
	pager := client.NewListForResourcePager(v.group, "Microsoft.KeyVault", "", "vaults", v.name, nil)
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, fault(fmt.Sprintf("read rekey's permissions on vault %q", v.name), err)
		}
		all = append(all, page.Value...)
	}
	return all, nil
}

func grantsData(p *armauthorization.Permission, action string) bool {
	covers := func(pattern *string) bool { return matches(strings.ToLower(value(pattern)), strings.ToLower(action)) }
	return p != nil && slices.ContainsFunc(p.DataActions, covers) && !slices.ContainsFunc(p.NotDataActions, covers)
}

// matches compares with a pattern in which each * stands for any characters.
func matches(pattern, action string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(action, parts[0])
	if last := len(parts) - 1; last > 0 {
		for _, part := range parts[1:last] {
			_, after, there := strings.Cut(rest, part)
			rest, ok = after, ok && there
		}
		return ok && strings.HasSuffix(rest, parts[last])
	}
	return ok && rest == ""
}

// Readable reads a name of the staging vault that nothing is kept under but proofs.
func (t *Target) Readable(ctx context.Context, vault string, kind rotation.Kind) (err error) {
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
	if kind == rotation.Certificate {
		_, err = t.config.Vaults.PublicCertificate(ctx, vault, "rekey-certificate-write-check")
	} else {
		_, err = t.config.Vaults.Get(ctx, vault, "rekey-write-check")
	}
	if err != nil && rotation.ClassOf(err) == rotation.NotFound {
		return nil
	}
	return err
}

// Forewarn looks whether what the target names was deleted: the next delivery would
// bring it back, with its older versions.
func (t *Target) Forewarn(ctx context.Context, app rotation.Application, row rotation.TargetRow) (warning, remedy string, err error) {
	s, err := t.settings(app, row)
	if err != nil {
		return "", "", err
	}
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
	isDeleted := t.config.Vaults.IsDeleted
	if s.asCertificate() {
		isDeleted = t.config.Vaults.IsDeletedCertificate
	}
	deleted, err := isDeleted(ctx, s.vaultName(), s.Name)
	if err != nil || !deleted {
		return "", "", err
	}
	return fmt.Sprintf("the %s %q of vault %q was deleted: the next delivery recovers it, with its older versions, before it writes", s.noun(), s.Name, s.vaultName()),
		"delete the target if nobody needs it any more; ask for a rotation if somebody does", nil
}
