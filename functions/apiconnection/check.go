package apiconnection

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Check says whether Deploy would work: that the connection signs in with this
// application's credentials of this kind, that nothing of it would get lost, and
// that rekey may write it.
func (t *Target) Check(ctx context.Context, app rotation.Application, row rotation.TargetRow) (notes []string, err error) {
	settings, err := t.saved(row)
	if err != nil {
		return nil, err
	}
	s, err := t.find(ctx, settings)
	if err != nil {
		return nil, err
	}
	if _, err := s.takes(app, row.Kind); err != nil {
		return nil, err
	}
	if _, err := s.plainValues(settings); err != nil {
		return nil, err
	}
	named, unnamed, err := s.furtherSecrets(settings)
	if err != nil {
		return nil, err
	}
	if _, err := t.fetch(ctx, named); err != nil {
		return nil, err
	}
	for _, name := range unnamed {
		notes = append(notes, fmt.Sprintf("the connection may have a value of %q, which cannot be read: if it has, name it in the setting secrets, or the next write removes it", name))
	}
	note, err := t.mayWrite(ctx, s.connection)
	if err != nil {
		return nil, err
	}
	return append(append(notes, note...), t.present(ctx, settings, s.connection)...), nil
}

// present says what is wrong with the connection as it stands.
func (t *Target) present(ctx context.Context, settings Settings, c connection) []string {
	if err := c.refusal(); err != nil {
		return []string{"it does not work now: " + err.Error()}
	}
	if settings.Test != TestRequired {
		return nil
	}
	if err := t.manager.test(ctx, c); err != nil {
		return []string{"its own test fails now, and would fail a delivery too: " + err.Error() + `; where the test needs a signed-in user, set "test" to "skipped"`}
	}
	return nil
}

// mayWrite asks Resource Manager what rekey may do at the connection. Who may not
// know that gets a note.
// https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
func (t *Target) mayWrite(ctx context.Context, c connection) (notes []string, err error) {
	body, err := t.manager.do(ctx, fmt.Sprintf("read rekey's permissions on connection %q", c.ID), http.MethodGet,
		escaped(c.ID)+"/providers/Microsoft.Authorization/permissions"+permissionsVersion, nil)
	if err != nil {
		switch rotation.ClassOf(err) {
		case rotation.Denied, rotation.NotFound, rotation.Permanent:
			return []string{"whether rekey may write the connection cannot be found out beforehand"}, nil
		}
		return nil, err
	}
	var answer struct {
		Value []permission `json:"value"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil, fault("read rekey's permissions", errNonsense)
	}
	if slices.ContainsFunc(answer.Value, permission.grantsWrite) {
		return nil, nil
	}
	return nil, &rotation.Fault{
		Class: rotation.Denied, Err: fmt.Errorf("apiconnection: connection %q: rekey may read it and not write it", c.Name),
		Remedy: assignContributor(c.ID),
	}
}

// permission is what one role assignment comes to.
type permission struct {
	Actions    []string `json:"actions"`
	NotActions []string `json:"notActions"`
}

func (p permission) grantsWrite() bool {
	covers := func(pattern string) bool { return covers(strings.ToLower(pattern), "microsoft.web/connections/write") }
	return slices.ContainsFunc(p.Actions, covers) && !slices.ContainsFunc(p.NotActions, covers)
}

// covers matches an action; each * stands for any characters.
func covers(pattern, action string) bool {
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

// assignContributor is what somebody who may grant can run.
// https://learn.microsoft.com/cli/azure/role/assignment#az-role-assignment-create
func assignContributor(scope string) string {
	return fmt.Sprintf(`give rekey's identity the role "Logic App Contributor" on the connection: az role assignment create --role "Logic App Contributor" --assignee <rekey's identity> --scope %q`, scope)
}
