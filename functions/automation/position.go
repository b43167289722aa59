package automation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// position is how far a delivery has come: what a handle holds.
//
//	begin -> running -> ending -> begin of the next step | done
//
// A step is ending while what it left behind, a run command for example, has yet
// to be removed.
type position struct {
	// Task is the fingerprint of the steps that the position is in.
	Task  string `json:"t"`
	Step  int    `json:"s"`
	Phase phase  `json:"p,omitempty"`
	// Since is when the phase began, in seconds.
	Since int64 `json:"b,omitempty"`
	// Resource is what runs, so that it can be stopped whatever became of the task.
	Resource string `json:"r,omitempty"`
}

type phase string

const (
	phaseBegin   phase = ""
	phaseRunning phase = "run"
	phaseEnding  phase = "end"
)

// parsePosition reads a delivery's handle. The first try has none.
func parsePosition(d rotation.Delivery, fingerprint string) (p position, err error) {
	if d.Handle == "" {
		return position{Task: fingerprint}, nil
	}
	if err := json.Unmarshal([]byte(d.Handle), &p); err != nil || p.Step < 0 || !p.isOf(d) {
		return p, rotation.Permanently("automation: the handle %q is not one of this target", d.Handle)
	}
	return p, nil
}

// resourceForm is what a step may run as.
var resourceForm = regexp.MustCompile(`(?i)^/subscriptions/[0-9a-f-]{36}/resourceGroups/[\p{L}\p{N}_().-]{0,89}[\p{L}\p{N}_()-]/providers/(` +
	`Microsoft\.Compute/virtualMachines/[a-z0-9][a-z0-9._-]*/runCommands/` + prefix +
	`|Microsoft\.Resources/deploymentScripts/` + prefix +
	`|Microsoft\.Automation/automationAccounts/[a-z0-9-]+/jobs/` +
	`)[0-9a-f-]{36}$`)

// isOf reports whether what runs has the name that only this delivery's step has. A
// handle comes from a row, and what it names is stopped and deleted: a forged one must
// not name what others run.
func (p position) isOf(d rotation.Delivery) bool {
	return p.Resource == "" || resourceForm.MatchString(p.Resource) && strings.HasSuffix(p.Resource, "/"+p.name(d))
}

func (p position) name(d rotation.Delivery) string {
	name := nameOf(d, p.Step)
	if strings.Contains(p.Resource, "/jobs/") {
		return name
	}
	return prefix + name
}

func (p position) handle() string {
	text, _ := json.Marshal(p) // texts and numbers have no error
	return string(text)
}

func (p position) since(now time.Time) time.Duration { return now.Sub(time.Unix(p.Since, 0)) }

// fingerprint tells whether a task has the steps that a delivery began with.
func fingerprint(task rotation.Task) string {
	text, _ := json.Marshal(task.Steps)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
