package automation

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Choices offers tasks for a target, and for the steps of a task virtual machines,
// Automation accounts and, of a chosen account, runbooks.
func (t *Target) Choices(ctx context.Context, setting string, chosen map[string]string) ([]rotation.Choice, error) {
	switch setting {
	case "task":
		return t.tasks(ctx)
	case "vm":
		return t.machines(ctx)
	case "account":
		return t.accounts(ctx)
	case "runbook":
		return t.runbooks(ctx, chosen["account"])
	}
	return nil, rotation.Problem{Field: setting, Detail: "has no choices: those that have are task, vm, account and runbook"}
}

func (t *Target) tasks(ctx context.Context) (all []rotation.Choice, err error) {
	found, _, err := t.config.Tasks.Tasks(ctx, "", 0)
	if err != nil {
		return nil, transient("list tasks", err)
	}
	for _, task := range found {
		all = append(all, rotation.Choice{Value: task.ID, Name: task.Name})
	}
	return all, nil
}

// machines lists machines with their power state.
// https://learn.microsoft.com/rest/api/compute/virtual-machines/list-all
func (t *Target) machines(ctx context.Context) ([]rotation.Choice, error) {
	status := url.Values{"statusOnly": {"true"}}
	return everywhere(ctx, t.client, "/providers/Microsoft.Compute/virtualMachines", computeVersion, status, func(vm virtualMachine) rotation.Choice {
		choice := rotation.Choice{Value: vm.ID, Name: vm.Name}
		if power := vm.Properties.InstanceView.power(); power != "" && power != "running" {
			choice.Unusable = "it is " + power
		}
		return choice
	})
}

type named struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Properties struct {
		State string `json:"state"`
	} `json:"properties"`
}

// https://learn.microsoft.com/rest/api/automation/automation-account/list
func (t *Target) accounts(ctx context.Context) ([]rotation.Choice, error) {
	return everywhere(ctx, t.client, "/providers/Microsoft.Automation/automationAccounts", automationVersion, nil, func(a named) rotation.Choice {
		return rotation.Choice{Value: a.ID, Name: a.Name}
	})
}

const accountType = "Microsoft.Automation/automationAccounts"

// https://learn.microsoft.com/rest/api/automation/runbook/list-by-automation-account
func (t *Target) runbooks(ctx context.Context, account string) (all []rotation.Choice, err error) {
	if id, err := arm.ParseResourceID(account); err != nil || !strings.EqualFold(id.ResourceType.String(), accountType) || strings.Contains(account, "/.") {
		return nil, rotation.Problem{Field: "account", Detail: "must be chosen first"}
	}
	found, err := list[named](ctx, t.client, fmt.Sprintf("list the runbooks of %q", last(account)), account+"/runbooks", automationVersion, nil)
	if err != nil {
		return nil, withRemedy(err, rotation.Denied, assign("Automation Operator", account))
	}
	for _, r := range found {
		choice := rotation.Choice{Value: r.Name, Name: r.Name}
		if r.Properties.State == runbookNew {
			choice.Unusable = unpublished
		}
		all = append(all, choice)
	}
	return sorted(all), nil
}

// everywhere lists resources of one type in every subscription, by name.
func everywhere[T any](ctx context.Context, c *client, path, version string, query url.Values, choice func(T) rotation.Choice) (all []rotation.Choice, err error) {
	subscriptions, err := c.subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	for _, subscription := range subscriptions {
		found, err := list[T](ctx, c, fmt.Sprintf("list what is in subscription %q", subscription), "/subscriptions/"+subscription+path, version, query)
		if class := rotation.ClassOf(err); err != nil && (class == rotation.Denied || class == rotation.NotFound) {
			continue // rekey may be in a subscription for something else
		}
		if err != nil {
			return nil, err
		}
		for _, one := range found {
			all = append(all, choice(one))
		}
	}
	return sorted(all), nil
}

func sorted(all []rotation.Choice) []rotation.Choice {
	slices.SortFunc(all, func(a, b rotation.Choice) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return all
}

// subscriptions lists those that can be used.
// https://learn.microsoft.com/rest/api/resources/subscriptions/list
func (c *client) subscriptions(ctx context.Context) (ids []string, err error) {
	type subscription struct {
		SubscriptionID string `json:"subscriptionId"`
		State          string `json:"state"`
	}
	found, err := list[subscription](ctx, c, "list subscriptions", "/subscriptions", subscriptionVersion, nil)
	for _, s := range found {
		if s.State == "Enabled" || s.State == "PastDue" {
			ids = append(ids, s.SubscriptionID)
		}
	}
	return ids, err
}
