package vercel

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Check asks whether a delivery would find its project, and says what it will do
// to the variable and to what runs.
func (t *Target) Check(ctx context.Context, app rotation.Application, row rotation.TargetRow) (notes []string, err error) {
	settings, err := settingsOf(row)
	if err != nil {
		return nil, err
	}
	client, err := t.enter(ctx, app.AppID)
	if err != nil {
		return nil, err
	}
	if _, err := client.getProject(ctx, settings.Project); err != nil {
		return nil, client.unknownProject(err)
	}
	p, err := settings.arrive(ctx, client)
	if err != nil {
		return nil, err
	}
	entries, err := client.listVariables(ctx, p.Project)
	if err != nil {
		return nil, err
	}
	plan, err := makePlan(entries, p.Variable, p.chosen(), p.Sensitive)
	if err != nil {
		return nil, err
	}
	return append(p.notesOnVariable(entries, plan), p.notesOnDeployments()...), nil
}

// unknownProject says what to do about a project that is not there.
func (c *client) unknownProject(err error) error {
	if rotation.ClassOf(err) != rotation.NotFound {
		return err
	}
	return &rotation.Fault{
		Class: rotation.NotFound, Err: err,
		Remedy: fmt.Sprintf("choose a project of the team %q, or put the application into the group of the project's team", c.team),
	}
}

func (p place) notesOnVariable(entries []variable, plan plan) (notes []string) {
	for _, n := range plan.narrow {
		notes = append(notes, fmt.Sprintf("the entry %s also covers %s: it keeps its value there, and the chosen environments get an entry of their own",
			n.of.ID, strings.Join(n.rest, ", ")))
	}
	branches := 0
	for _, v := range entries {
		if v.Key == p.Variable && v.Branch != "" {
			branches++
		}
	}
	if branches > 0 && slices.Contains(p.Environments, preview) {
		notes = append(notes, fmt.Sprintf("the entries of single Git branches (%d) are left alone: their previews do not get the credential", branches))
	}
	readable := func(e edit) bool { return e.retyped == "" && e.of.Type != typeSensitive }
	if slices.ContainsFunc(plan.set, readable) || slices.ContainsFunc(plan.create, func(e entry) bool { return e.kind != typeSensitive }) {
		notes = append(notes, "the value can be read back by whoever may read the project's variables; sensitive: true prevents that, outside development")
	}
	return notes
}

func (p place) notesOnDeployments() (notes []string) {
	if slices.Contains(p.Redeploy, production) {
		notes = append(notes, "redeploying production may mean a downtime of 30 to 60 seconds; a maintenance window can hold it back")
	}
	for _, environment := range p.Environments {
		if environment != development && !slices.Contains(p.Redeploy, environment) {
			notes = append(notes, fmt.Sprintf("%s is not redeployed: the old credential is kept until somebody deploys there", environment))
		}
	}
	return notes
}
