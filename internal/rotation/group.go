package rotation

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Group is a team at Vercel with what opens it, for the applications that deliver
// there.
type Group struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Active       bool     `json:"active"`
	Applications []string `json:"applications"` // client ids
	Team         string   `json:"team"`         // the team's id at Vercel
	TeamName     string   `json:"teamName"`     // as Vercel last gave it
	// Token is the name of the access token in the staging vault, or empty. The
	// token itself is in no row.
	Token string `json:"token"`
}

var (
	teamForm     = regexp.MustCompile(`^team_[A-Za-z0-9_]{1,64}$`)
	clientIDForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

const longestGroupName = 100

// Check reports everything that is wrong with the group.
func (g Group) Check() (problems []Problem) {
	wrong := func(field, format string, args ...any) {
		problems = append(problems, Problem{Field: field, Detail: fmt.Sprintf(format, args...)})
	}
	if name := []rune(g.Name); len(name) > longestGroupName || strings.TrimSpace(g.Name) == "" {
		wrong("name", "must be 1 to %d characters, and not all of them spaces", longestGroupName)
	}
	if !teamForm.MatchString(g.Team) {
		wrong("team", "must be the team's id at Vercel, which begins with team_")
	}
	for i, appID := range g.Applications {
		switch {
		case !clientIDForm.MatchString(appID):
			wrong(fmt.Sprintf("applications[%d]", i), "must be a client id, a GUID")
		case slices.Contains(g.Applications[:i], appID):
			wrong(fmt.Sprintf("applications[%d]", i), "must not be in the list twice")
		}
	}
	return problems
}

// Has reports whether an application is a member.
func (g Group) Has(appID string) bool { return slices.Contains(g.Applications, appID) }

// GroupFor returns the group that an application delivers through: the first that
// is active and has a token. Its error is a Fault that says what is missing.
func GroupFor(appID string, groups []Group) (Group, error) {
	missing, remedy := "is in no group", "add it to a group with a Vercel team and an access token"
	for _, g := range groups {
		switch {
		case !g.Has(appID):
		case !g.Active:
			missing, remedy = fmt.Sprintf("is in the group %q, which is not active", g.ID), "make the group active"
		case g.Token == "":
			missing, remedy = fmt.Sprintf("is in the group %q, which has no access token", g.ID), "save the group with an access token of its Vercel team"
		default:
			return g, nil
		}
	}
	return Group{}, &Fault{Class: Permanent, Err: errors.New("vercel: the application " + missing), Remedy: remedy}
}
