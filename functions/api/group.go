package api

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// GroupChoices is what the user chose for a group, without what nobody else may see.
type GroupChoices struct {
	Name         string  `json:"name" minLength:"1" maxLength:"100"`
	Active       *bool   `json:"active,omitempty" doc:"true, if left out"`
	Applications []appID `json:"applications,omitempty" nullable:"false" maxItems:"1000" doc:"The client ids of its members"`
	Team         string  `json:"team" pattern:"^team_[A-Za-z0-9_]{1,64}$" patternDescription:"the team's id at Vercel, which begins with team_" doc:"The team's id at Vercel"`
}

// GroupSettings is what the user chose for a group.
type GroupSettings struct {
	GroupChoices
	AccessToken string `json:"accessToken,omitempty" writeOnly:"true" minLength:"1" maxLength:"1000" doc:"An access token of Vercel that may use the team. It is kept in the staging vault and never shown; left out, the old one stays"`
}

// Group is a team at Vercel, and the applications that deliver there.
type Group struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Active       bool     `json:"active"`
	Applications []string `json:"applications" nullable:"false"`
	Team         string   `json:"team"`
	TeamName     string   `json:"teamName" doc:"As Vercel gave it when the access token was last checked"`
	HasToken     bool     `json:"hasToken" doc:"Whether there is an access token"`
}

type groupPath struct {
	GroupID targetID `path:"groupId"`
}

type putGroup struct {
	GroupID targetID `path:"groupId"`
	Conditions
	Body GroupSettings
}

type deleteGroup struct {
	GroupID targetID `path:"groupId"`
	IfMatch string   `header:"If-Match" doc:"The ETag of the last GET"`
}

func (a *api) registerGroups(h huma.API) {
	const path = "/api/groups/{groupId}"
	huma.Register(h, operation("listGroups", http.MethodGet, "/api/groups", "The groups, in the order of their ids"), a.listGroups)
	huma.Register(h, operation("getGroup", http.MethodGet, path, "One group"), a.getGroup)
	huma.Register(h, operation("putGroup", http.MethodPut, path, "Let applications deliver to a team at Vercel"), a.putGroup)
	huma.Register(h, withStatus(http.StatusNoContent,
		operation("deleteGroup", http.MethodDelete, path, "Delete a group that no target delivers through, with its access token")), a.deleteGroup)
}

func groupOf(g rotation.Group) Group {
	applications := g.Applications
	if applications == nil {
		applications = []string{}
	}
	return Group{
		ID: g.ID, Name: g.Name, Active: g.Active, Applications: applications, Team: g.Team, TeamName: g.TeamName, HasToken: g.Token != "",
	}
}

var groupCursor = regexp.MustCompile(targetPattern)

func (a *api) listGroups(ctx context.Context, in *Paging) (*answer[Page[Group]], error) {
	return listed(ctx, a, in, groupCursor, a.Engine.Groups, groupOf)
}

func (a *api) getGroup(ctx context.Context, in *groupPath) (*tagged[Group], error) {
	g, etag, err := a.Engine.Group(ctx, string(in.GroupID))
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return &tagged[Group]{etagOf(etag), groupOf(g)}, nil
}

func (a *api) putGroup(ctx context.Context, in *putGroup) (*saved[Group], error) {
	g, token, err := in.group()
	if err != nil {
		return nil, err
	}
	old, _, err := a.Engine.Group(ctx, g.ID)
	exists := !errors.Is(err, engine.ErrUnknownRecord)
	if err != nil && exists {
		return nil, a.refusal(ctx, err)
	}
	etag, err := in.Conditions.etag(exists)
	if err != nil {
		return nil, err
	}
	if g.TeamName, err = a.teamName(ctx, old, g, token); err != nil {
		return nil, err
	}
	g, newTag, err := a.Engine.SaveGroup(ctx, g, token, etag, actorOf(ctx))
	if err != nil {
		return nil, a.vaultRefused(ctx, in.IfMatch, err)
	}
	answer := savedAs(exists, newTag, "/api/groups/"+g.ID, groupOf(g))
	return &answer, nil
}

// group makes a group of what the user gave, or says all that is wrong with it.
func (in *putGroup) group() (g rotation.Group, token secret.Value, err error) {
	g = in.Body.GroupChoices.domain(string(in.GroupID))
	problems := within("body", g.Check())
	if strings.ContainsFunc(in.Body.AccessToken, unfitForHeader) {
		problems = append(problems, rotation.Problem{Field: "body.accessToken", Detail: "must be the token alone, without spaces"})
	}
	if len(problems) > 0 {
		return g, token, invalid(problems...)
	}
	return g, secret.New(in.Body.AccessToken), nil
}

func (c GroupChoices) domain(id string) rotation.Group {
	g := rotation.Group{ID: id, Name: c.Name, Active: c.Active == nil || *c.Active, Team: c.Team, Applications: []string{}}
	for _, id := range c.Applications {
		g.Applications = append(g.Applications, id.String())
	}
	return g
}

// unfitForHeader reports what no token has and no header may have.
func unfitForHeader(r rune) bool { return r <= ' ' || r > '~' }

func (a *api) deleteGroup(ctx context.Context, in *deleteGroup) (*none, error) {
	etag, err := stored(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.Engine.DeleteGroup(ctx, string(in.GroupID), etag, actorOf(ctx)); err != nil {
		return nil, a.vaultRefused(ctx, in.IfMatch, err)
	}
	return nil, nil
}
