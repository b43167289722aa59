package devops

// Role is what a principal may do with a service connection.
// https://learn.microsoft.com/azure/devops/pipelines/policies/permissions#set-service-connection-permissions
type Role int

// The roles. Each may do what those before it may.
const (
	NoRole Role = iota
	Reader
	User
	Administrator
)

// role is the caller's, from the connection or from the organization's level.
func (c *call) role(n *connection) Role {
	return max(n.roles[c.caller.ObjectID], n.orgRoles[c.caller.ObjectID])
}

// mayWrite refuses a change by somebody who is no administrator. A connection
// that several projects share belongs to the organization.
func (c *call) mayWrite(n *connection) error {
	switch {
	case c.role(n) < Reader:
		return connectionNotFound(n.id)
	case n.isShared() && n.orgRoles[c.caller.ObjectID] < Administrator:
		return forbidden("You need to be an organisation/collection level Administrator of the service endpoint to perform this operation")
	case c.role(n) < Administrator:
		return forbidden("You do not have permission to perform this operation. You need to be an Administrator of the service endpoint %s.", n.id)
	}
	return nil
}

// wanted is the role that an action filter of the API asks for.
func wanted(actionFilter string) (Role, error) {
	switch actionFilter {
	case "", "none", "view":
		return Reader, nil
	case "use":
		return User, nil
	case "manage":
		return Administrator, nil
	}
	return NoRole, badConnection("The value %q is not a valid action filter.", actionFilter)
}
