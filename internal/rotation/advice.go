package rotation

// Advice is a finding about what could do with fewer secrets or with none, and the way
// out.
type Advice struct {
	Rule   string // which one, in a word or two with hyphens
	AppID  string // empty: it concerns the tenant
	Name   string // the application's, for people
	Target string // the target's id, where it is about one
	KeyID  string // where it is about one credential

	Finding string // one sentence: what is so
	WayOut  string // one sentence: what a person can do
	Page    string // where the vendor describes it
}

// An Advisor says where one of its targets could do without a secret. It goes by what
// is configured and asks nobody. Application, name and target are filled in for it.
type Advisor interface {
	Advise(app Application, t TargetRow) []Advice
}
