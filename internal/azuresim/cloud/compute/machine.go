package compute

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// Script is what a machine's scripts do: it gets the parameters that arrived, the
// protected ones among them, and returns what was printed and the exit code.
type Script func(parameters map[string]string) (output string, exitCode int)

// Machine is a virtual machine that stands from the start.
type Machine struct {
	Subscription  string
	ResourceGroup string // made as needed
	Name          string
	Location      string // westeurope when left out
	Linux         bool   // else Windows
	Stopped       bool   // deallocated
	Runs          Script // when left out, scripts print nothing and succeed
	Takes         time.Duration
}

type machine struct {
	Machine
	id       string
	vmID     string
	commands []*command
}

func (m *machine) osType() string {
	if m.Linux {
		return "Linux"
	}
	return "Windows"
}

// AddMachine adds a machine and returns its identifier.
func (s *Service) AddMachine(seed Machine) string {
	seed.Location = cmp.Or(seed.Location, "westeurope")
	if seed.Runs == nil {
		seed.Runs = func(map[string]string) (string, int) { return "", 0 }
	}
	group := s.manager.AddResourceGroup(seed.Subscription, seed.ResourceGroup, seed.Location)
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &machine{Machine: seed, id: group + "/providers/Microsoft.Compute/virtualMachines/" + seed.Name, vmID: uuid.NewString()}
	s.machines = append(s.machines, made)
	return made.id
}

// SetStopped stops a machine or starts it.
func (s *Service) SetStopped(id string, stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.machineAt(id); found != nil {
		found.Stopped = stopped
	}
}

// RemoveMachine deletes a machine with its commands.
func (s *Service) RemoveMachine(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machines = slices.DeleteFunc(s.machines, func(m *machine) bool { return strings.EqualFold(m.id, id) })
}

func (s *Service) machineAt(id string) *machine {
	i := slices.IndexFunc(s.machines, func(m *machine) bool { return strings.EqualFold(m.id, id) })
	if i < 0 {
		return nil
	}
	return s.machines[i]
}

const (
	readMachines     = "Microsoft.Compute/virtualMachines/read"
	readInstanceView = "Microsoft.Compute/virtualMachines/instanceView/read"
)

type machineJSON struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Location   string            `json:"location"`
	Properties machineProperties `json:"properties"`
}

type machineProperties struct {
	VMID              string         `json:"vmId"`
	ProvisioningState string         `json:"provisioningState"`
	StorageProfile    map[string]any `json:"storageProfile"`
	InstanceView      *machineView   `json:"instanceView,omitempty"`
}

type machineView struct {
	Statuses []statusJSON `json:"statuses"`
}

type statusJSON struct {
	Code          string `json:"code"`
	Level         string `json:"level"`
	DisplayStatus string `json:"displayStatus"`
}

func (m *machine) json(withView bool) machineJSON {
	body := machineJSON{
		ID: m.id, Name: m.Name, Type: "Microsoft.Compute/virtualMachines", Location: m.Location,
		Properties: machineProperties{VMID: m.vmID, ProvisioningState: "Succeeded",
			StorageProfile: map[string]any{"osDisk": map[string]string{"osType": m.osType()}}},
	}
	if withView {
		body.Properties.InstanceView = m.view()
	}
	return body
}

func (m *machine) view() *machineView {
	power := statusJSON{Code: "PowerState/running", Level: "Info", DisplayStatus: "VM running"}
	if m.Stopped {
		power = statusJSON{Code: "PowerState/deallocated", Level: "Info", DisplayStatus: "VM deallocated"}
	}
	return &machineView{[]statusJSON{{Code: "ProvisioningState/succeeded", Level: "Info", DisplayStatus: "Provisioning succeeded"}, power}}
}

// https://learn.microsoft.com/rest/api/compute/virtual-machines/list-all
// https://learn.microsoft.com/rest/api/compute/virtual-machines/list
func (s *Service) list(r *resourcemanager.Request) (int, any, error) {
	scope := "/subscriptions/" + r.Path["subscription"]
	if r.Path["group"] != "" {
		if _, err := r.Group(); err != nil {
			return 0, nil, err
		}
		scope += "/resourceGroups/" + r.Path["group"]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []any{}
	for _, m := range s.machines {
		if inside(scope, m.id) && r.MayRead(readMachines, m.id) {
			found = append(found, m.json(strings.EqualFold(r.URL.Query().Get("statusOnly"), "true")))
		}
	}
	if len(found) == 0 {
		if err := r.Authorize(readMachines, scope); err != nil {
			return 0, nil, err
		}
	}
	return r.Page(found)
}

func inside(scope, id string) bool {
	return strings.HasPrefix(strings.ToLower(id), strings.ToLower(scope)+"/")
}

// https://learn.microsoft.com/rest/api/compute/virtual-machines/get
func (s *Service) get(r *resourcemanager.Request) (int, any, error) {
	found, err := s.authorized(r, readMachines, machineID(r))
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return http.StatusOK, found.json(strings.EqualFold(r.URL.Query().Get("$expand"), "instanceView")), nil
}

// https://learn.microsoft.com/rest/api/compute/virtual-machines/instance-view
func (s *Service) getView(r *resourcemanager.Request) (int, any, error) {
	found, err := s.authorized(r, readInstanceView, machineID(r))
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return http.StatusOK, found.view(), nil
}

// authorized returns the machine that the call names. A machine that does not
// exist is named only to those who may act on it.
func (s *Service) authorized(r *resourcemanager.Request, action, scope string) (*machine, error) {
	if err := r.Authorize(action, scope); err != nil {
		return nil, err
	}
	if _, err := r.Group(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.machineAt(machineID(r))
	switch {
	case found != nil:
		return found, nil
	case scope == machineID(r):
		return nil, notFound("virtualMachines/"+r.Path["machine"], r.Path["group"])
	}
	return nil, resourcemanager.Refuse(http.StatusNotFound, "ParentResourceNotFound", "Failed to perform 'write' on resource(s) of type 'virtualMachines/runCommands', because the parent resource '%s' could not be found.", machineID(r))
}

func machineID(r *resourcemanager.Request) string {
	return "/subscriptions/" + r.Path["subscription"] + "/resourceGroups/" + r.Path["group"] + "/providers/Microsoft.Compute/virtualMachines/" + r.Path["machine"]
}

func notFound(what, group string) error {
	return resourcemanager.Refuse(http.StatusNotFound, "ResourceNotFound", "The Resource 'Microsoft.Compute/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", what, group)
}
