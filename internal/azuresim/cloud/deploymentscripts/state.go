package deploymentscripts

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"
)

// State shows every script. Secure values and keys are shown by their SHA-256.
type State struct {
	Scripts []ScriptState `json:"scripts"`
}

// ScriptState is one script.
type ScriptState struct {
	ID          string            `json:"id"`
	Script      string            `json:"script"`
	Environment map[string]string `json:"environment"`
	Identities  []string          `json:"identities"`
	Executions  int               `json:"executions"`
	State       string            `json:"provisioningState"`
}

func (s *script) shown(now time.Time) ScriptState {
	shown := ScriptState{ID: s.id, Script: s.body.Properties.ScriptContent, Environment: map[string]string{}, Identities: []string{}, Executions: s.executions}
	for name, value := range s.environment() {
		shown.Environment[name] = digest(value)
	}
	if s.body.Identity != nil {
		shown.Identities = slices.Sorted(maps.Keys(s.body.Identity.UserAssignedIdentities))
	}
	shown.State, _ = s.state(now)
	return shown
}

// State returns what there is, in the order in which it was made.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	s.catchUp(now)
	state := State{Scripts: []ScriptState{}}
	for _, one := range s.scripts {
		state.Scripts = append(state.Scripts, one.shown(now))
	}
	return state
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
