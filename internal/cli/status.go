package cli

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/client"
)

func (s *session) status() *cobra.Command {
	var w waiting
	var limit int
	c := &cobra.Command{
		Use: "status [APP|ROTATION]", Short: "Show how everything, an application or a rotation stands", Args: cobra.MaximumNArgs(1), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && rotationID.MatchString(args[0]):
				return s.statusOfRotation(c.Context(), args[0], w)
			case w.wait:
				return &usage{errors.New("--wait needs a rotation to wait for")}
			case len(args) == 1:
				return s.showApp(c.Context(), args[0])
			}
			return s.statusOfAll(c.Context(), limit)
		},
	}
	w.flags(c)
	c.Flags().IntVar(&limit, "limit", 100, "of everything: at most so many applications")
	return c
}

func (s *session) statusOfRotation(ctx context.Context, id string, w waiting) error {
	answer, err := s.get(ctx, client.Path("rotations", id), nil)
	if err != nil {
		return err
	}
	return s.rotation(ctx, answer, w)
}

func (s *session) showApp(ctx context.Context, given string) error {
	id, err := s.app(ctx, given)
	if err != nil {
		return err
	}
	answer, err := s.get(ctx, client.Path("applications", id), nil)
	if err != nil {
		return err
	}
	return s.show(answer.Body, func(p *page, r record) {
		showDetail(p, r)
		p.line("\nETag: %s", plain(answer.Header.Get("ETag")))
	})
}

// statusOfAll asks for one application after the other, a few at a time.
func (s *session) statusOfAll(ctx context.Context, limit int) error {
	api, err := s.client()
	if err != nil {
		return err
	}
	found, err := api.List(ctx, client.Path("applications"), nil, limit, limit)
	if err != nil {
		return err
	}
	apps, err := records(found.Items)
	if err != nil {
		return err
	}
	details := make([]json.RawMessage, len(apps))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, app := range apps {
		group.Go(func() error {
			answer, err := s.get(ctx, client.Path("applications", app.text("appId")), nil)
			details[i] = answer.Body
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	document, err := json.Marshal(map[string]any{"items": details})
	if err != nil {
		return err
	}
	if found.More {
		s.note("There are more; --limit N shows N of them.")
	}
	return s.show(document, func(p *page, r record) { showAll(p, r.list("items")) })
}
