package cli

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

func (s *session) inventory() *cobra.Command {
	var expiresWithin, managed, owner, kind, name string
	var expired bool
	var limit int
	c := &cobra.Command{
		Use: "inventory", Short: "List the tenant's app registrations and when their credentials end", Args: cobra.NoArgs,
		Example: "  rekey inventory --expires-within 30d --managed false",
		RunE: func(c *cobra.Command, _ []string) error {
			query := url.Values{}
			for parameter, value := range map[string]string{"expiresWithin": expiresWithin, "managed": managed, "owner": owner, "kind": kind, "name": name} {
				if value != "" {
					query.Set(parameter, value)
				}
			}
			if expired {
				query.Set("expired", "true")
			}
			return s.list(c.Context(), client.Path("inventory"), query, limit, showInventory)
		},
	}
	f := c.Flags()
	f.StringVar(&expiresWithin, "expires-within", "", "credentials that end within this time, such as 30d or 12h")
	f.BoolVar(&expired, "expired", false, "credentials that have ended")
	f.StringVar(&managed, "managed", "", "true: those that rekey manages; false: those that it does not")
	f.StringVar(&owner, "owner", "", "those that this object id owns")
	f.StringVar(&kind, "kind", "", "secret or certificate")
	f.StringVar(&name, "name", "", "a part of the name")
	limitFlag(c, &limit)
	return c
}

// showInventory shows a line for each credential, and one for what has none.
func showInventory(p *page, apps []record) {
	var lines []record
	for _, app := range apps {
		credentials := app.list("credentials")
		if len(credentials) == 0 {
			credentials = []record{{}}
		}
		for _, credential := range credentials {
			lines = append(lines, record{"app": map[string]any(app), "credential": map[string]any(credential)})
		}
	}
	p.table(lines, "There is no such app registration.",
		column{"APPLICATION", "app.appId", nil}, column{"NAME", "app.name", nil}, column{"MANAGED", "app.managed", nil}, column{"OWNERS", "app.owners", nil},
		column{"KIND", "credential.kind", nil}, column{"KEY ID", "credential.keyId", nil}, column{"OURS", "credential.ours", onlyTrue}, column{"ENDS", "credential.end", when})
}

func (s *session) advice() *cobra.Command {
	var limit int
	c := &cobra.Command{Use: "advice", Short: "Say what needs no secret at all, and which secrets nobody needs any more", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.list(c.Context(), client.Path("advice"), nil, limit, table("There is nothing to advise.",
				column{"RULE", "rule", nil}, column{"APPLICATION", "appId", nil}, column{"NAME", "name", nil}, column{"TARGET", "target", nil}, column{"KEY ID", "keyId", nil},
				column{"FINDING", "finding", nil}, column{"WAY OUT", "wayOut", nil}, column{"PAGE", "page", nil}))
		}}
	limitFlag(c, &limit)
	return c
}
