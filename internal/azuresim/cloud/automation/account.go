package automation

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// Script is what a runbook does: it gets the parameters that arrived, and returns
// what was printed and the exit code, of which anything but 0 is a failure.
type Script func(parameters map[string]string) (output string, exitCode int)

// Account is an Automation account that stands from the start.
type Account struct {
	Subscription  string
	ResourceGroup string // made as needed
	Name          string
	Location      string // westeurope when left out
	Runbooks      []Runbook
	WorkerGroups  []string // of hybrid workers
}

// Runbook is a runbook of an account.
type Runbook struct {
	Name       string
	State      string          // Published when left out; New and Edit
	Parameters map[string]bool // by name, whether mandatory; nil takes any
	Runs       Script          // when left out, it prints nothing and succeeds
	Takes      time.Duration
	// Ends is the status that a job ends with instead of Completed or Failed:
	// Suspended, for example.
	Ends string
}

type account struct {
	Account
	id   string
	jobs []*job
}

// AddAccount adds an account and returns its identifier.
func (s *Service) AddAccount(seed Account) string {
	seed.Location = cmp.Or(seed.Location, "westeurope")
	group := s.manager.AddResourceGroup(seed.Subscription, seed.ResourceGroup, seed.Location)
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &account{Account: seed, id: group + "/providers/Microsoft.Automation/automationAccounts/" + seed.Name}
	s.accounts = append(s.accounts, made)
	return made.id
}

func (s *Service) accountAt(id string) *account {
	i := slices.IndexFunc(s.accounts, func(a *account) bool { return strings.EqualFold(a.id, id) })
	if i < 0 {
		return nil
	}
	return s.accounts[i]
}

func (a *account) runbook(name string) (Runbook, bool) {
	i := slices.IndexFunc(a.Runbooks, func(r Runbook) bool { return strings.EqualFold(r.Name, name) })
	if i < 0 {
		return Runbook{}, false
	}
	return a.Runbooks[i], true
}

const readAccounts = "Microsoft.Automation/automationAccounts/read"

func (a *account) json() any {
	return map[string]any{
		"id": a.id, "name": a.Name, "type": "Microsoft.Automation/AutomationAccounts", "location": a.Location,
		"properties": map[string]any{"state": "Ok", "sku": map[string]string{"name": "Basic"}},
	}
}

// https://learn.microsoft.com/rest/api/automation/automation-account/list
// https://learn.microsoft.com/rest/api/automation/automation-account/list-by-resource-group
func (s *Service) listAccounts(r *resourcemanager.Request) (int, any, error) {
	scope := "/subscriptions/" + r.Path["subscription"]
	if r.Path["group"] != "" {
		if _, err := r.Group(); err != nil {
			return 0, nil, err
		}
		scope += "/resourceGroups/" + r.Path["group"]
	}
	found := []any{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accounts {
		if strings.HasPrefix(strings.ToLower(a.id), strings.ToLower(scope)+"/") && r.MayRead(readAccounts, a.id) {
			found = append(found, a.json())
		}
	}
	if len(found) == 0 {
		if err := r.Authorize(readAccounts, scope); err != nil {
			return 0, nil, err
		}
	}
	return r.Page(found)
}

// https://learn.microsoft.com/rest/api/automation/automation-account/get
func (s *Service) getAccount(r *resourcemanager.Request) (int, any, error) {
	return s.within(r, readAccounts, accountID(r), func(a *account) (int, any) { return http.StatusOK, a.json() })
}

// within answers about an account that the caller may act on, under the lock.
func (s *Service) within(r *resourcemanager.Request, action, scope string, answer func(*account) (int, any)) (int, any, error) {
	if err := r.Authorize(action, scope); err != nil {
		return 0, nil, err
	}
	if _, err := r.Group(); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.accountAt(accountID(r))
	switch {
	case found != nil:
		s.catchUp(r.Now)
		status, body := answer(found)
		return status, body, nil
	case scope == accountID(r):
		return 0, nil, resourcemanager.Refuse(http.StatusNotFound, "ResourceNotFound", "The Resource 'Microsoft.Automation/automationAccounts/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", r.Path["account"], r.Path["group"])
	}
	return 0, nil, resourcemanager.Refuse(http.StatusNotFound, "ParentResourceNotFound", "Failed to perform an operation on a resource of the parent resource '%s', which could not be found.", accountID(r))
}

func accountID(r *resourcemanager.Request) string {
	return "/subscriptions/" + r.Path["subscription"] + "/resourceGroups/" + r.Path["group"] + "/providers/Microsoft.Automation/automationAccounts/" + r.Path["account"]
}

func (a *account) runbookJSON(r Runbook) any {
	parameters := map[string]any{}
	for name, mandatory := range r.Parameters {
		parameters[name] = map[string]any{"type": "System.String", "isMandatory": mandatory}
	}
	return map[string]any{
		"id": a.id + "/runbooks/" + r.Name, "name": r.Name, "type": "Microsoft.Automation/AutomationAccounts/Runbooks", "location": a.Location,
		"properties": map[string]any{"runbookType": "PowerShell", "state": cmp.Or(r.State, "Published"), "parameters": parameters},
	}
}

const readRunbooks = "Microsoft.Automation/automationAccounts/runbooks/read"

// https://learn.microsoft.com/rest/api/automation/runbook/list-by-automation-account
func (s *Service) listRunbooks(r *resourcemanager.Request) (status int, body any, err error) {
	found := []any{}
	_, _, err = s.within(r, readRunbooks, accountID(r)+"/runbooks", func(a *account) (int, any) {
		for _, one := range a.Runbooks {
			found = append(found, a.runbookJSON(one))
		}
		return http.StatusOK, nil
	})
	if err != nil {
		return 0, nil, err
	}
	return r.Page(found)
}

// https://learn.microsoft.com/rest/api/automation/runbook/get
func (s *Service) getRunbook(r *resourcemanager.Request) (int, any, error) {
	return s.within(r, readRunbooks, accountID(r)+"/runbooks/"+r.Path["runbook"], func(a *account) (int, any) {
		if found, known := a.runbook(r.Path["runbook"]); known {
			return http.StatusOK, a.runbookJSON(found)
		}
		return refused(http.StatusNotFound, "NotFound", "The Runbook was not found.")
	})
}

// refused is a refusal of the provider itself, which has no envelope.
func refused(status int, code, message string) (int, any) {
	return status, map[string]string{"code": code, "message": message}
}
