package rotation

import "encoding/json"

// Application is what rekey knows of one app registration: the user's choices
// and the names that Entra ID gave.
type Application struct {
	AppID    string          `json:"appId"`
	ObjectID string          `json:"objectId"`
	Name     string          `json:"name"`
	Paused   bool            `json:"paused"`
	Policies map[Kind]Policy `json:"policies"`
	// Windows are when targets without windows of their own may be written.
	Windows Windows `json:"windows"`
}

// Policy returns the policy of a kind. A kind that was never configured is disabled.
func (a Application) Policy(kind Kind) Policy {
	if p, ok := a.Policies[kind]; ok {
		p.Waits = p.Waits.completed()
		return p
	}
	p := DefaultPolicy(kind)
	p.Enabled = false
	return p
}

// TargetRow is one configured place, as the user saved it.
type TargetRow struct {
	ID          string          `json:"id"`
	Integration string          `json:"integration"`
	Kind        Kind            `json:"kind"`
	Enabled     bool            `json:"enabled"`
	Settings    json.RawMessage `json:"settings"`
	// Windows are when it may be written; without any, the application's decide.
	Windows Windows `json:"windows"`
}
