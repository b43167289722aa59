package automation

import (
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// Options are delays. The zero value has none.
type Options struct {
	Queued time.Duration // until a job runs
	Takes  time.Duration // how long jobs run, where the runbook does not say
	Stops  time.Duration // until a job that is to stop has
}

// Service is Microsoft.Automation. Its methods may be called from any goroutine.
type Service struct {
	clock   *clock.Clock
	manager *resourcemanager.Service
	options Options

	mu       sync.Mutex
	accounts []*account
}

const (
	listPath    = "/subscriptions/{subscription}/providers/Microsoft.Automation/automationAccounts"
	groupPath   = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Automation/automationAccounts"
	accountPath = groupPath + "/{account}"
	jobPath     = accountPath + "/jobs/{job}"
)

// New returns the provider without accounts, mounted into Resource Manager.
func New(clk *clock.Clock, manager *resourcemanager.Service, options Options) *Service {
	s := &Service{clock: clk, manager: manager, options: options}
	for _, o := range []struct {
		method, template, resourceType string
		handle                         func(*resourcemanager.Request) (int, any, error)
	}{
		{"GET", listPath, "automationAccounts", s.listAccounts},
		{"GET", groupPath, "automationAccounts", s.listAccounts},
		{"GET", accountPath, "automationAccounts", s.getAccount},
		{"GET", accountPath + "/runbooks", "automationAccounts/runbooks", s.listRunbooks},
		{"GET", accountPath + "/runbooks/{runbook}", "automationAccounts/runbooks", s.getRunbook},
		{"PUT", jobPath, "automationAccounts/jobs", s.putJob},
		{"GET", jobPath, "automationAccounts/jobs", s.getJob},
		{"GET", jobPath + "/output", "automationAccounts/jobs", s.getOutput},
		{"GET", jobPath + "/streams", "automationAccounts/jobs", s.listStreams},
		{"POST", jobPath + "/stop", "automationAccounts/jobs", s.stopJob},
	} {
		manager.Mount(resourcemanager.Operation{
			Method: o.method, Template: o.template, ResourceType: o.resourceType, Versions: versions(), Handle: o.handle,
		})
	}
	return s
}

func versions() []string {
	return strings.Fields(`
		2015-10-31 2017-05-15-preview 2018-01-15 2018-06-30 2019-06-01 2020-01-13-preview 2021-06-22 2022-08-08 2023-11-01 2024-10-23`)
}
