package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// keys are the commands on API keys.
func (s *session) keys() *cobra.Command {
	c := s.keysList("keys")
	revoke := s.deletion("revoke ID", "Revoke an API key", 1, func(_ context.Context, args []string) (string, error) {
		return client.Path("keys", args[0]), nil
	})
	c.AddCommand(s.keysList("list"), s.keysCreate(), revoke)
	return c
}

func (s *session) keysList(use string) *cobra.Command {
	var limit int
	c := &cobra.Command{Use: use, Short: "List the API keys", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return s.list(c.Context(), client.Path("keys"), nil, limit, table("There is no API key.", keyColumns()...))
	}}
	limitFlag(c, &limit)
	return c
}

func keyColumns() []column {
	return []column{
		{"KEY", "id", nil}, {"NAME", "name", nil}, {"ROLE", "role", nil}, {"APPLICATIONS", "applications", nil},
		{"EXPIRES", "expires", when}, {"LAST USED", "lastUsed", when}, {"MADE BY", "createdBy", nil},
	}
}

func (s *session) keysCreate() *cobra.Command {
	var role string
	var apps []string
	expires := spanFlag(90 * 24 * time.Hour)
	c := &cobra.Command{
		Use: "create NAME", Short: "Make an API key, which is shown once", Args: cobra.ExactArgs(1),
		Example: "  rekey keys create pipeline --role operator --expires-in 30d",
		RunE: func(c *cobra.Command, args []string) error {
			body := map[string]any{"name": args[0], "role": role, "expires": s.Now().Add(time.Duration(expires)).UTC().Truncate(time.Second)}
			var ids []string
			for _, app := range apps {
				id, err := s.app(c.Context(), app)
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			if ids != nil {
				body["applications"] = ids
			}
			answer, err := s.post(c.Context(), client.Path("keys"), body)
			if err != nil {
				return err
			}
			if s.format == formatTable {
				s.note("This is the only time that the key is shown.")
			}
			return s.show(answer.Body, func(p *page, r record) {
				p.fields(r, column{"Key:", "key", nil}, column{"Id:", "id", nil}, column{"Role:", "role", nil}, column{"Expires:", "expires", when})
			})
		},
	}
	c.Flags().StringVar(&role, "role", "reader", "reader, operator or administrator")
	c.Flags().StringSliceVar(&apps, "app", nil, "only for these applications")
	c.Flags().Var(&expires, "expires-in", "when it ends, at most 365d from now")
	_ = c.RegisterFlagCompletionFunc("role", cobra.FixedCompletions([]string{"reader", "operator", "administrator"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}
