package main

import (
	"context"
	"encoding/json"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// checkEnded wants every rotation to have ended, with a reason where it did not get
// to its end.
func (s *soak) checkEnded(rows rows) {
	for app, all := range rows.rotations {
		for _, r := range all {
			if !ended(string(r.State), r.Reason) {
				s.breaks(7, s.nameOf(app), "rotation "+r.ID.String()+" has ended, with a reason", "it is %s: %q", r.State, r.Reason)
			}
		}
	}
}

func ended(state, reason string) bool {
	switch rotation.State(state) {
	case rotation.Completed:
		return true
	case rotation.Incomplete, rotation.Failed, rotation.Cancelled, rotation.Superseded:
		return reason != ""
	}
	return false
}

// checkRequests asks rekey how each accepted request ended, as a person would.
func (s *soak) checkRequests(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, r := range s.accepted {
		group.Go(func() error {
			var shown struct{ State, Reason string }
			status, text := s.order(ctx, http.MethodGet, "/api/rotations/"+r.id, nil, "")
			if err := json.Unmarshal(text, &shown); status != http.StatusOK || err != nil {
				s.breaks(7, r.app.DisplayName, "the accepted "+r.what+" "+r.id+" can be seen", "%d: %s", status, text)
				return ctx.Err()
			}
			if !ended(shown.State, shown.Reason) || r.end != "" && shown.State != r.end {
				s.breaks(7, r.app.DisplayName, "the accepted "+r.what+" "+r.id+" has ended, with a reason", "it is %s: %q", shown.State, shown.Reason)
			}
			return nil
		})
	}
	return group.Wait()
}
