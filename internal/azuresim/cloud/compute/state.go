package compute

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// State is every machine.
type State struct {
	Machines []MachineState `json:"machines"`
}

// MachineState is one machine with the commands that are there.
type MachineState struct {
	ID       string         `json:"id"`
	Running  bool           `json:"running"`
	Commands []CommandState `json:"commands"`
}

// CommandState is one Run Command. Parameters are shown by their SHA-256.
type CommandState struct {
	Name       string            `json:"name"`
	Script     string            `json:"script"`
	Parameters map[string]string `json:"parameters"`
	Protected  map[string]string `json:"protectedParameters"`
	Executions int               `json:"executions"`
	State      string            `json:"executionState"`
	Begun      time.Time         `json:"begun"`
}

// State returns what there is, in the order in which it was made.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	s.catchUp(now)
	state := State{Machines: []MachineState{}}
	for _, m := range s.machines {
		shown := MachineState{ID: m.id, Running: !m.Stopped, Commands: []CommandState{}}
		for _, c := range m.commands {
			shown.Commands = append(shown.Commands, CommandState{
				Name: c.name, Script: c.script, Parameters: digests(c.plain), Protected: digests(c.protected),
				Executions: c.executions, State: c.view(m, now).ExecutionState, Begun: c.begun,
			})
		}
		state.Machines = append(state.Machines, shown)
	}
	return state
}

func digests(parameters []parameterJSON) map[string]string {
	all := map[string]string{}
	for _, one := range parameters {
		sum := sha256.Sum256([]byte(one.Value))
		all[one.Name] = hex.EncodeToString(sum[:])
	}
	return all
}
