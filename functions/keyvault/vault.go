package keyvault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault/v2"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// managedVault is a vault as Resource Manager describes it.
type managedVault struct {
	id           string
	subscription string
	group        string
	name         string
	model        Model
	tenant       string
	policies     []*armkeyvault.AccessPolicyEntry
	softDelete   bool
	keeps        bool // purge protection
}

// find returns the vault of a target. A name that was found before may have
// moved to another group since: then it is looked for once more.
func (m *resourceManager) find(ctx context.Context, s Settings) (managedVault, error) {
	if strings.Contains(s.Vault, "/") {
		return m.get(ctx, s.Vault)
	}
	id, remembered := m.recall(s.Vault)
	if remembered {
		found, err := m.get(ctx, id)
		if err == nil || rotation.ClassOf(err) != rotation.NotFound {
			return found, err
		}
	}
	id, err := m.search(ctx, s.Vault)
	if err != nil {
		return managedVault{}, err
	}
	return m.get(ctx, id)
}

func (m *resourceManager) recall(name string) (id string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, ok = m.known[strings.ToLower(name)]
	return id, ok
}

// errUnseen says that no subscription shows the vault.
var errUnseen = errors.New("rekey's identity finds no such vault")

// search lists what rekey can see, and remembers it all.
func (m *resourceManager) search(ctx context.Context, name string) (id string, err error) {
	all, err := m.list(ctx)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.known)
	for _, v := range all {
		m.known[strings.ToLower(v.Name)] = v.ID
	}
	id, ok := m.known[strings.ToLower(name)]
	if !ok {
		return "", &rotation.Fault{
			Class:  rotation.NotFound,
			Err:    fmt.Errorf("keyvault: vault %q: %w among the %d that it can see", name, errUnseen, len(all)),
			Remedy: "check the name, or let rekey's identity read the vault",
		}
	}
	return id, nil
}

// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get
func (m *resourceManager) get(ctx context.Context, id string) (managedVault, error) {
	doing := fmt.Sprintf("read vault %q", id)
	parsed, err := arm.ParseResourceID(id)
	if err != nil {
		return managedVault{}, rotation.Permanently("keyvault: %s: %w", doing, err)
	}
	client, err := m.vaults(parsed.SubscriptionID)
	if err != nil {
		return managedVault{}, fault(doing, err)
	}
	answer, err := client.Get(ctx, parsed.ResourceGroupName, parsed.Name, nil)
	if err != nil {
		return managedVault{}, fault(doing, err)
	}
	found := managedVault{id: id, subscription: parsed.SubscriptionID, group: parsed.ResourceGroupName, name: parsed.Name, model: modelOf(answer.Properties)}
	if p := answer.Properties; p != nil {
		found.tenant, found.policies = value(p.TenantID), p.AccessPolicies
		// Soft-delete cannot be off any more; an old vault may not say that it is on.
		found.softDelete, found.keeps = p.EnableSoftDelete == nil || *p.EnableSoftDelete, value(p.EnablePurgeProtection)
	}
	return found, nil
}

// value reads what may be left out.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
