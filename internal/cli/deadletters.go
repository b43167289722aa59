package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

func (s *session) deadLetters() *cobra.Command {
	c := s.deadLettersList("deadletters")
	c.AddCommand(s.deadLettersList("list"),
		s.deadLetter("show", "Show a message that was given up", http.MethodGet),
		s.deadLetter("replay", "Deliver a message that was given up once more", http.MethodPost),
		s.deadLetter("discard", "Remove a message that was given up", http.MethodPost))
	return c
}

func (s *session) deadLettersList(use string) *cobra.Command {
	var entity string
	var limit int
	c := &cobra.Command{Use: use, Short: "List the messages that were given up", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		query := url.Values{}
		if entity != "" {
			query.Set("entity", entity)
		}
		return s.list(c.Context(), client.Path("deadletters"), query, limit, table("There is none.",
			column{"ENTITY", "entity", nil}, column{"SEQUENCE", "sequenceNumber", nil}, column{"ENQUEUED", "enqueuedAt", when}, column{"DELIVERIES", "deliveryCount", nil},
			column{"ROTATION", "rotation", nil}, column{"TARGET", "target", nil}, column{"REASON", "reason", nil}, column{"DESCRIPTION", "description", nil}))
	}}
	c.Flags().StringVar(&entity, "entity", "", "only of this queue, or of this topic and subscription with a dot between them")
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
