package cli

import (
	"errors"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

func (s *session) choices() *cobra.Command {
	return &cobra.Command{
		Use: "choices INTEGRATION SETTING [key=value...]", Short: "List what can be chosen for a setting of an integration's targets", Args: cobra.MinimumNArgs(2),
		Example: "  rekey choices devops serviceConnection organization=contoso project=shop",
		RunE: func(c *cobra.Command, args []string) error {
			query := url.Values{"setting": {args[1]}}
			for _, chosen := range args[2:] {
				name, value, ok := strings.Cut(chosen, "=")
				if !ok || name == "" || name == "setting" {
					return &usage{errors.New("what was chosen before must be name=value, such as organization=contoso")}
				}
				query.Set(name, value)
			}
			answer, err := s.get(c.Context(), client.Path("integrations", args[0], "choices"), query)
			if err != nil {
				return err
			}
			return s.show(answer.Body, func(p *page, r record) {
				p.table(r.list("items"), "There is nothing to choose.", column{"VALUE", "value", nil}, column{"NAME", "name", nil}, column{"UNUSABLE BECAUSE", "unusable", nil})
			})
		},
	}
}
