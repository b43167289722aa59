package resourcemanager

// listPermissions says what the caller may do at a scope, one entry for each of its
// role assignments there or around it.
// https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
func (s *Service) listPermissions(c *call) (answer, error) {
	scope := c.path["scope"]
	if err := s.authorize(c, "Microsoft.Authorization/permissions/read", scope); err != nil {
		return answer{}, err
	}
	found := []any{}
	for _, a := range s.assignments {
		if !a.appliesTo(c.caller.ObjectID, c.now) || !contains(a.scope, scope) {
			continue
		}
		granted := roles[a.roleID].permission
		for _, list := range []*[]string{&granted.Actions, &granted.NotActions, &granted.DataActions, &granted.NotDataActions} {
			*list = append([]string{}, *list...)
		}
		found = append(found, granted)
	}
	return s.page(c, found)
}
