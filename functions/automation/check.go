package automation

import (
	"context"
	"fmt"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	runbookNew  = "New"
	unpublished = "it is not published"
)

// Check reads everything that the task's steps name, without changing anything:
// that it exists and runs, that the providers are registered, and, as far as that
// can be seen, that rekey may do what the steps need.
func (t *Target) Check(ctx context.Context, _ rotation.Application, row rotation.TargetRow) (notes []string, err error) {
	_, task, err := t.configured(ctx, row)
	if err != nil {
		return nil, err
	}
	c := &checking{target: t}
	for _, step := range task.Steps {
		if err := c.step(ctx, step); err != nil {
			return nil, inStep(step.Name, err)
		}
	}
	return slices.Compact(c.notes), nil
}

// inStep names the step in an error.
func inStep(name string, err error) error {
	f := &rotation.Fault{Class: rotation.ClassOf(err), After: rotation.AfterOf(err), Err: err}
	if known, ok := err.(*rotation.Fault); ok {
		f.Err, f.Remedy = known.Err, known.Remedy
	}
	f.Err = fmt.Errorf("step %q: %w", name, f.Err)
	return f
}

// checking collects what a person should know.
type checking struct {
	target *Target
	notes  []string
}

func (c *checking) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

func (c *checking) step(ctx context.Context, s rotation.TaskStep) error {
	if m := s.OnMachine(); m != nil {
		return c.machine(ctx, *m)
	}
	if p := s.InContainer(); p != nil {
		return c.container(ctx, *p.Container)
	}
	return c.runbook(ctx, *s.Runbook)
}

func (c *checking) machine(ctx context.Context, s rotation.RunCommandStep) error {
	vm, err := c.target.client.machine(ctx, s.VM, true)
	if err != nil {
		return err
	}
	if err := vm.shellFits(s.Shell); err != nil {
		return err
	}
	if power := vm.Properties.InstanceView.power(); power != "" && power != "running" {
		return &rotation.Fault{Class: rotation.Conflict, Err: fmt.Errorf("automation: virtual machine %q is %s", last(s.VM), power), Remedy: "start it"}
	}
	return c.all(ctx,
		need{scope: s.VM, provider: "Microsoft.Compute", role: contributor, actions: []string{
			"Microsoft.Compute/virtualMachines/runCommands/write", "Microsoft.Compute/virtualMachines/runCommands/read",
			"Microsoft.Compute/virtualMachines/runCommands/delete"}},
	)
}

func (c *checking) runbook(ctx context.Context, s rotation.RunbookStep) error {
	var found named
	err := c.target.client.get(ctx, fmt.Sprintf("read runbook %q", s.Runbook), s.Account+"/runbooks/"+s.Runbook, automationVersion, &found)
	switch {
	case err != nil && rotation.ClassOf(err) == rotation.Denied:
		c.note("whether runbook %q exists cannot be seen without the role Automation Operator", s.Runbook)
	case err != nil:
		return err
	case found.Properties.State == runbookNew:
		return &rotation.Fault{Class: rotation.Permanent, Err: fmt.Errorf("automation: runbook %q cannot be started: %s", s.Runbook, unpublished), Remedy: "publish it"}
	}
	if err := c.vault(ctx, s); err != nil {
		return err
	}
	return c.all(ctx, need{scope: s.Account, provider: "Microsoft.Automation", role: jobOperator, actions: []string{
		"Microsoft.Automation/automationAccounts/jobs/write", "Microsoft.Automation/automationAccounts/jobs/read"}})
}

// vault asks for what the runbook will be pointed at.
func (c *checking) vault(ctx context.Context, s rotation.RunbookStep) error {
	_, err := c.target.config.Vaults.Get(once(ctx), s.Vault, s.SecretName)
	switch {
	case err == nil:
	case rotation.ClassOf(err) == rotation.NotFound:
		c.note("vault %q has no secret %q yet: a Key Vault target of the application has to bring it", s.Vault, s.SecretName)
	case rotation.ClassOf(err) == rotation.Denied:
		c.note("vault %q does not let rekey read %q yet: a Key Vault target of the application grants that, which takes up to 30 minutes", s.Vault, s.SecretName)
	default:
		return err
	}
	return nil
}

func (c *checking) container(ctx context.Context, s rotation.Container) error {
	if err := c.target.client.foreignIdentity(ctx, s.Identity, c.target.config.Self); err != nil {
		return err
	}
	if err := c.keysAllowed(ctx, s.StorageAccount); err != nil {
		return err
	}
	return c.all(ctx,
		need{scope: s.ResourceGroup, provider: "Microsoft.ContainerInstance", role: "Contributor", actions: []string{
			"Microsoft.Resources/deploymentScripts/write", "Microsoft.Resources/deploymentScripts/read",
			"Microsoft.Resources/deploymentScripts/logs/read", "Microsoft.Resources/deploymentScripts/delete"}},
		need{scope: s.StorageAccount, provider: "Microsoft.Storage", role: "Storage Account Key Operator Service Role", actions: []string{
			"Microsoft.Storage/storageAccounts/listKeys/action"}},
		need{scope: s.Identity, role: "Managed Identity Operator", actions: []string{
			"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"}},
	)
}

// keysAllowed: where nothing is said, shared keys are allowed.
// https://learn.microsoft.com/azure/storage/common/shared-key-authorization-prevent
func (c *checking) keysAllowed(ctx context.Context, id string) error {
	var found struct {
		ID         string `json:"id"`
		Properties struct {
			AllowSharedKeyAccess *bool `json:"allowSharedKeyAccess"`
		} `json:"properties"`
	}
	err := c.target.client.get(ctx, fmt.Sprintf("read storage account %q", last(id)), id, storageVersion, &found)
	if err != nil && rotation.ClassOf(err) == rotation.Denied {
		c.note("whether storage account %q allows shared keys cannot be seen", last(id))
		return nil
	}
	if err != nil {
		return err
	}
	if allowed := found.Properties.AllowSharedKeyAccess; allowed != nil && !*allowed {
		return &rotation.Fault{Class: rotation.Permanent, Err: fmt.Errorf("automation: storage account %q blocks shared keys", last(id)), Remedy: blockedKeysRemedy}
	}
	return nil
}
