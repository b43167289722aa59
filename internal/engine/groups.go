package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Tokens keeps access tokens in a vault of our own. Errors are Faults; a missing
// token is NotFound.
type Tokens interface {
	// PutToken keeps a token, in place of whatever has or had the name.
	PutToken(ctx context.Context, name string, token secret.Value) error
	Token(ctx context.Context, name string) (secret.Value, error)
	// DeleteToken removes a token. One that is gone already is success.
	DeleteToken(ctx context.Context, name string) error
}

func (e *Engine) groups() shared[rotation.Group] {
	return shared[rotation.Group]{engine: e, table: TableGroups, what: "group"}
}

// tokenName is the name of a group's token in the staging vault.
func tokenName(group string) string { return "rekey-token-" + group }

// Group returns one group and its ETag.
func (e *Engine) Group(ctx context.Context, id string) (rotation.Group, string, error) {
	return e.groups().get(ctx, id)
}

// Groups returns groups in the order of their ids, from the one after a given id.
// Next is empty after the last. A limit of 0 is none.
func (e *Engine) Groups(ctx context.Context, from string, limit int) (groups []rotation.Group, next string, err error) {
	return e.groups().list(ctx, from, limit)
}

// SaveGroup inserts or replaces a group. Its token is replaced where one is given,
// and else stays. The ETag, if not empty, must be that of the saved one; "*" is any
// that exists, Absent none.
func (e *Engine) SaveGroup(ctx context.Context, g rotation.Group, token secret.Value, etag, actor string) (rotation.Group, string, error) {
	if problems := g.Check(); len(problems) > 0 {
		return g, "", &Invalid{problems}
	}
	old, actual, err := e.Group(ctx, g.ID)
	if err != nil && !errors.Is(err, ErrUnknownRecord) {
		return g, "", err
	}
	if err := precondition(etag, actual); err != nil {
		return g, "", err
	}
	g.Token = old.Token
	if !token.IsZero() {
		g.Token = tokenName(g.ID)
		if err := e.putToken(ctx, g.Token, token); err != nil {
			return g, "", err
		}
	}
	saved, err := e.groups().save(ctx, g.ID, g, etag)
	if err == nil {
		e.LogChange(ctx, rotation.LogEntry{What: "group", Detail: groupWords(actual != "", old, g, token), Actor: actor})
	}
	return g, saved, err
}

func groupWords(known bool, old, g rotation.Group, token secret.Value) string {
	words := fmt.Sprintf("group %q added for the team %q", g.ID, g.Team)
	if known {
		old.Token = g.Token
		words = fmt.Sprintf("group %q: %s", g.ID, changed(old, g))
	}
	if !token.IsZero() {
		words += "; with a new access token"
	}
	return words
}

func (e *Engine) putToken(ctx context.Context, name string, token secret.Value) error {
	call, cancel := e.bounded(ctx)
	defer cancel()
	return e.Tokens.PutToken(call, name, token)
}

// integrationOfGroups is the word of the integration that delivers through groups.
const integrationOfGroups = "vercel"

// DeleteGroup deletes a group and its token, unless targets deliver through it. The
// token goes first: a group without one can be deleted again, but nobody would
// look for a token without a group.
func (e *Engine) DeleteGroup(ctx context.Context, id, etag, actor string) error {
	g, actual, err := e.Group(ctx, id)
	if err != nil {
		return err
	}
	if err := precondition(etag, actual); err != nil {
		return err
	}
	if err := e.GroupUnused(ctx, g); err != nil {
		return err
	}
	if g.Token != "" {
		if err := e.deleteToken(ctx, tokenName(g.ID)); err != nil {
			return err
		}
	}
	if err := e.groups().delete(ctx, id, etag); err != nil {
		return err
	}
	e.LogChange(ctx, rotation.LogEntry{What: "group", Detail: fmt.Sprintf("group %q deleted, with its access token", id), Actor: actor})
	return nil
}

func (e *Engine) deleteToken(ctx context.Context, name string) error {
	call, cancel := e.bounded(ctx)
	defer cancel()
	return e.Tokens.DeleteToken(call, name)
}

// GroupUnused says which targets keep a group from being deleted: an error that is
// ErrRefused.
func (e *Engine) GroupUnused(ctx context.Context, g rotation.Group) error {
	users, err := e.usersOfGroup(ctx, g)
	if err != nil || len(users) == 0 {
		return err
	}
	return fmt.Errorf("%w: group %q is used by %s; delete those targets, or take their applications out of the group, first",
		ErrRefused, g.ID, strings.Join(users, ", "))
}

// usersOfGroup names the targets of a group's applications that deliver through
// groups, as "appId/target", the first few of them.
func (e *Engine) usersOfGroup(ctx context.Context, g rotation.Group) (users []string, err error) {
	for _, appID := range g.Applications {
		targets, err := e.TargetsOf(ctx, appID)
		if err != nil {
			return nil, err
		}
		for _, t := range targets {
			if t.Integration == integrationOfGroups && len(users) < mostUsers {
				users = append(users, appID+"/"+t.ID)
			}
		}
	}
	return users, nil
}

// GroupFor returns the group that an application delivers through. Where there is
// none, the error is a Fault that says what is missing.
func (e *Engine) GroupFor(ctx context.Context, appID string) (rotation.Group, error) {
	groups, _, err := e.Groups(ctx, "", 0)
	if err != nil {
		return rotation.Group{}, err
	}
	return rotation.GroupFor(appID, forecast(ctx).groups(groups))
}

// TokenMissing returns the id of the group through which an application would deliver,
// had it an access token; empty, if that is not what is missing.
func (e *Engine) TokenMissing(ctx context.Context, appID string) (group string, err error) {
	groups, _, err := e.Groups(ctx, "", 0)
	if err != nil {
		return "", err
	}
	groups = forecast(ctx).groups(groups)
	if _, err := rotation.GroupFor(appID, groups); err == nil {
		return "", nil
	}
	for _, g := range groups {
		if g.Active && g.Token == "" && g.Has(appID) {
			return g.ID, nil
		}
	}
	return "", nil
}

// GroupToken reads a group's access token. Its name follows from the group's: what the
// row says could be any name in the staging vault.
func (e *Engine) GroupToken(ctx context.Context, g rotation.Group) (secret.Value, error) {
	call, cancel := e.bounded(ctx)
	defer cancel()
	token, err := e.Tokens.Token(call, tokenName(g.ID))
	if err != nil && rotation.ClassOf(err) == rotation.NotFound {
		return token, &rotation.Fault{
			Class: rotation.Permanent, Err: fmt.Errorf("the access token of group %q is gone: %w", g.ID, err),
			Remedy: "save the group with its access token",
		}
	}
	return token, err
}
