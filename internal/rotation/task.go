package rotation

import (
	"cmp"
	"slices"
	"strings"
)

// Task is work that is done with every new credential, in steps, one after the
// other. Many targets may name the same one. It holds no secret.
type Task struct {
	ID    string     `json:"id"`
	Name  string     `json:"name"`
	Steps []TaskStep `json:"steps"`
}

// TaskStep is one step: exactly one of its kinds is there.
type TaskStep struct {
	Name       string          `json:"name"`
	RunCommand *RunCommandStep `json:"runCommand,omitempty"`
	Runbook    *RunbookStep    `json:"runbook,omitempty"`
	PowerShell *PowerShellStep `json:"powershell,omitempty"`
	// TimeoutMinutes is how long it may run.
	TimeoutMinutes int `json:"timeoutMinutes,omitempty"`
}

// RunCommandStep runs a script on a virtual machine.
type RunCommandStep struct {
	VM         string            `json:"vm"` // resource id
	Shell      Shell             `json:"shell,omitempty"`
	Script     string            `json:"script"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Format     CertificateFormat `json:"format,omitempty"`
}

// RunbookStep starts a job of an Automation account. Everyone who can see the job
// can read its parameters, so the runbook gets the id of a secret in Key Vault, of
// the version that holds the credential, and reads it there as its own identity.
// A Key Vault target has to bring the credential to that secret.
type RunbookStep struct {
	Account    string            `json:"account"` // resource id
	Runbook    string            `json:"runbook"`
	Vault      string            `json:"vault"`
	SecretName string            `json:"secretName"`
	RunOn      string            `json:"runOn,omitempty"` // a group of hybrid workers; without it, Azure
	Parameters map[string]string `json:"parameters,omitempty"`
}

// PowerShellStep runs a script where it says.
type PowerShellStep struct {
	Where      Place             `json:"where"`
	Script     string            `json:"script"`
	VM         string            `json:"vm,omitempty"` // resource id, where it runs on one
	Container  *Container        `json:"container,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Format     CertificateFormat `json:"format,omitempty"`
}

// Container is where a deployment script runs, and as whom.
type Container struct {
	ResourceGroup       string `json:"resourceGroup"` // resource id
	Location            string `json:"location"`
	StorageAccount      string `json:"storageAccount"` // resource id
	Identity            string `json:"identity"`       // resource id of a user-assigned one
	AzPowerShellVersion string `json:"azPowerShellVersion,omitempty"`
}

// Shell is what runs a script on a virtual machine.
type Shell string

// The shells.
const (
	ShellPowerShell Shell = "powershell"
	ShellBash       Shell = "bash"
)

// Place is where a PowerShell script runs.
type Place string

// The places.
const (
	PlaceVM        Place = "vm"
	PlaceContainer Place = "container"
)

// CertificateFormat is how a script gets a certificate with its private key.
type CertificateFormat string

// The formats: PFX without a password in base64, and PEM.
const (
	FormatPFX CertificateFormat = "pfx"
	FormatPEM CertificateFormat = "pem"
)

// What a script gets without being told in its parameters, where it asks for it.
const (
	ParameterCredential = "NewSecret"
	ParameterAppID      = "AppId"
	ParameterTenantID   = "TenantId"
	ParameterKeyID      = "KeyId"
	// ParameterSecretID is what a runbook gets in place of the credential.
	ParameterSecretID = "SecretId"
)

// The defaults of what a task may leave out.
const (
	defaultTimeoutMinutes      = 30
	defaultAzPowerShellVersion = "10.0"
)

// WithDefaults returns the task with what was left out filled in.
func (t Task) WithDefaults() Task {
	t.Steps = slices.Clone(t.Steps)
	for i := range t.Steps {
		t.Steps[i] = t.Steps[i].withDefaults()
	}
	return t
}

func (s TaskStep) withDefaults() TaskStep {
	s.TimeoutMinutes = cmp.Or(s.TimeoutMinutes, defaultTimeoutMinutes)
	if s.RunCommand != nil {
		c := *s.RunCommand
		c.Shell = cmp.Or(c.Shell, ShellPowerShell)
		c.Format = cmp.Or(c.Format, formatFor(c.Shell))
		s.RunCommand = &c
	}
	if s.PowerShell != nil {
		p := *s.PowerShell
		p.Format = cmp.Or(p.Format, FormatPFX)
		if p.Container != nil {
			c := *p.Container
			c.AzPowerShellVersion = cmp.Or(c.AzPowerShellVersion, defaultAzPowerShellVersion)
			p.Container = &c
		}
		s.PowerShell = &p
	}
	return s
}

func formatFor(shell Shell) CertificateFormat {
	if shell == ShellBash {
		return FormatPEM
	}
	return FormatPFX
}

// OnMachine returns the step as a command for a virtual machine, or nil: a
// PowerShell script that runs on one is such a command as well.
func (s TaskStep) OnMachine() *RunCommandStep {
	if p := s.PowerShell; p != nil && p.Where == PlaceVM {
		return &RunCommandStep{VM: p.VM, Shell: ShellPowerShell, Script: p.Script, Parameters: p.Parameters, Format: p.Format}
	}
	return s.RunCommand
}

// InContainer returns the step as a script for a container, or nil.
func (s TaskStep) InContainer() *PowerShellStep {
	if p := s.PowerShell; p != nil && p.Where == PlaceContainer {
		return p
	}
	return nil
}

// UsesVault reports whether a step hands on a secret of a vault.
func (t Task) UsesVault(name string) bool {
	return slices.ContainsFunc(t.Steps, func(s TaskStep) bool {
		return s.Runbook != nil && strings.EqualFold(s.Runbook.Vault, name)
	})
}
