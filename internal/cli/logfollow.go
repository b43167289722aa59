package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"
)

// followPause is the pause between two looks at the log.
const followPause = 2 * time.Second

// followLog shows lines as they come, until it is interrupted. A line may come twice
// from the API, because times are where it goes on; it is shown once.
func (s *session) followLog(ctx context.Context, q logQuery, from time.Time) error {
	api, err := s.client()
	if err != nil {
		return err
	}
	if from.IsZero() {
		from = s.Now().Add(-time.Minute)
	}
	for seen := map[string]bool{}; ; {
		found, err := api.List(ctx, q.path, q.values(from), mostItems, mostItems)
		switch {
		case err == nil:
			if from, err = s.followed(found.Items, seen, from); err != nil {
				return err
			}
		case !passing(err):
			return err
		default:
			s.note("%s", err)
		}
		if err := s.Pause(ctx, followPause); err != nil {
			return err
		}
	}
}

// followed writes the lines that were not seen, the oldest first, and returns the time
// of the newest.
func (s *session) followed(items []json.RawMessage, seen map[string]bool, from time.Time) (time.Time, error) {
	now := map[string]bool{}
	for _, item := range slices.Backward(items) {
		now[string(item)] = true
		if seen[string(item)] {
			continue
		}
		line, err := read(item)
		if err != nil {
			return from, err
		}
		if at, err := time.Parse(time.RFC3339, line.text("at")); err == nil && at.After(from) {
			from = at
		}
		if err := s.writeLine(item, line); err != nil {
			return from, err
		}
	}
	clear(seen)
	for line := range now {
		seen[line] = true
	}
	return from, nil
}

func (s *session) writeLine(item json.RawMessage, line record) error {
	switch s.format {
	case formatJSON:
		var text bytes.Buffer
		if err := json.Compact(&text, item); err != nil {
			return err
		}
		return s.write(text.Bytes())
	case formatYAML:
		return s.yaml(slices.Concat([]byte("["), item, []byte("]")))
	}
	p := &page{now: s.Now(), zone: s.Zone}
	text := clock(p, line["at"])
	for _, name := range []string{"appId", "kind", "target", "what", "actor"} {
		if value := line.text(name); value != "" {
			text += "  " + value
		}
	}
	p.line("%s  %s", text, line.text("detail"))
	return s.write(p.text.Bytes())
}
