package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// version shows this program's version and, where one is named, the installation's.
func (s *session) version() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Show the versions of this program and of the installation", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		versions := fmt.Appendf(nil, `{"client":%q}`, s.Version)
		var err error
		if s.server != "" {
			var answer client.Answer
			if answer, err = s.get(c.Context(), client.Path("health"), nil); err == nil {
				health, _ := read(answer.Body)
				versions = fmt.Appendf(nil, `{"client":%q,"installation":%q}`, s.Version, health.text("version"))
			}
		}
		return errors.Join(s.show(versions, func(p *page, r record) {
			p.fields(r, column{"Client:", "client", nil}, column{"Installation:", "installation", nil})
		}), err)
	}}
}
