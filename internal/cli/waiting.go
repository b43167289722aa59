package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-dev/rekey/internal/client"
)

// waiting are the flags of a command that can wait for a rotation.
type waiting struct {
	wait    bool
	timeout spanFlag
	resumed record // the deployment that failed before it was resumed, or nothing
}

func (w *waiting) flags(c *cobra.Command) {
	w.timeout = spanFlag(30 * time.Minute)
	c.Flags().BoolVar(&w.wait, "wait", false, "wait until the rotation has ended")
	c.Flags().Var(&w.timeout, "timeout", "how long --wait waits")
}

// rotation shows a rotation, at once or when it has ended.
func (s *session) rotation(ctx context.Context, answer client.Answer, w waiting) error {
	if !w.wait {
		return s.show(answer.Body, showRotation)
	}
	r, err := read(answer.Body)
	if err != nil {
		return err
	}
	last, err := s.follow(ctx, r.text("id"), w)
	if last.Body != nil {
		err = errors.Join(s.show(last.Body, showRotation), err)
	}
	return err
}
