package compute

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// command is one managed Run Command.
type command struct {
	name       string
	script     string
	async      bool
	plain      []parameterJSON
	protected  []parameterJSON
	timeout    time.Duration
	begun      time.Time // when it was put
	starts     time.Time // when the script starts
	ends       time.Time
	gone       time.Time // when its deletion is done; zero while nobody deletes it
	executions int

	ran      bool
	output   string
	refused  string // what PowerShell says that does not begin the script
	exitCode int
}

type commandJSON struct {
	ID         string             `json:"id,omitempty"`
	Name       string             `json:"name,omitempty"`
	Type       string             `json:"type,omitempty"`
	Location   string             `json:"location,omitempty"`
	Tags       map[string]string  `json:"tags,omitempty"`
	Properties *commandProperties `json:"properties,omitempty"`
}

type commandProperties struct {
	Source              *sourceJSON     `json:"source,omitempty"`
	Parameters          []parameterJSON `json:"parameters,omitempty"`
	ProtectedParameters []parameterJSON `json:"protectedParameters,omitempty"`
	AsyncExecution      bool            `json:"asyncExecution"`
	TreatAsFailure      bool            `json:"treatFailureAsDeploymentFailure"`
	TimeoutInSeconds    int             `json:"timeoutInSeconds,omitempty"`
	ProvisioningState   string          `json:"provisioningState,omitempty"`
	InstanceView        *viewJSON       `json:"instanceView,omitempty"`
}

type sourceJSON struct {
	Script string `json:"script,omitempty"`
}

type parameterJSON struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type viewJSON struct {
	ExecutionState   string     `json:"executionState"`
	ExecutionMessage string     `json:"executionMessage"`
	ExitCode         int        `json:"exitCode"`
	Output           string     `json:"output"`
	Error            string     `json:"error"`
	StartTime        *time.Time `json:"startTime,omitempty"`
	EndTime          *time.Time `json:"endTime,omitempty"`
	Statuses         []any      `json:"statuses"`
}

// defaultTimeout is that of a command that names none.
const defaultTimeout = 90 * time.Minute

// parse reads and checks a body.
func parse(r *resourcemanager.Request, m *machine) (*command, error) {
	var raw json.RawMessage
	if err := r.Decode(&raw); err != nil {
		return nil, err
	}
	var body commandJSON
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return nil, badRequest("InvalidParameter", "The request has a member that is not known or of another type: %v.", err)
	}
	p := body.Properties
	switch {
	case body.Location == "":
		return nil, badRequest("LocationRequired", "The location property is required for this definition.")
	case body.Location != m.Location:
		return nil, resourcemanager.Refuse(http.StatusConflict, "InvalidResourceLocation", "The resource '%s' has to be in location '%s' of its virtual machine.", r.Path["command"], m.Location)
	case p == nil || p.Source == nil || p.Source.Script == "":
		return nil, badRequest("InvalidParameter", "Required parameter 'source.script' is missing (null).")
	case p.TimeoutInSeconds < 0:
		return nil, badRequest("InvalidParameter", "The value of parameter timeoutInSeconds is invalid.")
	}
	for _, one := range append(append([]parameterJSON{}, p.Parameters...), p.ProtectedParameters...) {
		if one.Name == "" && !m.Linux || one.Value == "" {
			return nil, badRequest("InvalidParameter", "The name and the value of a parameter are required.")
		}
	}
	timeout := cmp.Or(time.Duration(p.TimeoutInSeconds)*time.Second, defaultTimeout)
	return &command{name: r.Path["command"], script: p.Source.Script, async: p.AsyncExecution,
		plain: p.Parameters, protected: p.ProtectedParameters, timeout: timeout}, nil
}

func badRequest(code, format string, args ...any) error {
	return resourcemanager.Refuse(http.StatusBadRequest, code, format, args...)
}

// begin starts the clock of a command.
func (s *Service) begin(m *machine, c *command, now time.Time) {
	c.begun, c.starts = now, now.Add(s.options.Starting)
	c.ends = c.starts.Add(min(cmp.Or(m.Takes, s.options.Takes), c.timeout))
}

// catchUp runs every script that has been due since somebody looked last. Without
// a delay that is at once.
func (s *Service) catchUp(now time.Time) {
	for _, m := range s.machines {
		kept := m.commands[:0]
		for _, c := range m.commands {
			if c.gone.IsZero() && !c.ran && !now.Before(c.starts) {
				c.run(m)
			}
			if c.gone.IsZero() || now.Before(c.gone) {
				kept = append(kept, c)
			}
		}
		m.commands = kept
	}
}

func (c *command) run(m *machine) {
	c.ran = true
	c.executions++
	arrived := map[string]string{}
	for _, one := range append(append([]parameterJSON{}, c.plain...), c.protected...) {
		arrived[one.Name] = one.Value
	}
	if !m.Linux {
		c.refused = bind(c.script, arrived)
	}
	if c.refused != "" {
		c.exitCode = 1
		return
	}
	c.output, c.exitCode = m.Runs(arrived)
}
