package cli

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// things are what is configured beside applications: each has an id of the user's own,
// and is listed, shown, set and deleted alike.
type things struct {
	word, one string // of the path; for people
	none      string
	columns   []column
}

func (s *session) things(t things) *cobra.Command {
	c := s.thingsList(t, t.word)
	c.AddCommand(s.thingsList(t, "list"), s.thingsShow(t), s.thingsSet(t),
		s.deletion("delete ID", "Delete a "+t.one, 1, func(_ context.Context, args []string) (string, error) {
			return client.Path(t.word, args[0]), nil
		}))
	return c
}

func (s *session) thingsList(t things, use string) *cobra.Command {
	var limit int
	c := &cobra.Command{Use: use, Short: "List the " + t.word, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return s.list(c.Context(), client.Path(t.word), nil, limit, table(t.none, t.columns...))
	}}
	limitFlag(c, &limit)
	return c
}

func (s *session) thingsShow(t things) *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: "Show a " + t.one, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		return s.showOne(c.Context(), client.Path(t.word, args[0]), showAnything)
	}}
}

func (s *session) thingsSet(t things) *cobra.Command {
	var file, ifMatch string
	c := &cobra.Command{Use: "set ID", Short: "Make or replace a " + t.one, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		body, err := s.document(file)
		if err != nil {
			return err
		}
		return s.put(c.Context(), client.Request{Method: http.MethodPut, Path: client.Path(t.word, args[0]), Body: body}, ifMatch, showAnything)
	}}
	fileFlag(c, &file, "what it is")
	ifMatchFlag(c, &ifMatch)
	return c
}

// showOne shows one thing, with the ETag that set and delete take.
func (s *session) showOne(ctx context.Context, path string, human func(*page, record)) error {
	answer, err := s.get(ctx, path, nil)
	if err != nil {
		return err
	}
	return s.show(answer.Body, func(p *page, r record) {
		human(p, r)
		if etag := answer.Header.Get("ETag"); etag != "" {
			p.line("\nETag: %s", plain(etag))
		}
	})
}

func (s *session) groups() *cobra.Command {
	return s.things(things{"groups", "group of applications that deliver to a team at Vercel", "There is no group.", []column{
		{"GROUP", "id", nil}, {"NAME", "name", nil}, {"ACTIVE", "active", nil}, {"TEAM", "team", nil}, {"TEAM'S NAME", "teamName", nil}, {"TOKEN", "hasToken", nil}}})
}

func (s *session) tasks() *cobra.Command {
	return s.things(things{"tasks", "task that is done with every new credential", "There is no task.", []column{
		{"TASK", "id", nil}, {"NAME", "name", nil}, {"STEPS", "steps", nil}}})
}

func (s *session) notifications() *cobra.Command {
	c := s.things(things{"notifications", "notification", "Nobody is notified of anything.", []column{
		{"NOTIFICATION", "id", nil}, {"NAME", "name", nil}, {"ACTIVE", "active", nil}, {"CHANNEL", "channel", nil}, {"EVENTS", "events", nil},
		{"HOST", "host", nil}, {"TO", "to", nil}}})
	c.AddCommand(&cobra.Command{Use: "test ID", Short: "Send a test message", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		_, err := s.do(c.Context(), client.Request{Method: http.MethodPost, Path: client.Path("notifications", args[0], "test")})
		return err
	}})
	return c
}
