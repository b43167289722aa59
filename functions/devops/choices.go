package devops

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// chosenApplication names, among what was chosen, the application whose target it
// is. With it, the connections of other applications are told apart.
const chosenApplication = "appId"

// Choices lists organizations, the projects of one, and the service connections
// of one of those.
func (t *Target) Choices(ctx context.Context, setting string, chosen map[string]string) ([]rotation.Choice, error) {
	s := Settings{Organization: organizationName(chosen[settingOrganization]), Project: normalised(chosen[settingProject])}
	needsProject := setting == settingConnection
	switch {
	case !slices.Contains(settingNames(), setting):
		return nil, rotation.Problem{Field: setting, Detail: "is not a setting with choices: those are organization, project and serviceConnection"}
	case setting == settingOrganization:
		return t.chooseOrganization(ctx)
	case !isOrganization(s.Organization):
		return nil, rotation.Problem{Field: settingOrganization, Detail: "must be chosen first"}
	case needsProject && !isProject(s.Project):
		return nil, rotation.Problem{Field: settingProject, Detail: "must be chosen first"}
	case needsProject:
		return t.chooseConnection(ctx, s, chosen[chosenApplication])
	}
	return t.chooseProject(ctx, s)
}

// chooseOrganization adds the configured ones to those that are listed, if they
// are: Azure DevOps may not know a service principal's profile.
func (t *Target) chooseOrganization(ctx context.Context) ([]rotation.Choice, error) {
	names, err := t.client.organizations(ctx)
	if err != nil && len(t.organizations) == 0 {
		return nil, err
	}
	choices := []rotation.Choice{}
	for _, name := range append(names, t.organizations...) {
		if !slices.ContainsFunc(choices, func(c rotation.Choice) bool { return strings.EqualFold(c.Value, name) }) {
			choices = append(choices, rotation.Choice{Value: name, Name: name})
		}
	}
	return byName(choices), nil
}

type profile struct {
	ID string `json:"id"`
}

type account struct {
	Name string `json:"accountName"`
}

// organizations lists those that rekey's identity is a member of.
//
// https://learn.microsoft.com/rest/api/azure/devops/profile/profiles/get
// https://learn.microsoft.com/rest/api/azure/devops/account/accounts/list
func (c *client) organizations(ctx context.Context) (names []string, err error) {
	r := request{doing: "read rekey's own profile", method: http.MethodGet, path: []string{"_apis", "profile", "profiles", "me"}}
	a, err := c.send(ctx, r)
	if err != nil {
		return nil, unlisted(err)
	}
	me, err := decode[profile](r, a)
	if err != nil {
		return nil, err
	}
	r = request{doing: "list the organizations", method: http.MethodGet, path: []string{"_apis", "accounts"}, query: url.Values{"memberId": {me.ID}}}
	if a, err = c.send(ctx, r); err != nil {
		return nil, unlisted(err)
	}
	accounts, err := decodeList[account](r, a)
	for _, one := range accounts {
		names = append(names, one.Name)
	}
	return names, err
}

// unlisted says what to do where organizations are not listed.
func unlisted(err error) error {
	switch class := rotation.ClassOf(err); class {
	case rotation.NotFound, rotation.Denied:
		return refusal(class, "Azure DevOps lists no organizations for rekey's identity: write the organization's name into the settings", "%w", err)
	}
	return err
}

type project struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// mostPages bounds a list whose token never ends.
const mostPages = 100

// https://learn.microsoft.com/rest/api/azure/devops/core/projects/list
func (t *Target) chooseProject(ctx context.Context, s Settings) ([]rotation.Choice, error) {
	choices := []rotation.Choice{}
	query := url.Values{}
	for range mostPages {
		r := request{
			doing: fmt.Sprintf("list the projects of organization %q", s.Organization), organization: s.Organization,
			method: http.MethodGet, path: []string{"_apis", "projects"}, query: query,
		}
		a, err := t.client.send(ctx, r)
		if err != nil {
			return nil, err
		}
		page, err := decodeList[project](r, a)
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			choices = append(choices, rotation.Choice{Value: p.ID, Name: p.Name})
		}
		token := a.header.Get("X-MS-ContinuationToken")
		if token == "" {
			break
		}
		query = url.Values{"continuationToken": {token}}
	}
	return byName(choices), nil
}

func (t *Target) chooseConnection(ctx context.Context, s Settings, appID string) ([]rotation.Choice, error) {
	found, err := session{client: t.client, Settings: s}.list(ctx, "")
	if err != nil {
		return nil, err
	}
	choices := []rotation.Choice{}
	for _, c := range found {
		why, _ := c.unfit(appID)
		choices = append(choices, rotation.Choice{Value: c.ID, Name: c.Name, Unusable: why})
	}
	return byName(choices), nil
}

func byName(choices []rotation.Choice) []rotation.Choice {
	slices.SortStableFunc(choices, func(a, b rotation.Choice) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return choices
}
