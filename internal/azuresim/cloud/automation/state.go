package automation

import "maps"

// State is every account with its jobs.
type State struct {
	Accounts []AccountState `json:"accounts"`
}

// AccountState is one account.
type AccountState struct {
	ID   string     `json:"id"`
	Jobs []JobState `json:"jobs"`
}

// JobState is one job. Its parameters are no secret here: everyone who may read the
// job may read them.
type JobState struct {
	Name       string            `json:"name"`
	Runbook    string            `json:"runbook"`
	Parameters map[string]string `json:"parameters"`
	RunOn      string            `json:"runOn,omitempty"`
	Status     string            `json:"status"`
}

// State returns what there is, in the order in which it was made.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	s.catchUp(now)
	state := State{Accounts: []AccountState{}}
	for _, a := range s.accounts {
		shown := AccountState{ID: a.id, Jobs: []JobState{}}
		for _, j := range a.jobs {
			shown.Jobs = append(shown.Jobs, JobState{
				Name: j.name, Runbook: j.runbook.Name, Parameters: maps.Clone(j.parameters), RunOn: j.runOn, Status: j.status(now),
			})
		}
		state.Accounts = append(state.Accounts, shown)
	}
	return state
}
