package automation

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// machineWork is a managed Run Command on a virtual machine. All its parameters are
// protected: nobody can read them back.
// https://learn.microsoft.com/azure/virtual-machines/windows/run-command-managed
type machineWork struct {
	client  *client
	step    rotation.RunCommandStep
	minutes int
	id      string
}

func (*machineWork) leaves() string { return "run command" }

// virtualMachine is what is read of a machine.
type virtualMachine struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Location   string `json:"location"`
	Properties struct {
		StorageProfile struct {
			OSDisk struct {
				OSType string `json:"osType"`
			} `json:"osDisk"`
		} `json:"storageProfile"`
		InstanceView machineView `json:"instanceView"`
	} `json:"properties"`
}

type machineView struct {
	Statuses []struct {
		Code string `json:"code"`
	} `json:"statuses"`
}

// power returns the machine's power state: running, deallocated, stopped; or
// nothing where it is not told.
func (v machineView) power() string {
	for _, s := range v.Statuses {
		if state, is := strings.CutPrefix(s.Code, "PowerState/"); is {
			return state
		}
	}
	return ""
}

const contributor = "Virtual Machine Contributor"

// https://learn.microsoft.com/rest/api/compute/virtual-machines/get
func (c *client) machine(ctx context.Context, id string, withView bool) (found virtualMachine, err error) {
	doing := fmt.Sprintf("read virtual machine %q", last(id))
	request := call{method: http.MethodGet, id: id, version: computeVersion, into: &found}
	if withView {
		request.query = expanded()
	}
	err = c.do(ctx, doing, request)
	if err == nil && found.Location == "" {
		err = transient(doing, fmt.Errorf("the answer names no location"))
	}
	return found, withRemedy(err, rotation.Denied, assign(contributor, id))
}

// shellFits refuses a script for another operating system.
func (v virtualMachine) shellFits(shell rotation.Shell) error {
	system := v.Properties.StorageProfile.OSDisk.OSType
	if shell == rotation.ShellBash && strings.EqualFold(system, "Windows") {
		return rotation.Permanently("automation: virtual machine %q runs Windows, and the script is for a shell of Linux", v.Name)
	}
	return nil
}

// begin puts the run command. It has to be where its machine is.
// https://learn.microsoft.com/rest/api/compute/virtual-machine-run-commands/create-or-update
func (w *machineWork) begin(ctx context.Context, d rotation.Delivery, extra map[string]string) (string, error) {
	vm, err := w.client.machine(ctx, w.step.VM, false)
	if err != nil {
		return "", err
	}
	if err := vm.shellFits(w.step.Shell); err != nil {
		return "", err
	}
	parameters, err := parametersFor(d, asking{w.step.Script, w.step.Shell, w.step.Parameters, w.step.Format}, extra)
	if err != nil {
		return "", err
	}
	var body, made runCommand
	body.Location = vm.Location
	body.Properties.Source.Script = w.step.Script
	body.Properties.AsyncExecution = true
	body.Properties.TimeoutInSeconds = w.minutes * 60
	for _, p := range parameters {
		body.Properties.ProtectedParameters = append(body.Properties.ProtectedParameters, namedValue{p.name, p.value.Reveal()})
	}
	doing := fmt.Sprintf("run a command on %q", vm.Name)
	err = w.client.do(ctx, doing, call{method: http.MethodPut, id: w.id, version: computeVersion, body: body, into: &made})
	if err == nil && !strings.EqualFold(last(made.ID), last(w.id)) {
		err = transient(doing, fmt.Errorf("the answer does not name the command"))
	}
	return "", withRemedy(err, rotation.Denied, assign(contributor, w.step.VM))
}

// look reads the instance view: whether a script failed stands nowhere else.
// https://learn.microsoft.com/rest/api/compute/virtual-machine-run-commands/get-by-virtual-machine
func (w *machineWork) look(ctx context.Context) (progress, error) {
	var found runCommand
	doing := fmt.Sprintf("read run command %q", last(w.id))
	err := w.client.do(ctx, doing, call{method: http.MethodGet, id: w.id, version: computeVersion, query: expanded(), into: &found})
	switch {
	case rotation.ClassOf(err) == rotation.NotFound:
		return progress{}, nil
	case err != nil:
		return progress{}, err
	case found.ID == "":
		return progress{}, transient(doing, fmt.Errorf("the answer names no command"))
	}
	return found.progress(), nil
}

// stop deletes the run command, which ends a script that still runs.
// https://learn.microsoft.com/rest/api/compute/virtual-machine-run-commands/delete
func (w *machineWork) stop(ctx context.Context) error {
	return w.client.remove(ctx, fmt.Sprintf("delete run command %q", last(w.id)), w.id, computeVersion)
}

// remove deletes a resource. What is gone already is success, and so is what Azure
// has accepted to delete.
func (c *client) remove(ctx context.Context, doing, id, version string) error {
	err := c.do(ctx, doing, call{method: http.MethodDelete, id: id, version: version})
	if err != nil && rotation.ClassOf(err) == rotation.NotFound {
		return nil
	}
	return err
}

// assign is the command with which a person lets rekey do something.
func assign(role, scope string) string {
	return fmt.Sprintf("let rekey's identity do it: az role assignment create --assignee-object-id <rekey's identity> --assignee-principal-type ServicePrincipal --role %q --scope %s", role, scope)
}
