// Package automation is the Azure function "automation": it runs tasks. A task is
// steps that are done with a new credential, one after the other: scripts on
// virtual machines, runbooks, scripts in containers.
//
// It promises that
//
//   - Deploy never waits: a step is begun, and asked about in the next call. Where a
//     delivery stands is in its handle, what its steps printed in their reports;
//   - a step that was begun is not begun again, whatever answers get lost: what it
//     runs as has a name that is the same for every try, and a repeated try looks for
//     it first;
//   - a failing step stops the task, and the delivery says which step, and why;
//   - the credential travels in protected parameters and secure variables alone,
//     which nobody can read back. A runbook, whose parameters everyone can read, gets
//     the id of the version in Key Vault that holds it, once it is there;
//   - what a step leaves behind, a run command or a deployment script, is deleted,
//     also after a failure;
//   - of what a step printed the end is kept, with the credential taken out, however
//     it is spelled;
//   - nothing runs as rekey's own identity.
//
// Where the facts are silent, these choices were made:
//
//   - A script gets the credential as NewSecret, and AppId, TenantId and KeyId, only
//     where it names them: PowerShell refuses to start a script with a parameter that
//     its param() block does not know.
//   - A task that is changed while a delivery is on its way fails that delivery: the
//     steps before may not be those that it says now.
//   - A run command that could not be deleted for want of a permission fails nothing;
//     the step's report says so.
//
// Facts come from
//   - https://learn.microsoft.com/azure/virtual-machines/windows/run-command-managed
//   - https://learn.microsoft.com/azure/virtual-machines/linux/run-command-managed
//   - https://learn.microsoft.com/azure/automation/automation-runbook-execution
//   - https://learn.microsoft.com/azure/azure-resource-manager/bicep/deployment-script-develop
package automation

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// Tasks are the tasks that people made. Task gives engine.ErrUnknownRecord where
// there is none of that id.
type Tasks interface {
	Task(ctx context.Context, id string) (task rotation.Task, etag string, err error)
	Tasks(ctx context.Context, from string, limit int) (tasks []rotation.Task, next string, err error)
}

// Vaults is Key Vault's data plane. Errors are rotation.Faults.
type Vaults interface {
	Get(ctx context.Context, vault, name string) (vault.Secret, error)
}

// Config is what the target needs.
type Config struct {
	Tasks  Tasks
	Vaults Vaults
	// Credential is rekey's own, for Resource Manager.
	Credential    azcore.TokenCredential
	ClientOptions azcore.ClientOptions
	// Self are the client ids of rekey's own identity, as which nothing may run.
	Self         []string
	StagingVault string
	Now          func() time.Time
}

// Target runs tasks. It may be used from any goroutine.
type Target struct {
	config Config
	client *client
}

var (
	_ rotation.Target  = (*Target)(nil)
	_ rotation.Checker = (*Target)(nil)
	_ rotation.Lister  = (*Target)(nil)
	_ rotation.Stopper = (*Target)(nil)
	_ rotation.Planner = (*Target)(nil)
)

// New returns the target.
func New(c Config) *Target {
	return &Target{config: c, client: newClient(c.Credential, c.ClientOptions)}
}

// Deploy goes on with the task, by one step at the most.
func (t *Target) Deploy(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	hide := maskOf(d.Credential)
	settings, task, err := t.configured(ctx, d.Target)
	if err != nil {
		return rotation.Outcome{}, hide.err(err)
	}
	r, err := t.resume(ctx, d, task)
	if err != nil {
		return rotation.Outcome{}, hide.err(err)
	}
	r.extra, r.hide = settings.Parameters, hide
	outcome, err := r.goOn(ctx)
	outcome.Steps = r.steps
	return outcome, hide.err(err)
}

// Stop ends what a delivery began. A call that crashed may have begun the first step
// without leaving a handle, or the step after the one that its handle names: those
// are stopped as well.
func (t *Target) Stop(ctx context.Context, d rotation.Delivery) error {
	at, err := parsePosition(d, "")
	if err != nil {
		return err
	}
	if at.Resource != "" {
		if err := halt(ctx, t.known(at.Resource)); err != nil {
			return err
		}
	}
	_, task, err := t.configured(ctx, d.Target)
	if err != nil || d.Handle != "" && fingerprint(task) != at.Task {
		return nil // the steps that it began with are not known any more
	}
	for step := at.Step; step < min(at.Step+2, len(task.Steps)); step++ {
		if id := resourceOf(d, task, step); id != at.Resource {
			if err := halt(ctx, t.known(id)); err != nil {
				return err
			}
		}
	}
	return nil
}

// halt stops a work. Who may not stop it may still see that it ended by itself.
func halt(ctx context.Context, w work) error {
	err := w.stop(ctx)
	if err == nil {
		return nil
	}
	if class := rotation.ClassOf(err); class == rotation.Denied || class == rotation.Permanent {
		if p, lookErr := w.look(ctx); lookErr == nil && (p.ended || !p.found) {
			return nil
		}
	}
	return err
}
