package compute

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

func commandID(r *resourcemanager.Request) string {
	return machineID(r) + "/runCommands/" + r.Path["command"]
}

func (m *machine) command(name string) *command {
	i := slices.IndexFunc(m.commands, func(c *command) bool { return strings.EqualFold(c.name, name) })
	if i < 0 {
		return nil
	}
	return m.commands[i]
}

// provisioning says how far the platform is with a command; how far the script is
// stands in the instance view.
func (c *command) provisioning(now time.Time) string {
	ready := c.ends
	if c.async {
		ready = c.starts
	}
	switch {
	case !c.gone.IsZero():
		return "Deleting"
	case now.Before(ready) && c.executions > 1:
		return "Updating"
	case now.Before(ready):
		return "Creating"
	}
	return "Succeeded"
}

func (c *command) json(m *machine, now time.Time, withView bool) commandJSON {
	p := &commandProperties{
		Source: &sourceJSON{Script: c.script}, Parameters: c.plain, AsyncExecution: c.async,
		TimeoutInSeconds: int(c.timeout / time.Second), ProvisioningState: c.provisioning(now),
	}
	if withView {
		p.InstanceView = c.view(m, now)
	}
	return commandJSON{ID: m.id + "/runCommands/" + c.name, Name: c.name, Type: "Microsoft.Compute/virtualMachines/runCommands",
		Location: m.Location, Properties: p}
}

func (c *command) view(m *machine, now time.Time) *viewJSON {
	v := &viewJSON{ExecutionState: "Pending", Statuses: []any{}}
	if !c.ran {
		return v
	}
	start, end := c.starts, c.ends
	v.ExecutionState, v.StartTime = "Running", &start
	if now.Before(c.ends) {
		return v
	}
	v.EndTime, v.ExitCode = &end, c.exitCode
	v.Output, v.Error = last4KB(c.output), last4KB(c.refused)
	switch {
	case end.Sub(start) >= c.timeout:
		v.ExecutionState, v.ExecutionMessage, v.ExitCode = "TimedOut", "The script did not end within its timeout.", -1
	case c.exitCode != 0:
		v.ExecutionState, v.ExecutionMessage = "Failed", "RunCommand script execution failed with exit code "+strconv.Itoa(c.exitCode)
	default:
		v.ExecutionState, v.ExecutionMessage = "Succeeded", "RunCommand script execution completed"
	}
	return v
}

// most is how much of an output the instance view shows, its end.
const most = 4096

func last4KB(text string) string { return text[max(0, len(text)-most):] }

// https://learn.microsoft.com/rest/api/compute/virtual-machine-run-commands/create-or-update
func (s *Service) putCommand(r *resourcemanager.Request) (int, any, error) {
	m, err := s.authorized(r, "Microsoft.Compute/virtualMachines/runCommands/write", commandID(r))
	if err != nil {
		return 0, nil, err
	}
	made, err := parse(r, m)
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp(r.Now)
	if m.Stopped {
		return 0, nil, resourcemanager.Refuse(http.StatusConflict, "OperationNotAllowed", "Cannot modify extensions in the VM when the VM is not running.")
	}
	status := http.StatusCreated
	if old := m.command(made.name); old != nil {
		if !old.gone.IsZero() {
			return 0, nil, resourcemanager.Refuse(http.StatusConflict, "Conflict", "The run command '%s' is being deleted.", old.name)
		}
		made.executions, status = old.executions, http.StatusOK
		m.commands = slices.DeleteFunc(m.commands, func(c *command) bool { return c == old })
	}
	m.commands = append(m.commands, made)
	s.begin(m, made, r.Now)
	s.track(r, m, made.ends)
	answer := made.json(m, r.Now, false)
	answer.Properties.ProvisioningState = map[int]string{http.StatusCreated: "Creating", http.StatusOK: "Updating"}[status]
	s.catchUp(r.Now)
	return status, answer, nil
}

// track names the operation that a client can follow to its end.
func (s *Service) track(r *resourcemanager.Request, m *machine, done time.Time) {
	id := uuid.NewString()
	s.operations[id] = done
	address := "https://management.azure.com/subscriptions/" + m.Subscription + "/providers/Microsoft.Compute/locations/" + m.Location +
		"/operations/" + id + "?api-version=" + r.URL.Query().Get("api-version")
	r.Answer.Set("Azure-AsyncOperation", address)
	if r.Method == http.MethodDelete {
		r.Answer.Set("Location", address+"&monitor=true")
	}
	r.Answer.Set("Retry-After", "10")
}

// https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
func (s *Service) getOperation(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done, known := s.operations[r.Path["operation"]]
	if !known {
		return 0, nil, resourcemanager.Refuse(http.StatusNotFound, "NotFound", "The operation '%s' was not found.", r.Path["operation"])
	}
	s.catchUp(r.Now)
	state := "Succeeded"
	if r.Now.Before(done) {
		state = "InProgress"
		r.Answer.Set("Retry-After", "10")
	}
	if r.URL.Query().Get("monitor") == "true" && state == "InProgress" {
		return http.StatusAccepted, nil, nil
	}
	return http.StatusOK, map[string]string{"name": r.Path["operation"], "status": state}, nil
}

// https://learn.microsoft.com/rest/api/compute/virtual-machine-run-commands/get-by-virtual-machine
func (s *Service) getCommand(r *resourcemanager.Request) (int, any, error) {
	m, err := s.authorized(r, "Microsoft.Compute/virtualMachines/runCommands/read", commandID(r))
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp(r.Now)
	found := m.command(r.Path["command"])
	if found == nil {
		return 0, nil, notFound("virtualMachines/"+m.Name+"/runCommands/"+r.Path["command"], m.ResourceGroup)
	}
	return http.StatusOK, found.json(m, r.Now, strings.EqualFold(r.URL.Query().Get("$expand"), "instanceView")), nil
}

// https://learn.microsoft.com/rest/api/compute/virtual-machine-run-commands/list-by-virtual-machine
func (s *Service) listCommands(r *resourcemanager.Request) (int, any, error) {
	m, err := s.authorized(r, "Microsoft.Compute/virtualMachines/runCommands/read", machineID(r)+"/runCommands")
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	s.catchUp(r.Now)
	found := []any{}
	for _, c := range m.commands {
		found = append(found, c.json(m, r.Now, false))
	}
	s.mu.Unlock()
	return r.Page(found)
}

// https://learn.microsoft.com/rest/api/compute/virtual-machine-run-commands/delete
func (s *Service) deleteCommand(r *resourcemanager.Request) (int, any, error) {
	m, err := s.authorized(r, "Microsoft.Compute/virtualMachines/runCommands/delete", commandID(r))
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp(r.Now)
	found := m.command(r.Path["command"])
	if found == nil {
		return http.StatusNoContent, nil, nil
	}
	if found.gone.IsZero() {
		found.gone = r.Now.Add(s.options.Deleting)
	}
	s.track(r, m, found.gone)
	return http.StatusAccepted, nil, nil
}
