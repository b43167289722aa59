package cli

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// ifMatchFlag is --if-match, which everything that replaces or deletes has.
func ifMatchFlag(c *cobra.Command, ifMatch *string) {
	c.Flags().StringVar(ifMatch, "if-match", "", "only if it still has this ETag, as show gives it")
}

// put replaces a thing and shows what the API made of it.
func (s *session) put(ctx context.Context, r client.Request, ifMatch string, human func(*page, record)) error {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if ifMatch != "" {
		r.Header.Set("If-Match", ifMatch)
	}
	answer, err := s.do(ctx, r)
	if err != nil {
		return err
	}
	return s.show(answer.Body, human)
}

// deletion is a command that deletes what its arguments name.
func (s *session) deletion(use, short string, args int, path func(context.Context, []string) (string, error)) *cobra.Command {
	var ifMatch string
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(args), RunE: func(c *cobra.Command, args []string) error {
		at, err := path(c.Context(), args)
		if err != nil {
			return err
		}
		r := client.Request{Method: http.MethodDelete, Path: at, Header: http.Header{}}
		if ifMatch != "" {
			r.Header.Set("If-Match", ifMatch)
		}
		_, err = s.do(c.Context(), r)
		return err
	}}
	ifMatchFlag(c, &ifMatch)
	return c
}
