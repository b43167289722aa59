package rotation

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The limits of a task. Its steps are one property of a row, which holds 32 Ki
// characters, and so are the reports of its steps.
const (
	mostSteps     = 10
	longestSteps  = 30_000
	longestName   = 100
	mostMinutes   = 90 // as long as a command on a machine may run
	parameterMost = 30
)

// The forms of what a task names. They also keep anything but names out of paths
// and of generated scripts.
// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
var (
	stepName      = regexp.MustCompile(`^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]{0,58}[\p{L}\p{N}._-])?$`)
	parameterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
	vaultName     = regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9]){2,23}$`)
	secretName    = regexp.MustCompile(`^[0-9a-zA-Z-]{1,127}$`)
	runbookName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)
	workerGroup   = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,127}$`)
	locationName  = regexp.MustCompile(`^[a-z][a-z0-9]{1,39}$`)
	versionName   = regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,3})?$`)
	beginsFile    = regexp.MustCompile(`(?im)^\s*(using\s+(namespace|module|assembly)\s|#requires\s)`)
	groupPattern  = `/subscriptions/[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/resourceGroups/[\p{L}\p{N}_().-]{0,89}[\p{L}\p{N}_()-]`
	groupID       = regexp.MustCompile(`(?i)^` + groupPattern + `$`)
	vmID          = resource("Microsoft.Compute/virtualMachines", `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`)
	accountID     = resource("Microsoft.Automation/automationAccounts", `[A-Za-z][A-Za-z0-9-]{4,48}[A-Za-z0-9]`)
	storageID     = resource("Microsoft.Storage/storageAccounts", `[a-z0-9]{3,24}`)
	identityID    = resource("Microsoft.ManagedIdentity/userAssignedIdentities", `[A-Za-z0-9][A-Za-z0-9_-]{2,127}`)
)

func resource(kind, name string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)^` + groupPattern + `/providers/` + regexp.QuoteMeta(kind) + `/` + name + `$`)
}

// checker collects what is wrong, each with its field.
type checker struct {
	field    string
	problems []Problem
}

func (c *checker) in(field string) *checker { return &checker{field: c.field + field} }

func (c *checker) with(inner *checker) { c.problems = append(c.problems, inner.problems...) }

func (c *checker) wrong(field, format string, args ...any) {
	c.problems = append(c.problems, Problem{strings.TrimPrefix(c.field+field, "."), fmt.Sprintf(format, args...)})
}

// matches asks that a text have a form, which is described in words.
func (c *checker) matches(field, text string, form *regexp.Regexp, words string) {
	if !form.MatchString(text) {
		c.wrong(field, "must be %s", words)
	}
}

func (c *checker) resource(field, id string, form *regexp.Regexp, kind string) {
	c.matches(field, id, form, "the resource id of one: /subscriptions/<id>/resourceGroups/<group>/providers/"+kind+"/<name>")
}

// Check returns everything that is wrong with a task. It asks nobody: that what is
// named exists and lets rekey in is for the target's check to find out.
func (t Task) Check() []Problem {
	c := &checker{}
	if name := strings.TrimSpace(t.Name); name == "" || utf8.RuneCountInString(name) > longestName {
		c.wrong("name", "must be 1 to %d characters", longestName)
	}
	if len(t.Steps) == 0 || len(t.Steps) > mostSteps {
		c.wrong("steps", "must be 1 to %d", mostSteps)
	}
	seen := map[string]bool{}
	for i, s := range t.Steps {
		step := c.in(fmt.Sprintf("steps[%d]", i))
		if name := strings.ToLower(s.Name); seen[name] {
			step.wrong(".name", "is that of an earlier step")
		} else {
			seen[name] = true
		}
		s.check(step)
		c.with(step)
	}
	if text, _ := json.Marshal(t.Steps); len(text) > longestSteps {
		c.wrong("steps", "must be %d characters at most in all, not %d: keep long scripts where they run, and call them", longestSteps, len(text))
	}
	return c.problems
}
