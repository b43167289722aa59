package vercel

import (
	"cmp"
	"context"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// The settings that choices depend on: whose group it is, and the project.
const (
	chosenApp     = "appId"
	chosenProject = "project"
)

// Choices offers the group's team, its projects, and a project's variables and
// environments. All need the application's client id as "appId".
func (t *Target) Choices(ctx context.Context, setting string, chosen map[string]string) ([]rotation.Choice, error) {
	list := map[string]func(context.Context, place) ([]rotation.Choice, error){
		"team": teamChoices, "project": projectChoices, "variable": variableChoices,
		"environments": environmentChoices, "redeploy": deployedChoices,
	}[setting]
	switch {
	case list == nil:
		return nil, rotation.Problem{Field: "setting", Detail: "must be team, project, variable, environments or redeploy"}
	case chosen[chosenApp] == "":
		return nil, rotation.Problem{Field: chosenApp, Detail: "must be chosen first: the application's group says which team it is"}
	case setting != "team" && setting != "project" && !projectForm.MatchString(chosen[chosenProject]):
		return nil, rotation.Problem{Field: chosenProject, Detail: "must be chosen first"}
	}
	client, err := t.enter(ctx, chosen[chosenApp])
	if err != nil {
		return nil, err
	}
	return list(ctx, place{Settings: Settings{Project: chosen[chosenProject]}, client: client})
}

func teamChoices(ctx context.Context, p place) ([]rotation.Choice, error) {
	team, err := p.client.getTeam(ctx)
	if err != nil {
		return nil, err
	}
	return []rotation.Choice{{Value: team.ID, Name: cmp.Or(team.Name, team.Slug)}}, nil
}

func projectChoices(ctx context.Context, p place) ([]rotation.Choice, error) {
	projects, err := p.client.listProjects(ctx)
	if err != nil {
		return nil, err
	}
	choices := []rotation.Choice{}
	for _, found := range projects {
		choices = append(choices, rotation.Choice{Value: found.ID, Name: found.Name})
	}
	return byName(choices), nil
}

func byName(choices []rotation.Choice) []rotation.Choice {
	slices.SortStableFunc(choices, func(a, b rotation.Choice) int { return cmp.Compare(a.Name, b.Name) })
	return choices
}

func variableChoices(ctx context.Context, p place) ([]rotation.Choice, error) {
	entries, err := p.client.listVariables(ctx, p.Project)
	if err != nil {
		return nil, p.client.unknownProject(err)
	}
	choices := []rotation.Choice{}
	for _, v := range entries {
		choice := rotation.Choice{Value: v.Key, Name: v.Key}
		if v.Type == typeSystem {
			choice.Unusable = "Vercel itself sets it"
		}
		if !slices.ContainsFunc(choices, func(c rotation.Choice) bool { return c.Value == v.Key }) {
			choices = append(choices, choice)
		}
	}
	return byName(choices), nil
}

func environmentChoices(ctx context.Context, p place) ([]rotation.Choice, error) {
	choices, err := deployedChoices(ctx, p)
	if err != nil {
		return nil, err
	}
	return slices.Insert(choices, 2, rotation.Choice{Value: development, Name: "Development"}), nil
}

// deployedChoices are the environments that have deployments.
func deployedChoices(ctx context.Context, p place) ([]rotation.Choice, error) {
	custom, err := p.client.listEnvironments(ctx, p.Project)
	if err != nil {
		return nil, p.client.unknownProject(err)
	}
	choices := []rotation.Choice{{Value: production, Name: "Production"}, {Value: preview, Name: "Preview"}}
	for _, e := range custom {
		choices = append(choices, rotation.Choice{Value: e.ID, Name: e.Slug})
	}
	return choices, nil
}
