package rotation

import "time"

// Severity says how bad a finding is.
type Severity string

// The severities. Unknown is of what could not be looked at and may well be next
// time: it is shown to whoever asks, and neither kept nor told.
const (
	SeverityError   Severity = "error"   // something does not work, or is about to stop
	SeverityWarning Severity = "warning" // it works, and a person should know
	SeverityUnknown Severity = "unknown"
)

// Finding is one thing that a check found wrong.
type Finding struct {
	Check string `json:"check"` // the check's name
	AppID string `json:"appId"` // empty: it concerns the installation
	// Subject is what it is about: a target or a kind of the application, a vault, an
	// entity of the bus; empty: the application or the installation itself.
	Subject  string    `json:"subject"`
	Severity Severity  `json:"severity"`
	Finding  string    `json:"finding"` // what is wrong, for people
	Remedy   string    `json:"remedy"`  // what a person can do
	Since    time.Time `json:"since"`   // when it was first seen
	// Unable says that the check itself could not be run.
	Unable bool `json:"unable"`
	// Told says that everybody who is to hear of it was told.
	Told bool `json:"told"`
}

// ID is the same for every repetition of what is told about the finding.
func (f Finding) ID() string {
	return "finding." + f.AppID + "." + f.Check + "." + f.Subject + "." + string(f.Severity) + "." + f.Since.UTC().Format(time.RFC3339Nano)
}
