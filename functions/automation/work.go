package automation

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// work is what runs for one step, somewhere in Azure, under a name that is the
// same for every try.
type work interface {
	// begin starts it. Where something has to come first, it starts nothing and
	// says in words what it waits for.
	begin(ctx context.Context, d rotation.Delivery, extra map[string]string) (waiting string, err error)
	// look says how far it is. What was never begun, or is gone, is not found.
	look(ctx context.Context) (progress, error)
	// stop ends it as far as the service can. What is gone has been stopped.
	stop(ctx context.Context) error
}

// A remover leaves something behind that stop removes, also after it ended.
type remover interface{ leaves() string }

// progress is how far a work is.
type progress struct {
	found  bool
	ended  bool
	failed string // why, or empty
	output string // all that can be read of it, once it ended
}

// nameOf returns the name of one step's work. A delivery's own name is unique within
// its application.
func nameOf(d rotation.Delivery, step int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%s/%d", d.Application.AppID, d.Name, step)).String()
}

// prefix says in the portal whose a run command or a script is.
const prefix = "rekey-"

// workOf returns the work of one step.
func (t *Target) workOf(d rotation.Delivery, task rotation.Task, step int) work {
	s, id := task.Steps[step], resourceOf(d, task, step)
	if c := s.OnMachine(); c != nil {
		return &machineWork{t.client, *c, s.TimeoutMinutes, id}
	}
	if p := s.InContainer(); p != nil {
		return &containerWork{t.client, *p, s.TimeoutMinutes, t.config.Self, id}
	}
	return &jobWork{t.client, t.config.Vaults, *s.Runbook, id}
}

// resourceOf returns the id of what runs for one step.
func resourceOf(d rotation.Delivery, task rotation.Task, step int) string {
	s, name := task.Steps[step], nameOf(d, step)
	if c := s.OnMachine(); c != nil {
		return c.VM + "/runCommands/" + prefix + name
	}
	if p := s.InContainer(); p != nil {
		return p.Container.ResourceGroup + "/providers/Microsoft.Resources/deploymentScripts/" + prefix + name
	}
	return s.Runbook.Account + "/jobs/" + name
}

// known returns the work that a handle names, to be looked at and stopped only.
func (t *Target) known(resource string) work {
	switch {
	case strings.Contains(resource, "/runCommands/"):
		return &machineWork{client: t.client, id: resource}
	case strings.Contains(resource, "/deploymentScripts/"):
		return &containerWork{client: t.client, id: resource}
	}
	return &jobWork{client: t.client, id: resource}
}

// last returns the last part of a resource id.
func last(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// part returns the part of a resource id that follows a word.
func part(id, word string) string {
	parts := strings.Split(id, "/")
	for i := range len(parts) - 1 {
		if strings.EqualFold(parts[i], word) {
			return parts[i+1]
		}
	}
	return ""
}
