package rotation

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/internal/secret"
)

// Credential is one credential with its secret part.
type Credential struct {
	Rotation ID
	Attempt  int
	KeyID    string
	Start    time.Time
	End      time.Time
	// Value is the client secret, or a certificate with its private key as package
	// certificate writes them.
	Value secret.Value
}

// Delivery is one credential on its way to one target.
type Delivery struct {
	Application Application
	TenantID    string
	Target      TargetRow
	Credential  Credential
	// Name is the same for every try of this delivery and for no other: jobs and
	// commands named after it never start twice.
	Name string
	// Handle is what the last Outcome of this delivery left, or empty.
	Handle string
	// Steps are those that the last Outcome of this delivery reported.
	Steps []StepReport
	// Tries counts the tries of this delivery, this one included.
	Tries int
}

// Outcome is what a target says after a try.
type Outcome struct {
	// Confirmed means that the credential is in use at the target.
	Confirmed bool
	// Receipt names what was written, for people and for near-expiry events.
	Receipt string
	// Handle and After, where not confirmed: come back after a time with this.
	Handle string
	After  time.Duration
	// Waiting says in words what is waited for.
	Waiting string
	// Steps are those of a delivery that takes several, as far as they have come.
	// They are recorded with an error as well, and hold no secret.
	Steps []StepReport
}

// StepReport is how far one step of a delivery has come.
type StepReport struct {
	Name   string    `json:"name"`
	State  StepState `json:"state"`
	Detail string    `json:"detail,omitempty"` // why it failed
	Output string    `json:"output,omitempty"` // the end of what it printed
}

// StepState is the state of one step.
type StepState string

// The states of a step.
const (
	StepPending   StepState = "pending"
	StepRunning   StepState = "running"
	StepSucceeded StepState = "succeeded"
	StepFailed    StepState = "failed"
)

// Target brings one place up to date.
type Target interface {
	// Deploy makes the place use the credential. It may be called many times for
	// one delivery, also after an earlier call took effect, and must be
	// idempotent. It returns at once: what takes long is begun, named in
	// Outcome.Handle and asked about in the next call. Its errors are Faults.
	Deploy(ctx context.Context, d Delivery) (Outcome, error)
}

// A Checker can say beforehand whether Deploy would work: that the place exists,
// belongs to the application and may be written. It changes nothing. A nil error
// means yes; notes are what a person should know all the same. Its errors are
// Faults with a Remedy.
type Checker interface {
	Check(ctx context.Context, app Application, t TargetRow) (notes []string, err error)
}

// A Lister offers what can be chosen for one of its settings, given what was
// chosen for others. A setting without choices, or one that needs another first,
// is a Problem. Its other errors are Faults.
type Lister interface {
	Choices(ctx context.Context, setting string, chosen map[string]string) ([]Choice, error)
}

// Choice is one value that a setting can have.
type Choice struct {
	Value string `json:"value"`
	Name  string `json:"name"`
	// Unusable says why this value would be refused, or is empty.
	Unusable string `json:"unusable,omitempty"`
}

// A Preparer grants what deployment needs. It is called before the first Deploy
// of each delivery number, and again when Deploy was denied. It must be
// idempotent: an existing grant is success.
type Preparer interface {
	Prepare(ctx context.Context, app Application, t TargetRow) error
}

// A Stopper can stop what an older deployment began, also where its tries left no
// handle. Targets without it have their older deployments asked to their end before
// a newer one starts.
type Stopper interface {
	Stop(ctx context.Context, d Delivery) error
}
