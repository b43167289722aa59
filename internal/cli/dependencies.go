package cli

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// forms are those in which dependencies can be had beside the usual ones.
func forms() []string { return []string{"csv", "markdown", "mermaid"} }

func (s *session) dependencies() *cobra.Command {
	var form, app, integration, place string
	var limit int
	c := &cobra.Command{Use: "dependencies", Short: "Show which places depend on which applications, and the reverse", Args: cobra.NoArgs,
		Example: "  rekey dependencies --format mermaid > dependencies.mmd",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if app != "" {
				if app, err = s.app(c.Context(), app); err != nil {
					return err
				}
			}
			query := url.Values{}
			for parameter, value := range map[string]string{"app": app, "integration": integration, "place": place} {
				if value != "" {
					query.Set(parameter, value)
				}
			}
			if form != "" {
				return s.formed(c.Context(), form, query, limit)
			}
			return s.list(c.Context(), client.Path("dependencies"), query, limit, showDependencies)
		}}
	f := c.Flags()
	f.StringVar(&form, "format", "", "csv, markdown or mermaid")
	f.StringVar(&app, "app", "", "only of this application")
	f.StringVar(&integration, "integration", "", "only through this integration")
	f.StringVar(&place, "place", "", "only of the place with this name: what depends on it")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(forms(), cobra.ShellCompDirectiveNoFileComp))
	limitFlag(c, &limit)
	return c
}

// formed writes a page as it comes, the longest that there is: pages of these forms do
// not go together.
func (s *session) formed(ctx context.Context, form string, query url.Values, limit int) error {
	if err := oneOf("--format", form, forms()...); err != nil {
		return err
	}
	if limit <= 0 {
		limit = mostItems
	}
	query.Set("format", form)
	query.Set("limit", strconv.Itoa(limit))
	answer, err := s.do(ctx, client.Request{Path: client.Path("dependencies"), Query: query, Header: http.Header{"Accept": {"*/*"}}})
	if err != nil {
		return err
	}
	if answer.Header.Get("Link") != "" {
		s.note("This is the first page; -o json has all.")
	}
	return s.write(answer.Body)
}

// showDependencies shows a line for each target.
func showDependencies(p *page, apps []record) {
	var lines []record
	for _, app := range apps {
		for _, target := range app.list("targets") {
			lines = append(lines, record{"app": map[string]any(app), "is": map[string]any(target)})
		}
	}
	p.table(lines, "Nothing depends on anything.",
		column{"APPLICATION", "app.appId", nil}, column{"NAME", "app.name", nil}, column{"TARGET", "is.target", nil}, column{"KIND", "is.kind", nil},
		column{"ENABLED", "is.enabled", nil}, column{"PLACE", "is.placeKind", nil}, column{"ITS NAME", "is.place", nil})
}
