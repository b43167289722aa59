package resourcemanager

import (
	"net/http"
	"slices"
	"strings"
)

// https://learn.microsoft.com/rest/api/authorization/role-assignments/create
func (s *Service) putAssignment(c *call) (answer, error) {
	var body assignmentJSON
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	wanted := c.wanted(body.Properties)
	if err := s.authorizeRole(c, "Microsoft.Authorization/roleAssignments/write", wanted.json().ID, wanted.roleID); err != nil {
		return answer{}, err
	}
	if err := s.checkAssignment(wanted, body.Properties.PrincipalType); err != nil {
		return answer{}, err
	}
	return s.assign(wanted)
}

func (c *call) wanted(p assignmentProperties) *assignment {
	roleID := strings.ToLower(p.RoleDefinitionID[strings.LastIndex(p.RoleDefinitionID, "/")+1:])
	return &assignment{
		name: c.path["name"], scope: c.path["scope"], roleID: roleID,
		principalID: p.PrincipalID, principalType: p.PrincipalType,
		description: text(p.Description), condition: text(p.Condition), conditionFrom: text(p.ConditionVersion),
		createdBy: c.caller.ObjectID, created: c.now,
	}
}

func (s *Service) checkAssignment(wanted *assignment, principalType string) error {
	if !guidPattern.MatchString(wanted.name) {
		return badRequest("InvalidRoleAssignmentId", "The role assignment ID '%s' is not valid. The role assignment ID must be a GUID.", wanted.name)
	}
	if err := s.checkScope(wanted.scope); err != nil {
		return err
	}
	if _, known := roles[wanted.roleID]; !known {
		return badRequest("RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", wanted.roleID)
	}
	if wanted.condition != "" && !assignableRoles.MatchString(wanted.condition) {
		return badRequest("RoleAssignmentConditionNotValid", "The condition of the role assignment is not one that is understood here.")
	}
	return s.checkPrincipal(wanted, principalType)
}

// checkPrincipal asks the directory unless the call says what the principal is.
// https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---assigning-a-role-to-a-new-principal-sometimes-fails
func (s *Service) checkPrincipal(wanted *assignment, principalType string) error {
	switch {
	case !guidPattern.MatchString(wanted.principalID):
		return badRequest("InvalidPrincipalId", "A valid principal ID must be provided for role assignment.")
	case principalType == "" && s.principals.ServicePrincipalVisible(wanted.principalID):
		wanted.principalType = "ServicePrincipal"
		return nil
	case principalType == "":
		return badRequest("PrincipalNotFound", "Principal %s does not exist in the directory %s. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
			strings.ReplaceAll(wanted.principalID, "-", ""), s.tenantID)
	case !slices.Contains([]string{"User", "Group", "ServicePrincipal", "ForeignGroup", "Device"}, principalType):
		return badRequest("InvalidPrincipalType", "The principal type '%s' is not valid.", principalType)
	case principalType != "ServicePrincipal" && s.principals.ServicePrincipalVisible(wanted.principalID):
		return badRequest("UnmatchedPrincipalType", "The PrincipalId '%s' has type 'ServicePrincipal' , which is different from specified PrinciaplType '%s'.", wanted.principalID, principalType)
	}
	return nil
}

// assign adds a checked assignment unless it is there already.
func (s *Service) assign(wanted *assignment) (answer, error) {
	if named := s.assignmentNamed(wanted.name); named != nil {
		if !named.equals(wanted) {
			return answer{}, badRequest("RoleAssignmentUpdateNotPermitted", "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
		}
		named.description, named.condition, named.conditionFrom = wanted.description, wanted.condition, wanted.conditionFrom
		return ok(named.json())
	}
	for _, a := range s.assignments {
		if a.exists() && a.equals(wanted) {
			return answer{}, refuse(http.StatusConflict, "RoleAssignmentExists", "The role assignment already exists. The ID of the existing role assignment is %s.", strings.ReplaceAll(a.name, "-", ""))
		}
	}
	wanted.effective = wanted.created.Add(s.options.RolePropagation)
	s.add(wanted)
	return answer{http.StatusCreated, wanted.json()}, nil
}

// add drops what has been removed so long ago that it no longer grants.
func (s *Service) add(a *assignment) {
	now := s.clock.Now()
	s.assignments = slices.DeleteFunc(s.assignments, func(old *assignment) bool {
		return !old.exists() && !now.Before(old.revoked)
	})
	s.assignments = append(s.assignments, a)
}
