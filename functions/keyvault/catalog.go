package keyvault

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault/v2"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Vault is a vault that rekey can see.
type Vault struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Location      string `json:"location"`
	Authorization Model  `json:"authorization"`
}

// Model is what decides who may use a vault.
type Model string

// The authorization models.
const (
	ModelRBAC           Model = "rbac"
	ModelAccessPolicies Model = "accessPolicies"
)

// modelOf: null and false both mean access policies.
// https://learn.microsoft.com/azure/key-vault/general/rbac-access-policy
func modelOf(p *armkeyvault.VaultProperties) Model {
	if p != nil && p.EnableRbacAuthorization != nil && *p.EnableRbacAuthorization {
		return ModelRBAC
	}
	return ModelAccessPolicies
}

// Vaults lists the vaults that rekey's identity can see, by name.
func (t *Target) Vaults(ctx context.Context) ([]Vault, error) { return t.manager.list(ctx) }

func (m *resourceManager) list(ctx context.Context) ([]Vault, error) {
	subscriptions, err := m.subscriptions(ctx)
	if err != nil {
		return nil, fault("list subscriptions", err)
	}
	all := []Vault{}
	for _, subscription := range subscriptions {
		found, err := m.listSubscription(ctx, subscription)
		if hidden(err) {
			continue
		}
		if err != nil {
			return nil, fault(fmt.Sprintf("list the vaults of subscription %q", subscription), err)
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b Vault) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// hidden reports that a subscription shows nothing: rekey has a role in it that is
// not about vaults, or it went away meanwhile.
func hidden(err error) bool {
	if err == nil {
		return false
	}
	class := rotation.ClassOf(fault("list vaults", err))
	return class == rotation.Denied || class == rotation.NotFound
}

// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/list-by-subscription
func (m *resourceManager) listSubscription(ctx context.Context, subscription string) (found []Vault, err error) {
	client, err := m.vaults(subscription)
	if err != nil {
		return nil, err
	}
	for pager := client.NewListBySubscriptionPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, v := range page.Value {
			if v == nil || value(v.ID) == "" {
				continue // a list may hold a null
			}
			found = append(found, Vault{ID: value(v.ID), Name: value(v.Name), Location: value(v.Location), Authorization: modelOf(v.Properties)})
		}
	}
	return found, nil
}

const subscriptionsVersion = "2022-12-01"

type subscriptionsPage struct {
	Value []struct {
		SubscriptionID string `json:"subscriptionId"`
		State          string `json:"state"`
	} `json:"value"`
	NextLink string `json:"nextLink"`
}

// subscriptions lists those that can be used. The official client for this one
// call is a module of its own.
// https://learn.microsoft.com/rest/api/resources/subscriptions/list
func (m *resourceManager) subscriptions(ctx context.Context) (ids []string, err error) {
	client, err := arm.NewClient("rekey", "v1.0.0", m.credential, m.clientOptions(""))
	if err != nil {
		return nil, err
	}
	next := runtime.JoinPaths(client.Endpoint(), "/subscriptions") + "?api-version=" + subscriptionsVersion
	for next != "" {
		page, err := getSubscriptions(ctx, client, next)
		if err != nil {
			return nil, err
		}
		for _, s := range page.Value {
			if s.State == "Enabled" || s.State == "PastDue" {
				ids = append(ids, s.SubscriptionID)
			}
		}
		next = page.NextLink
	}
	return ids, nil
}

func getSubscriptions(ctx context.Context, client *arm.Client, url string) (page subscriptionsPage, err error) {
	request, err := runtime.NewRequest(ctx, http.MethodGet, url)
	if err != nil {
		return page, err
	}
	answer, err := client.Pipeline().Do(request)
	if err != nil {
		return page, err
	}
	if !runtime.HasStatusCode(answer, http.StatusOK) {
		return page, runtime.NewResponseError(answer)
	}
	return page, runtime.UnmarshalAsJSON(answer, &page)
}
