package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// apps are the commands on managed applications.
func (s *session) apps() *cobra.Command {
	c := s.appsList("apps", "The managed applications")
	c.AddCommand(
		s.appsList("list", "List the managed applications"), s.appsShow(), s.appsSet(), s.appsDelete(), s.appsAdopt(),
		s.appsPause("pause", "Pause an application: nothing of it is rotated by itself"),
		s.appsPause("resume", "Resume an application"),
	)
	return c
}

func (s *session) appsList(use, short string) *cobra.Command {
	var limit int
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return s.list(c.Context(), client.Path("applications"), nil, limit, table("No application is managed yet.",
			column{"APPLICATION", "appId", nil}, column{"NAME", "name", nil}, column{"KINDS", "policies", kindsOf}, column{"PAUSED", "paused", onlyTrue}))
	}}
	limitFlag(c, &limit)
	return c
}

// kindsOf names the kinds that are rotated.
func kindsOf(_ *page, policies any) string {
	of, _ := policies.(map[string]any)
	text := ""
	for _, kind := range kinds() {
		policy, _ := of[kind].(map[string]any)
		if policy == nil {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += kind
		if policy["enabled"] == false {
			text += " (off)"
		}
	}
	return text
}

func onlyTrue(_ *page, value any) string {
	if value == true {
		return "yes"
	}
	return ""
}

func (s *session) appsShow() *cobra.Command {
	return &cobra.Command{Use: "show APP", Short: "Show an application with its credentials and targets", Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error { return s.showApp(c.Context(), args[0]) }}
}

func (s *session) appsSet() *cobra.Command {
	var file, ifMatch string
	var manage []string
	c := &cobra.Command{
		Use: "set APP", Short: "Manage an application by these policies", Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeApps,
		Example: "  rekey apps set 11111111-aaaa-4111-8111-111111111111 --kind secret\n  rekey apps set Shop -f shop.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := s.app(c.Context(), args[0])
			if err != nil {
				return err
			}
			r := client.Request{Method: http.MethodPut, Path: client.Path("applications", id), Header: http.Header{}}
			switch {
			case file != "" && len(manage) == 0:
				r.Body, err = s.document(file)
			case file == "" && len(manage) > 0:
				r.Body, err = defaultPolicies(manage)
				r.Header.Set("If-None-Match", "*") // what somebody chose is not replaced by defaults
			default:
				err = &usage{errors.New("either -f or --kind says how it is managed")}
			}
			if err != nil {
				return err
			}
			return s.put(c.Context(), r, ifMatch, func(p *page, app record) { appFields(p, app) })
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "its policies and windows, in JSON or YAML; - is stdin")
	c.Flags().StringSliceVar(&manage, "kind", nil, "begin to manage it: rotate this kind by the default policy (secret, certificate)")
	ifMatchFlag(c, &ifMatch)
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kinds(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func defaultPolicies(manage []string) ([]byte, error) {
	policies := map[string]any{}
	for _, kind := range manage {
		if err := oneOf("--kind", kind, kinds()...); err != nil {
			return nil, err
		}
		policies[kind] = map[string]any{"enabled": true}
	}
	return json.Marshal(map[string]any{"policies": policies})
}

func (s *session) appsDelete() *cobra.Command {
	return s.deletion("delete APP", "Manage an application no longer; its credentials stay", 1, func(ctx context.Context, args []string) (string, error) {
		id, err := s.app(ctx, args[0])
		return client.Path("applications", id), err
	})
}

func (s *session) appsAdopt() *cobra.Command {
	return &cobra.Command{Use: "adopt APP KEYID", Short: "Hand a credential over that rekey did not make", Args: cobra.ExactArgs(2), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error {
			id, err := s.app(c.Context(), args[0])
			if err != nil {
				return err
			}
			answer, err := s.post(c.Context(), client.Path("applications", id, "adopt"), map[string]any{"keyId": args[1]})
			if err != nil {
				return err
			}
			return s.show(answer.Body, showDetail)
		}}
}

func (s *session) appsPause(word, short string) *cobra.Command {
	var all bool
	c := &cobra.Command{Use: word + " APP", Short: short, Args: cobra.MaximumNArgs(1), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error {
			path := client.Path(word)
			switch {
			case all == (len(args) == 1):
				return &usage{errors.New("name either one application or --all")}
			case !all:
				id, err := s.app(c.Context(), args[0])
				if err != nil {
					return err
				}
				path = client.Path("applications", id, word)
			}
			answer, err := s.do(c.Context(), client.Request{Method: http.MethodPost, Path: path})
			if err != nil {
				return err
			}
			return s.show(answer.Body, func(p *page, r record) { p.fields(r, column{"Paused:", "paused", nil}) })
		}}
	c.Flags().BoolVar(&all, "all", false, "everything")
	return c
}
