package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Everything is what the user set for all applications at once.
type Everything struct {
	Paused           bool `json:"paused"`
	LogRetentionDays int  `json:"logRetentionDays"` // 0: as many as LogRetention says
}

// Everything returns what concerns all applications.
func (e *Engine) Everything(ctx context.Context) (Everything, error) {
	all, _, err := e.EverythingTagged(ctx)
	return all, err
}

// EverythingTagged returns it with its ETag, which is empty until something was set.
func (e *Engine) EverythingTagged(ctx context.Context) (all Everything, etag string, err error) {
	row, err := e.Store.Get(ctx, e.applicationKey(rowEverything))
	if errors.Is(err, ErrNoRow) {
		return all, "", nil
	}
	if err != nil {
		return all, "", err
	}
	return all, row.ETag, decode(row, &all)
}

// SetLogRetention says for how many days the log is kept. The ETag, if not empty, must
// be that of what was last set.
func (e *Engine) SetLogRetention(ctx context.Context, days int, etag, actor string) (Everything, string, error) {
	if days < ShortestRetention || days > LongestRetention {
		return Everything{}, "", &Invalid{[]rotation.Problem{{
			Field: "logRetentionDays", Detail: fmt.Sprintf("must be from %d to %d", ShortestRetention, LongestRetention),
		}}}
	}
	var before int
	err := e.changeEverything(ctx, etag, func(all *Everything) bool {
		before, all.LogRetentionDays = all.LogRetention(), days
		return true
	})
	if err != nil {
		return Everything{}, "", err
	}
	e.LogChange(ctx, rotation.LogEntry{
		What: "settings", Detail: fmt.Sprintf("logRetentionDays from %d to %d", before, days), Actor: actor,
	})
	return e.EverythingTagged(ctx)
}

// SetEverythingPaused pauses or resumes all applications. Resuming wakes each of
// them, for what fell due meanwhile.
func (e *Engine) SetEverythingPaused(ctx context.Context, paused bool, actor string) error {
	changed := false
	_, err := again(func() (struct{}, error) {
		return struct{}{}, e.changeEverything(ctx, "", func(all *Everything) bool {
			changed, all.Paused = all.Paused != paused, paused
			return changed
		})
	})
	if err != nil {
		return err
	}
	if changed {
		e.LogChange(ctx, rotation.LogEntry{What: pauseWord(paused), Detail: "all applications", Actor: actor})
	}
	if paused {
		return nil
	}
	return e.wakeEverything(ctx)
}

// changeEverything changes the row if the change says so.
func (e *Engine) changeEverything(ctx context.Context, etag string, change func(*Everything) bool) error {
	all, actual, err := e.EverythingTagged(ctx)
	if err != nil {
		return err
	}
	if err := precondition(etag, actual); err != nil {
		return err
	}
	if !change(&all) {
		return nil
	}
	write := Change{Op: Insert, Key: e.applicationKey(rowEverything), Properties: encode(all)}
	if actual != "" {
		write.Op, write.ETag = Merge, actual
	}
	return e.Store.Write(ctx, write)
}
