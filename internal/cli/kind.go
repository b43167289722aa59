package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// kinds are the kinds of credentials.
func kinds() []string { return []string{"secret", "certificate"} }

// kindFlag is --kind, which most commands on an application's credential need.
func kindFlag(c *cobra.Command, kind *string) {
	c.Flags().StringVar(kind, "kind", "", "secret or certificate")
	_ = c.MarkFlagRequired("kind")
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kinds(), cobra.ShellCompDirectiveNoFileComp))
}

// completionTime is how long a person waits for what TAB gives.
const completionTime = 3 * time.Second

// completeApps completes an application by its client id, where the installation can
// be asked in time.
func (s *session) completeApps(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	api, err := s.client()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(c.Context(), completionTime)
	defer cancel()
	all, err := api.List(ctx, client.Path("applications"), nil, mostItems, mostItems)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	apps, _ := records(all.Items)
	var ids []string
	for _, a := range apps {
		ids = append(ids, cobra.CompletionWithDesc(a.text("appId"), a.text("name")))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
