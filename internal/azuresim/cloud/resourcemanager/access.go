package resourcemanager

import (
	"net/http"
	"slices"
	"strings"
)

// decision is what the role assignments of a caller come to.
type decision int

const (
	denied      decision = iota
	unfulfilled          // granted but for a condition
	granted
)

// request is what a decision is about.
type request struct {
	principal string
	action    string
	scope     string
	roleID    string // of the assignment that is written or deleted
	data      bool
}

// Allowed reports whether a role assignment in effect grants the principal a data
// action on the resource.
func (s *Service) Allowed(objectID, dataAction, resourceID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decide(request{principal: objectID, action: dataAction, scope: resourceID, data: true}) == granted
}

// decide needs the lock.
func (s *Service) decide(asked request) decision {
	best := denied
	for _, a := range s.assignments {
		if !a.appliesTo(asked.principal, s.clock.Now()) || !contains(a.scope, asked.scope) {
			continue
		}
		best = max(best, a.decide(asked))
	}
	return best
}

func (a *assignment) decide(asked request) decision {
	granting := roles[a.roleID].permission
	switch {
	case !granting.grants(asked):
		return denied
	case fulfilled(granting.Condition, asked.action, asked.roleID) && fulfilled(a.condition, asked.action, asked.roleID):
		return granted
	}
	return unfulfilled
}

func (p permission) grants(asked request) bool {
	with, without := p.Actions, p.NotActions
	if asked.data {
		with, without = p.DataActions, p.NotDataActions
	}
	covers := func(pattern string) bool { return covers(pattern, asked.action) }
	return slices.ContainsFunc(with, covers) && !slices.ContainsFunc(without, covers)
}

// covers matches without case; each * stands for any characters.
func covers(pattern, action string) bool {
	pattern, action = strings.ToLower(pattern), strings.ToLower(action)
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == action
	}
	action, found := strings.CutPrefix(action, first)
	if !found {
		return false
	}
	for i := 0; i <= len(action); i++ {
		if covers(rest, action[i:]) {
			return true
		}
	}
	return false
}

// contains reports whether the scope is the resource or around it.
func contains(scope, resource string) bool {
	scope, resource = strings.ToLower(strings.TrimRight(scope, "/")), strings.ToLower(strings.TrimRight(resource, "/"))
	return resource == scope || strings.HasPrefix(resource, scope+"/")
}

// authorize refuses the call unless its caller may do the action at the scope.
func (s *Service) authorize(c *call, action, scope string) error {
	return s.authorizeRole(c, action, scope, "")
}

func (s *Service) authorizeRole(c *call, action, scope, roleID string) error {
	without := "does not have authorization"
	switch s.decide(request{principal: c.caller.ObjectID, action: action, scope: scope, roleID: roleID}) {
	case granted:
		return s.checkRegistration(action, scope)
	case unfulfilled:
		without = "does not have authorization or an ABAC condition not fulfilled"
	}
	return refuse(http.StatusForbidden, "AuthorizationFailed", "The client '%s' with object id '%s' %s to perform action '%s' over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
		c.caller.AppID, c.caller.ObjectID, without, action, scope)
}

// mayRead reports whether a list shows the resource to the caller.
func (s *Service) mayRead(c *call, action, resource string) bool {
	return s.decide(request{principal: c.caller.ObjectID, action: action, scope: resource}) == granted
}

// below reports whether the caller has any role at, above or below the scope.
func (s *Service) below(c *call, scope string) bool {
	return slices.ContainsFunc(s.assignments, func(a *assignment) bool {
		return a.appliesTo(c.caller.ObjectID, c.now) && (contains(a.scope, scope) || contains(scope, a.scope))
	})
}
