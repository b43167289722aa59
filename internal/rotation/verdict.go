package rotation

// Verdict is what a request for a token says about a new credential.
type Verdict struct {
	Kind   VerdictKind
	Reason string // for people, with the AADSTS code
}

// VerdictKind is the closed list of what such a request can mean.
type VerdictKind int

// The verdicts.
const (
	// NotYet: the credential is unknown to the replica that answered. Wait.
	NotYet VerdictKind = iota
	// Accepted: a token was issued.
	Accepted
	// Refused: the credential will never work.
	Refused
	// Unverifiable: the answer says nothing about the credential, for example
	// because the application has no service principal. The policy decides.
	Unverifiable
)
