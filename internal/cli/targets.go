package cli

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// targets are the commands on the places that an application's credential goes to.
func (s *session) targets() *cobra.Command {
	c := s.targetsList("targets APP", "The targets of an application")
	c.AddCommand(
		s.targetsList("list APP", "List the targets of an application"), s.targetsShow(), s.targetsSet(), s.targetsCheck(),
		s.deletion("delete APP TARGET", "Deliver there no longer; what it holds is no longer kept valid", 2, func(ctx context.Context, args []string) (string, error) {
			return s.targetPath(ctx, args)
		}))
	return c
}

func (s *session) targetPath(ctx context.Context, args []string, more ...string) (string, error) {
	id, err := s.app(ctx, args[0])
	return client.Path(append([]string{"applications", id, "targets", args[1]}, more...)...), err
}

// targetsList shows the application that has them: there is no list of targets alone.
func (s *session) targetsList(use, short string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error {
			id, err := s.app(c.Context(), args[0])
			if err != nil {
				return err
			}
			answer, err := s.get(c.Context(), client.Path("applications", id), nil)
			if err != nil {
				return err
			}
			return s.show(answer.Body, func(p *page, r record) { showTargets(p, r.list("targets")) })
		}}
}

func (s *session) targetsShow() *cobra.Command {
	return &cobra.Command{Use: "show APP TARGET", Short: "Show a target with its settings", Args: cobra.ExactArgs(2), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error {
			path, err := s.targetPath(c.Context(), args)
			if err != nil {
				return err
			}
			return s.showOne(c.Context(), path, showTarget)
		}}
}

func (s *session) targetsSet() *cobra.Command {
	var file, ifMatch string
	c := &cobra.Command{Use: "set APP TARGET", Short: "Deliver the application's credential to this place", Args: cobra.ExactArgs(2), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error {
			path, err := s.targetPath(c.Context(), args)
			if err != nil {
				return err
			}
			body, err := s.document(file)
			if err != nil {
				return err
			}
			return s.put(c.Context(), client.Request{Method: http.MethodPut, Path: path, Body: body}, ifMatch, showTarget)
		}}
	fileFlag(c, &file, "its integration, kind, settings and windows")
	ifMatchFlag(c, &ifMatch)
	return c
}

func (s *session) targetsCheck() *cobra.Command {
	return &cobra.Command{Use: "check APP TARGET", Short: "Say whether a delivery would work, and change nothing", Args: cobra.ExactArgs(2), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error {
			path, err := s.targetPath(c.Context(), args, "check")
			if err != nil {
				return err
			}
			answer, err := s.do(c.Context(), client.Request{Method: http.MethodPost, Path: path})
			if err != nil {
				return err
			}
			check, err := read(answer.Body)
			if err != nil {
				return err
			}
			err = s.show(answer.Body, func(p *page, r record) {
				p.fields(r, column{"Would work:", "ok", nil}, column{"Reason:", "reason", nil}, column{"Notes:", "notes", nil})
			})
			if err == nil && check.at("ok") != true {
				return errors.New("a delivery would not work")
			}
			return err
		}}
}

func showTarget(p *page, target record) {
	p.fields(target, column{"Target:", "id", nil}, column{"Integration:", "integration", nil}, column{"Kind:", "kind", nil}, column{"Enabled:", "enabled", nil},
		column{"Notes:", "notes", nil}, column{"Access problem:", "accessProblem", nil})
	for _, part := range []string{"settings", "access"} {
		if object := target.of(part); len(object) > 0 {
			p.title(strings.ToUpper(part))
			showAnything(p, object)
		}
	}
}
