package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// request is what a rotation or a plan of one is asked for with.
type request struct {
	Kind      string `json:"kind"`
	Emergency bool   `json:"emergency,omitempty"`
	RevokeNow bool   `json:"revokeNow,omitempty"`
}

func (r *request) flags(c *cobra.Command) {
	kindFlag(c, &r.Kind)
	c.Flags().BoolVar(&r.Emergency, "emergency", false, "although paused, and without an overlap for the old credentials")
	c.Flags().BoolVar(&r.RevokeNow, "revoke-now", false, "with --emergency: remove the old credentials at publication")
}

// ask requests a rotation or, in a dry run, a plan. A request that is repeated finds
// the same rotation.
func (s *session) ask(ctx context.Context, app string, r request, dryRun bool) (client.Answer, error) {
	if err := oneOf("--kind", r.Kind, kinds()...); err != nil {
		return client.Answer{}, err
	}
	if r.RevokeNow && !r.Emergency {
		return client.Answer{}, &usage{errors.New("--revoke-now needs --emergency")}
	}
	id, err := s.app(ctx, app)
	if err != nil {
		return client.Answer{}, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return client.Answer{}, err
	}
	send := client.Request{
		Method: http.MethodPost, Path: client.Path("applications", id, "rotations"), Body: body,
		Header: http.Header{"Idempotency-Key": {rand.Text()}},
	}
	if dryRun {
		send.Query = url.Values{"dryRun": {"true"}}
	}
	return s.do(ctx, send)
}

func (s *session) rotate() *cobra.Command {
	var r request
	var w waiting
	c := &cobra.Command{
		Use: "rotate APP", Short: "Rotate now, or find the rotation in flight", Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeApps,
		Example: "  rekey rotate Shop --kind secret --wait\n  rekey rotate Shop --kind secret --emergency --revoke-now",
		RunE: func(c *cobra.Command, args []string) error {
			answer, err := s.ask(c.Context(), args[0], r, false)
			if err != nil {
				return err
			}
			return s.rotation(c.Context(), answer, w)
		},
	}
	r.flags(c)
	w.flags(c)
	return c
}

func (s *session) resume() *cobra.Command {
	var w waiting
	c := &cobra.Command{Use: "resume ROTATION TARGET", Short: "Deliver once more to a target that failed", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			answer, err := s.do(c.Context(), client.Request{Method: http.MethodPost, Path: client.Path("deployments", args[0], args[1], "resume")})
			if err != nil {
				return err
			}
			r, err := read(answer.Body)
			if err != nil {
				return err
			}
			w.resumed = r.deployment(args[1])
			return s.rotation(c.Context(), answer, w)
		}}
	w.flags(c)
	return c
}

func (s *session) cancel() *cobra.Command {
	return &cobra.Command{Use: "cancel ROTATION", Short: "End a rotation that is not published", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			answer, err := s.do(c.Context(), client.Request{Method: http.MethodPost, Path: client.Path("rotations", args[0], "cancel")})
			if err != nil {
				return err
			}
			return s.show(answer.Body, showRotation)
		}}
}

func (s *session) rollback() *cobra.Command {
	var kind string
	var w waiting
	c := &cobra.Command{Use: "rollback APP", Short: "Make the previous credential the current one again, and pause the schedule", Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeApps,
		RunE: func(c *cobra.Command, args []string) error {
			if err := oneOf("--kind", kind, kinds()...); err != nil {
				return err
			}
			id, err := s.app(c.Context(), args[0])
			if err != nil {
				return err
			}
			answer, err := s.post(c.Context(), client.Path("applications", id, "rollback"), map[string]any{"kind": kind})
			if err != nil {
				return err
			}
			return s.rotation(c.Context(), answer, w)
		}}
	kindFlag(c, &kind)
	w.flags(c)
	return c
}
