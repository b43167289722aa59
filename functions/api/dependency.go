package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// A Placer is an Integration that can say which place a target delivers to.
type Placer interface {
	// Place returns what kind of place it is and its name, the same for every target
	// that delivers there. Settings that cannot be read have no name.
	Place(target rotation.TargetRow) (kind, name string)
}

// Dependencies are places that depend on applications: each holds a credential of theirs.
type Dependencies struct {
	Page[ApplicationDependencies]
	Places []PlaceDependencies `json:"places" nullable:"false" doc:"The reverse, of the applications on this page"`
}

// ApplicationDependencies are the places that depend on one application.
type ApplicationDependencies struct {
	AppID   string       `json:"appId"`
	Name    string       `json:"name"`
	Targets []Dependency `json:"targets" nullable:"false"`
}

// Dependency is one target and the place that it delivers to.
type Dependency struct {
	Target      string        `json:"target"`
	Kind        rotation.Kind `json:"kind"`
	Integration string        `json:"integration"`
	Enabled     bool          `json:"enabled"`
	PlaceKind   string        `json:"placeKind" doc:"What kind of place it is: Key Vault, Vercel project, …"`
	Place       string        `json:"place" doc:"Its name; empty where the settings cannot be read"`
}

// PlaceDependencies are the applications that one place depends on.
type PlaceDependencies struct {
	Integration  string   `json:"integration"`
	PlaceKind    string   `json:"placeKind"`
	Place        string   `json:"place"`
	Applications []string `json:"applications" nullable:"false" doc:"Their client ids"`
}

type getDependencies struct {
	AppID       appID  `query:"app" doc:"Only of this application"`
	Integration string `query:"integration" maxLength:"63" doc:"Only through this integration"`
	Place       string `query:"place" maxLength:"500" doc:"Only of the place with this name; its case means nothing"`
	Limit       int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many applications are looked at, at most"`
	Cursor      string `query:"cursor" maxLength:"200" doc:"The next of the page before"`
	Accept      string `header:"Accept" doc:"application/json, text/csv, text/markdown or text/vnd.mermaid"`
	Format      string `query:"format" enum:"json,csv,markdown,mermaid" doc:"The form of the answer, in place of Accept"`
}

func (a *api) registerDependencies(h huma.API) {
	written := exports[Dependencies](h, formCSV, formMarkdown, formMermaid)
	huma.Register(h, written(operation("listDependencies", http.MethodGet, "/api/dependencies",
		"Which places depend on which applications, and the reverse; a page may be short and still have a next")), a.listDependencies)
}

func (a *api) listDependencies(ctx context.Context, in *getDependencies) (*exported, error) {
	apps, next, err := a.dependingOn(ctx, in)
	if err != nil {
		return nil, err
	}
	found, err := a.dependencies(ctx, apps, in)
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	page := Dependencies{Page: pageOf(found, next), Places: byPlace(found)}
	switch form := formOf(in.Format, in.Accept, formCSV, formMarkdown, formMermaid); form {
	case formCSV:
		return export(ctx, form, page.Next, writeCSV(dependencyColumns, dependencyRows(found))), nil
	case formMarkdown:
		return export(ctx, form, page.Next, dependenciesInMarkdown(page)), nil
	case formMermaid:
		return export(ctx, form, page.Next, dependenciesInMermaid(page)), nil
	}
	return exportJSON(ctx, page.Next, page)
}

// dependingOn returns the applications of one page.
func (a *api) dependingOn(ctx context.Context, in *getDependencies) (apps []rotation.Application, next string, err error) {
	if in.AppID != "" {
		app, _, err := a.Engine.Application(ctx, in.AppID.String())
		if err != nil {
			return nil, "", a.refusal(ctx, err)
		}
		return []rotation.Application{app}, "", nil
	}
	from, err := Paging{Cursor: in.Cursor}.from(applicationCursor)
	if err != nil {
		return nil, "", err
	}
	if apps, next, err = a.Engine.Applications(ctx, from, in.Limit); err != nil {
		return nil, "", a.refusal(ctx, err)
	}
	return apps, next, nil
}

// targetsAtOnce is how many applications' targets are read at the same time.
const targetsAtOnce = 8

// dependencies reads the targets of applications. Those without any are left out.
func (a *api) dependencies(ctx context.Context, apps []rotation.Application, in *getDependencies) ([]ApplicationDependencies, error) {
	all := make([]ApplicationDependencies, len(apps))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(targetsAtOnce)
	for i, app := range apps {
		group.Go(func() error {
			targets, err := a.Engine.TargetsOf(ctx, app.AppID)
			all[i] = ApplicationDependencies{AppID: app.AppID, Name: app.Name, Targets: a.dependenciesOf(targets, in)}
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(all, func(d ApplicationDependencies) bool { return len(d.Targets) == 0 }), err
}

func (a *api) dependenciesOf(targets []rotation.TargetRow, in *getDependencies) (found []Dependency) {
	for _, t := range targets {
		d := Dependency{Target: t.ID, Kind: t.Kind, Integration: t.Integration, Enabled: t.Enabled, PlaceKind: t.Integration}
		if placer, ok := a.Integrations[t.Integration].(Placer); ok {
			d.PlaceKind, d.Place = placer.Place(t)
		}
		if (in.Integration == "" || in.Integration == d.Integration) && (in.Place == "" || strings.EqualFold(in.Place, d.Place)) {
			found = append(found, d)
		}
	}
	return found
}

// byPlace turns dependencies around.
func byPlace(apps []ApplicationDependencies) []PlaceDependencies {
	places := []PlaceDependencies{}
	for _, app := range apps {
		for _, d := range app.Targets {
			i := slices.IndexFunc(places, func(p PlaceDependencies) bool {
				return p.Integration == d.Integration && p.PlaceKind == d.PlaceKind && p.Place == d.Place
			})
			if i < 0 {
				i = len(places)
				places = append(places, PlaceDependencies{Integration: d.Integration, PlaceKind: d.PlaceKind, Place: d.Place})
			}
			if !slices.Contains(places[i].Applications, app.AppID) {
				places[i].Applications = append(places[i].Applications, app.AppID)
			}
		}
	}
	slices.SortStableFunc(places, func(a, b PlaceDependencies) int {
		return strings.Compare(a.PlaceKind+"\x00"+a.Place, b.PlaceKind+"\x00"+b.Place)
	})
	return places
}

var dependencyColumns = []string{"appId", "application", "target", "kind", "integration", "enabled", "placeKind", "place"}

func dependencyRows(apps []ApplicationDependencies) (rows [][]string) {
	for _, app := range apps {
		for _, d := range app.Targets {
			rows = append(rows, []string{
				app.AppID, app.Name, d.Target, string(d.Kind), d.Integration, strconv.FormatBool(d.Enabled), d.PlaceKind, d.Place,
			})
		}
	}
	return rows
}
