package compute

import (
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// Options are delays. The zero value has none.
type Options struct {
	Starting time.Duration // until the agent on the machine starts a script
	Takes    time.Duration // how long scripts run, where the machine does not say
	Deleting time.Duration
}

// Service is Microsoft.Compute. Its methods may be called from any goroutine.
type Service struct {
	clock   *clock.Clock
	manager *resourcemanager.Service
	options Options

	mu         sync.Mutex
	machines   []*machine
	operations map[string]time.Time // when each is done, by its id
}

const (
	listPath       = "/subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines"
	groupPath      = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines"
	machinePath    = groupPath + "/{machine}"
	commandsPath   = machinePath + "/runCommands"
	commandPath    = commandsPath + "/{command}"
	operationsPath = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/operations/{operation}"
)

// New returns the provider without machines, mounted into Resource Manager.
func New(clk *clock.Clock, manager *resourcemanager.Service, options Options) *Service {
	s := &Service{clock: clk, manager: manager, options: options, operations: map[string]time.Time{}}
	for _, o := range []struct {
		method, template, resourceType string
		handle                         func(*resourcemanager.Request) (int, any, error)
	}{
		{"GET", listPath, "virtualMachines", s.list},
		{"GET", groupPath, "virtualMachines", s.list},
		{"GET", machinePath, "virtualMachines", s.get},
		{"GET", machinePath + "/instanceView", "virtualMachines", s.getView},
		{"GET", commandsPath, "virtualMachines/runCommands", s.listCommands},
		{"GET", commandPath, "virtualMachines/runCommands", s.getCommand},
		{"PUT", commandPath, "virtualMachines/runCommands", s.putCommand},
		{"DELETE", commandPath, "virtualMachines/runCommands", s.deleteCommand},
		{"GET", operationsPath, "locations/operations", s.getOperation},
	} {
		manager.Mount(resourcemanager.Operation{
			Method: o.method, Template: o.template, ResourceType: o.resourceType, Versions: versions(), Handle: o.handle,
		})
	}
	return s
}

// versions are those since managed Run Commands exist.
func versions() []string {
	return strings.Fields(`
		2020-12-01 2021-03-01 2021-04-01 2021-07-01 2021-11-01 2022-03-01 2022-08-01 2022-11-01 2023-03-01 2023-07-01
		2023-09-01 2024-03-01 2024-07-01 2024-11-01 2025-04-01`)
}
