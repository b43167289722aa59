package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rekey-dev/rekey/internal/client"
)

// The pauses between two looks at a rotation that is waited for.
const (
	firstLook = time.Second
	rareLook  = 5 * time.Second
)

// follow looks at a rotation until it has ended, and returns it as it was last.
func (s *session) follow(ctx context.Context, id string, w waiting) (last client.Answer, err error) {
	progress := &progress{session: s, began: s.Now()}
	defer progress.end()
	for pause := firstLook; ; pause = min(pause*2, rareLook) {
		answer, err := s.get(ctx, client.Path("rotations", id), nil)
		switch {
		case err == nil:
			last = answer
		case !passing(err):
			return last, err
		default:
			progress.say(err.Error())
		}
		if err == nil {
			r, err := read(answer.Body)
			if err != nil {
				return last, err
			}
			progress.say(standing(r))
			if verdict, over := outcome(r); over && !w.asBefore(r) {
				return last, verdict
			}
		}
		if s.Now().Add(pause).Sub(progress.began) > time.Duration(w.timeout) {
			return last, errTimedOut
		}
		if err := s.Pause(ctx, pause); err != nil {
			return last, err
		}
	}
}

// passing reports whether trouble may pass while a rotation goes on.
func passing(err error) bool {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests
	}
	return is[*client.Unreachable](err) && !errors.Is(err, context.Canceled)
}

// outcome says whether a rotation has ended, and what is wrong with its end.
func outcome(r record) (verdict error, over bool) {
	state := r.text("state")
	switch state {
	case "completed":
		return nil, true
	case "failed", "cancelled", "superseded":
	case "incomplete":
		if goesOn(r) {
			return nil, false
		}
	default:
		return nil, false
	}
	words := fmt.Sprintf("the rotation %s is %s", r.text("id"), state)
	if reason := r.text("reason"); reason != "" {
		words += ": " + reason
	}
	for _, d := range r.list("deployments") {
		if d.text("state") == "failed" {
			words += "\n  " + d.text("target") + ": " + d.text("lastError")
		}
	}
	return &ended{words}, true
}

// asBefore reports whether nothing has come yet of the delivery that was resumed.
func (w waiting) asBefore(r record) bool {
	now := r.deployment(w.resumed.text("target"))
	return w.resumed != nil && now.text("state") == "failed" && now.text("updatedAt") == w.resumed.text("updatedAt")
}

func (r record) deployment(target string) record {
	for _, d := range r.list("deployments") {
		if d.text("target") == target {
			return d
		}
	}
	return nil
}

// goesOn reports whether an incomplete rotation may still be completed: what failed
// is being delivered once more, or has just been.
func goesOn(r record) bool {
	count := map[string]int{}
	for _, d := range r.list("deployments") {
		count[d.text("state")]++
	}
	return count["pending"]+count["running"] > 0 || count["failed"]+count["skipped"] == 0 && count["confirmed"] > 0
}

// standing says in one line how far a rotation is.
func standing(r record) string {
	line := r.text("state")
	deployments := r.list("deployments")
	confirmed := 0
	for _, d := range deployments {
		if d.text("state") == "confirmed" {
			confirmed++
		}
	}
	if len(deployments) > 0 {
		line += fmt.Sprintf(", %d of %d targets confirmed", confirmed, len(deployments))
	}
	if waiting := r.text("waiting"); waiting != "" {
		line += "; " + waiting
	}
	return line
}
