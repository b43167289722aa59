package resourcemanager

import (
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

// State is every vault and every role assignment.
type State struct {
	Vaults          []VaultState      `json:"vaults"`
	RoleAssignments []AssignmentState `json:"roleAssignments"`
}

// VaultState is one vault, deleted or not.
type VaultState struct {
	ID             string                  `json:"id"`
	Name           string                  `json:"name"`
	RBAC           bool                    `json:"rbac"`
	AccessPolicies []keyvault.AccessPolicy `json:"accessPolicies"`
	Tags           map[string]string       `json:"tags,omitempty"`
	Deleted        *time.Time              `json:"deleted,omitempty"`
}

// AssignmentState is one role assignment that exists.
type AssignmentState struct {
	Name          string    `json:"name"`
	Scope         string    `json:"scope"`
	RoleID        string    `json:"roleId"`
	RoleName      string    `json:"roleName"`
	PrincipalID   string    `json:"principalId"`
	PrincipalType string    `json:"principalType"`
	Effective     time.Time `json:"effective"` // from here it grants
}

// State returns what there is, in the order in which it was made.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{Vaults: []VaultState{}, RoleAssignments: []AssignmentState{}}
	for _, v := range s.vaults {
		state.Vaults = append(state.Vaults, v.state())
	}
	for _, a := range s.assignments {
		if a.exists() {
			state.RoleAssignments = append(state.RoleAssignments, AssignmentState{
				Name: a.name, Scope: a.scope, RoleID: a.roleID, RoleName: roles[a.roleID].name,
				PrincipalID: a.principalID, PrincipalType: a.principalType, Effective: a.effective,
			})
		}
	}
	return state
}

func (v *vault) state() VaultState {
	state := VaultState{
		ID: v.id(), Name: v.name, RBAC: isTrue(v.properties.EnableRbacAuthorization),
		AccessPolicies: slices.Clone(v.properties.AccessPolicies), Tags: v.tags,
	}
	if !v.exists() {
		at := v.deleted
		state.Deleted = &at
	}
	return state
}
