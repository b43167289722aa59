package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

func (s *session) deadLetters() *cobra.Command {
	c := s.deadLettersList("deadletters")
	c.AddCommand(s.deadLettersList("list"),
		s.deadLetter("show", "Show a dead-lettered message", http.MethodGet),
		s.deadLetter("replay", "Send a dead-lettered message once more", http.MethodPost),
		s.deadLetter("discard", "Delete a dead-lettered message", http.MethodPost))
	return c
}

func (s *session) deadLettersList(use string) *cobra.Command {
	var limit int
	c := &cobra.Command{Use: use, Short: "List the dead-lettered messages", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return s.list(c.Context(), client.Path("deadletters"), nil, limit, func(p *page, items []record) {
			p.table(items, "There is none.", columnsOf(items)...)
		})
	}}
	limitFlag(c, &limit)
	return c
}

func (s *session) deadLetter(word, short, method string) *cobra.Command {
	return &cobra.Command{Use: word + " ENTITY SEQUENCE", Short: short, Args: cobra.ExactArgs(2), RunE: func(c *cobra.Command, args []string) error {
		if _, err := strconv.ParseUint(args[1], 10, 63); err != nil {
			return &usage{fmt.Errorf("the sequence number must be a number, not %q", args[1])}
		}
		path := client.Path("deadletters", args[0], args[1])
		if method == http.MethodPost {
			path += "/" + word
		}
		answer, err := s.do(c.Context(), client.Request{Method: method, Path: path})
		if err != nil || len(bytes.TrimSpace(answer.Body)) == 0 {
			return err
		}
		return s.show(answer.Body, showAnything)
	}}
}
