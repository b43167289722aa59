package resourcemanager

import (
	"net/http"
	"strings"
	"time"
)

type assignment struct {
	name          string
	scope         string
	roleID        string
	principalID   string
	principalType string
	description   string
	condition     string
	conditionFrom string
	createdBy     string
	created       time.Time

	effective time.Time // from here it grants
	removed   time.Time // zero while it exists
	revoked   time.Time // from here it no longer grants
}

func (a *assignment) exists() bool { return a.removed.IsZero() }

func (a *assignment) appliesTo(principal string, now time.Time) bool {
	return strings.EqualFold(a.principalID, principal) && !now.Before(a.effective) && (a.exists() || now.Before(a.revoked))
}

func (a *assignment) equals(b *assignment) bool {
	return strings.EqualFold(a.principalID, b.principalID) && a.roleID == b.roleID && strings.EqualFold(a.scope, b.scope)
}

type assignmentJSON struct {
	ID         string               `json:"id,omitempty"`
	Name       string               `json:"name,omitempty"`
	Type       string               `json:"type,omitempty"`
	Properties assignmentProperties `json:"properties"`
}

type assignmentProperties struct {
	RoleDefinitionID string     `json:"roleDefinitionId"`
	PrincipalID      string     `json:"principalId"`
	PrincipalType    string     `json:"principalType,omitempty"`
	Scope            string     `json:"scope,omitempty"`
	Description      *string    `json:"description"`
	Condition        *string    `json:"condition"`
	ConditionVersion *string    `json:"conditionVersion"`
	CreatedOn        *time.Time `json:"createdOn,omitempty"`
	UpdatedOn        *time.Time `json:"updatedOn,omitempty"`
	CreatedBy        string     `json:"createdBy,omitempty"`
	UpdatedBy        string     `json:"updatedBy,omitempty"`
}

func (a *assignment) json() assignmentJSON {
	return assignmentJSON{
		ID:   strings.TrimRight(a.scope, "/") + "/providers/Microsoft.Authorization/roleAssignments/" + a.name,
		Name: a.name,
		Type: "Microsoft.Authorization/roleAssignments",
		Properties: assignmentProperties{
			RoleDefinitionID: definitionID(a.scope, a.roleID),
			PrincipalID:      a.principalID,
			PrincipalType:    a.principalType,
			Scope:            a.scope,
			Description:      optional(a.description),
			Condition:        optional(a.condition),
			ConditionVersion: optional(a.conditionFrom),
			CreatedOn:        &a.created,
			UpdatedOn:        &a.created,
			CreatedBy:        a.createdBy,
			UpdatedBy:        a.createdBy,
		},
	}
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func text(optional *string) string {
	if optional == nil {
		return ""
	}
	return *optional
}

// https://learn.microsoft.com/rest/api/authorization/role-assignments/get
func (s *Service) getAssignment(c *call) (answer, error) {
	if err := s.authorize(c, "Microsoft.Authorization/roleAssignments/read", c.path["scope"]); err != nil {
		return answer{}, err
	}
	found := s.assignmentAt(c.path["scope"], c.path["name"])
	if found == nil {
		return answer{}, refuse(http.StatusNotFound, "RoleAssignmentNotFound", "The role assignment '%s' is not found.", c.path["name"])
	}
	return ok(found.json())
}

// https://learn.microsoft.com/rest/api/authorization/role-assignments/delete
func (s *Service) deleteAssignment(c *call) (answer, error) {
	const action = "Microsoft.Authorization/roleAssignments/delete"
	found := s.assignmentAt(c.path["scope"], c.path["name"])
	if found == nil {
		return answer{status: http.StatusNoContent}, s.authorize(c, action, c.path["scope"])
	}
	if err := s.authorizeRole(c, action, found.json().ID, found.roleID); err != nil {
		return answer{}, err
	}
	found.removed, found.revoked = c.now, c.now.Add(s.options.RolePropagation)
	return ok(found.json())
}

func (s *Service) assignmentNamed(name string) *assignment {
	for _, a := range s.assignments {
		if a.exists() && strings.EqualFold(a.name, name) {
			return a
		}
	}
	return nil
}

func (s *Service) assignmentAt(scope, name string) *assignment {
	found := s.assignmentNamed(name)
	if found == nil || !strings.EqualFold(found.scope, scope) {
		return nil
	}
	return found
}
