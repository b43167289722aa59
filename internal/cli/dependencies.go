package cli

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// dependencies are shown in the form that is asked for; one that is no JSON is written
// page by page as it comes.
func (s *session) dependencies() *cobra.Command {
	var form string
	var limit int
	c := &cobra.Command{Use: "dependencies", Short: "Show which application depends on which target, and the reverse", Args: cobra.NoArgs,
		Example: "  rekey dependencies --format mermaid > dependencies.mmd",
		RunE: func(c *cobra.Command, _ []string) error {
			if form == "" {
				return s.list(c.Context(), client.Path("dependencies"), nil, limit, func(p *page, items []record) {
					p.table(items, "Nothing depends on anything.", columnsOf(items)...)
				})
			}
			if err := oneOf("--format", form, "csv", "markdown", "mermaid", "ndjson"); err != nil {
				return err
			}
			answer, err := s.do(c.Context(), client.Request{
				Path: client.Path("dependencies"), Query: url.Values{"format": {form}}, Header: http.Header{"Accept": {"*/*"}},
			})
			if err != nil {
				return err
			}
			if answer.Header.Get("Link") != "" {
				s.note("This is the first page; -o json has all.")
			}
			return s.write(answer.Body)
		}}
	c.Flags().StringVar(&form, "format", "", "csv, markdown, mermaid or ndjson")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"csv", "markdown", "mermaid", "ndjson"}, cobra.ShellCompDirectiveNoFileComp))
	limitFlag(c, &limit)
	return c
}
