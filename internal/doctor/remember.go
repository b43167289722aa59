package doctor

import (
	"context"
	"sync"
)

// forOneRound is a doctor that asks once for what many applications have in common.
func (d *Doctor) forOneRound() *Doctor {
	round := *d
	if d.Policies != nil {
		round.Policies = rememberedPolicies{d.Policies, &memory[Policy]{}}
	}
	if d.Subscriptions != nil && d.Vaults != nil {
		round.Subscriptions = rememberedSubscriptions{d.Subscriptions, &memory[[]Subscription]{}}
		round.Vaults = rememberedVaults{d.Vaults, &memory[string]{}}
	}
	return &round
}

type rememberedPolicies struct {
	Policies
	tenant *memory[Policy]
}

func (r rememberedPolicies) TenantPolicy(ctx context.Context) (Policy, error) {
	return r.tenant.get("", func() (Policy, error) { return r.Policies.TenantPolicy(ctx) })
}

type rememberedSubscriptions struct {
	Subscriptions
	byVault *memory[[]Subscription]
}

func (r rememberedSubscriptions) To(ctx context.Context, id string) ([]Subscription, error) {
	return r.byVault.get(id, func() ([]Subscription, error) { return r.Subscriptions.To(ctx, id) })
}

type rememberedVaults struct {
	Vaults
	ids *memory[string]
}

func (r rememberedVaults) Find(ctx context.Context, vault string) (string, error) {
	return r.ids.get(vault, func() (string, error) { return r.Vaults.Find(ctx, vault) })
}

// memory keeps answers by what was asked. What failed may work the next time.
type memory[Answer any] struct {
	mu      sync.Mutex
	answers map[string]Answer
}

func (m *memory[Answer]) get(key string, ask func() (Answer, error)) (Answer, error) {
	m.mu.Lock()
	known, ok := m.answers[key]
	m.mu.Unlock()
	if ok {
		return known, nil
	}
	answer, err := ask()
	if err != nil {
		return answer, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil {
		m.answers = map[string]Answer{}
	}
	m.answers[key] = answer
	return answer, nil
}
