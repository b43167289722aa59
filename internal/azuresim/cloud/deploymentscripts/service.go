package deploymentscripts

import (
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// Options are delays. The zero value has none.
type Options struct {
	Provisioning time.Duration // until a script's container runs
	Takes        time.Duration // how long scripts run
}

// Script is what scripts do: it gets the environment that arrived, and returns what
// was printed and the exit code.
type Script func(environment map[string]string) (output string, exitCode int)

// Service is deployment scripts, storage accounts and user-assigned identities. Its
// methods may be called from any goroutine.
type Service struct {
	clock   *clock.Clock
	manager *resourcemanager.Service
	options Options

	mu         sync.Mutex
	scripts    []*script
	accounts   []*account
	identities []*identity
	runs       Script
}

const (
	subscriptionPath = "/subscriptions/{subscription}"
	groupPath        = subscriptionPath + "/resourceGroups/{group}"
	scriptPath       = groupPath + "/providers/Microsoft.Resources/deploymentScripts/{script}"
	storagePath      = groupPath + "/providers/Microsoft.Storage/storageAccounts/{account}"
	identityPath     = groupPath + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{identity}"
)

// New returns the providers with nothing in them, mounted into Resource Manager.
func New(clk *clock.Clock, manager *resourcemanager.Service, options Options) *Service {
	s := &Service{clock: clk, manager: manager, options: options}
	for _, o := range []struct {
		method, template, resourceType, versions string
		handle                                   func(*resourcemanager.Request) (int, any, error)
	}{
		{"PUT", scriptPath, "deploymentScripts", scriptVersions, s.put},
		{"GET", scriptPath, "deploymentScripts", scriptVersions, s.get},
		{"DELETE", scriptPath, "deploymentScripts", scriptVersions, s.delete},
		{"GET", scriptPath + "/logs/default", "deploymentScripts", scriptVersions, s.getLog},
		{"GET", storagePath, "storageAccounts", storageVersions, s.getAccount},
		{"POST", storagePath + "/listKeys", "storageAccounts", storageVersions, s.listKeys},
		{"GET", identityPath, "userAssignedIdentities", identityVersions, s.getIdentity},
	} {
		manager.Mount(resourcemanager.Operation{
			Method: o.method, Template: o.template, ResourceType: o.resourceType, Versions: strings.Fields(o.versions), Handle: o.handle,
		})
	}
	return s
}

const (
	scriptVersions   = "2019-10-01-preview 2020-10-01 2023-08-01"
	storageVersions  = "2021-04-01 2021-06-01 2021-08-01 2021-09-01 2022-05-01 2022-09-01 2023-01-01 2023-04-01 2023-05-01 2024-01-01"
	identityVersions = "2018-11-30 2022-01-31-preview 2023-01-31 2023-07-31-preview 2024-11-30"
)

// OnRun decides what every script does. Without it scripts print nothing and succeed.
func (s *Service) OnRun(runs Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = runs
}
