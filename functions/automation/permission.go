package automation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// need is what a step needs at one scope.
type need struct {
	scope    string
	provider string // that has to be registered in the scope's subscription, or empty
	role     string // that has the actions
	actions  []string
}

func (c *checking) all(ctx context.Context, needs ...need) error {
	for _, n := range needs {
		if err := c.registered(ctx, part(n.scope, "subscriptions"), n.provider); err != nil {
			return err
		}
		if err := c.permitted(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// registered asks for a resource provider, without which nothing of it is written.
// https://learn.microsoft.com/rest/api/resources/providers/get
func (c *checking) registered(ctx context.Context, subscription, namespace string) error {
	if namespace == "" {
		return nil
	}
	var found struct {
		RegistrationState string `json:"registrationState"`
	}
	err := c.target.client.get(ctx, fmt.Sprintf("read the provider %s", namespace), "/subscriptions/"+subscription+"/providers/"+namespace, providersVersion, &found)
	switch {
	case err != nil && rotation.ClassOf(err) == rotation.Denied:
		c.note("whether %s is registered in subscription %s cannot be seen", namespace, subscription)
		return nil
	case err != nil:
		return err
	case found.RegistrationState == "NotRegistered" || found.RegistrationState == "Unregistered":
		return &rotation.Fault{Class: rotation.Permanent,
			Err:    fmt.Errorf("automation: the provider %s is not registered in subscription %s", namespace, subscription),
			Remedy: fmt.Sprintf("az provider register --namespace %s --subscription %s", namespace, subscription)}
	}
	return nil
}

// grant is what one role assignment lets rekey do.
type grant struct {
	Actions    []string `json:"actions"`
	NotActions []string `json:"notActions"`
}

// permitted asks what rekey itself may do at the scope.
// https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
func (c *checking) permitted(ctx context.Context, n need) error {
	doing := fmt.Sprintf("read rekey's permissions on %q", last(n.scope))
	grants, err := list[grant](ctx, c.target.client, doing, n.scope+"/providers/Microsoft.Authorization/permissions", permissionsVersion, nil)
	if err != nil && rotation.ClassOf(err) == rotation.Denied {
		c.note("what rekey may do on %q cannot be seen", last(n.scope))
		return nil
	}
	if err != nil {
		return err
	}
	for _, action := range n.actions {
		if !slices.ContainsFunc(grants, func(g grant) bool { return g.grants(action) }) {
			return &rotation.Fault{Class: rotation.Denied, Err: fmt.Errorf("automation: rekey lacks %s on %q", action, last(n.scope)), Remedy: assign(n.role, n.scope)}
		}
	}
	return nil
}

func (g grant) grants(action string) bool {
	covers := func(pattern string) bool { return covers(strings.ToLower(pattern), strings.ToLower(action)) }
	return slices.ContainsFunc(g.Actions, covers) && !slices.ContainsFunc(g.NotActions, covers)
}

// covers matches; each * stands for any characters.
func covers(pattern, action string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(action, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	for _, middle := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, middle)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
