package cli

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// logQuery says which lines of the log are shown.
type logQuery struct {
	follow, failures           bool
	since                      spanFlag
	limit                      int
	rotation, target, what, by string
	correlation                string
	path                       string
	alone                      bool // of one application
}

func (s *session) log() *cobra.Command {
	var q logQuery
	c := &cobra.Command{
		Use: "log [APP]", Short: "Show what was done, the newest last", Args: cobra.MaximumNArgs(1), ValidArgsFunction: s.completeApps,
		Example: "  rekey log --failures --since 2h\n  rekey log Shop --follow",
		RunE: func(c *cobra.Command, args []string) error {
			q.path = client.Path("log")
			if len(args) == 1 {
				id, err := s.app(c.Context(), args[0])
				if err != nil {
					return err
				}
				q.path, q.alone = client.Path("applications", id, "log"), true
			}
			return s.showLog(c.Context(), q)
		},
	}
	f := c.Flags()
	f.BoolVar(&q.follow, "follow", false, "go on with what is added; with -o json a line of JSON each")
	f.BoolVar(&q.failures, "failures", false, "only failures")
	f.Var(&q.since, "since", "only so far back, such as 2h or 7d")
	f.IntVar(&q.limit, "limit", 100, "at most so many lines")
	f.StringVar(&q.rotation, "rotation", "", "only of this rotation")
	f.StringVar(&q.target, "target", "", "only of this target")
	f.StringVar(&q.what, "what", "", "only this word, such as published")
	f.StringVar(&q.by, "actor", "", "only what this one did")
	f.StringVar(&q.correlation, "correlation", "", "only what the request with this X-Correlation-Id led to")
	return c
}

// values are the parameters; from is when the first line may be.
func (q logQuery) values(from time.Time) url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"rotation": q.rotation, "target": q.target, "what": q.what, "actor": q.by, "correlation": q.correlation} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.failures {
		values.Set("failure", strconv.FormatBool(true))
	}
	if !from.IsZero() {
		values.Set("from", from.UTC().Format(time.RFC3339Nano))
	}
	return values
}

func (s *session) showLog(ctx context.Context, q logQuery) error {
	var from time.Time
	if q.since > 0 {
		from = s.Now().Add(-time.Duration(q.since))
	}
	if q.follow {
		return s.followLog(ctx, q, from)
	}
	return s.list(ctx, q.path, q.values(from), q.limit, func(p *page, lines []record) {
		slices.Reverse(lines)
		p.table(lines, "The log has no such line.", q.columns()...)
	})
}

// columns name the application where there are several.
func (q logQuery) columns() []column {
	all := []column{
		{"AT", "at", clock}, {"APPLICATION", "appId", nil}, {"KIND", "kind", nil}, {"WHAT", "what", nil}, {"FAILURE", "failure", onlyTrue},
		{"TARGET", "target", nil}, {"ACTOR", "actor", nil}, {"DETAIL", "detail", nil},
	}
	if q.alone {
		return slices.Delete(all, 1, 2)
	}
	return all
}
