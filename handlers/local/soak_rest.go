package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// settle brings every application into a state of which is known what it should be:
// nothing is paused, the targets are as they are meant to be, nothing is hasty. To
// save the policies of all of them wakes all of them.
func (s *soak) settle(ctx context.Context) error {
	return s.everyApp(ctx, func(ctx context.Context, n int, path string) error {
		m := s.apps[n]
		if m.hasty || s.options.WakeAll {
			if err := s.insist(ctx, http.MethodPut, path, m.policies(true, false)); err != nil {
				return err
			}
		}
		if !m.touched {
			return nil
		}
		for _, id := range slices.Sorted(maps.Keys(m.targets)) {
			if err := s.insist(ctx, http.MethodPut, path+"/targets/"+id, m.targets[id]); err != nil {
				return err
			}
		}
		return s.insist(ctx, http.MethodPost, path+"/resume", nil)
	})
}

// insist repeats a request that lost a race as well.
func (s *soak) insist(ctx context.Context, method, path string, body any) error {
	for range 20 {
		status, text := s.order(ctx, method, path, body, "")
		switch {
		case status > 0 && status < http.StatusMultipleChoices:
			return nil
		case status != 0 && status != http.StatusConflict:
			return fmt.Errorf("%s %s: %d: %s", method, path, status, text)
		}
		if !pause(ctx, 500*time.Millisecond) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("%s %s: it never worked, although nothing goes wrong any more", method, path)
}

// awaitRest waits, sweep by sweep, until nothing is on its way any more.
func (s *soak) awaitRest(ctx context.Context) error {
	for s.sweeps = 0; s.sweeps < mostSweeps; s.sweeps++ {
		if err := s.alive(); err != nil {
			return err
		}
		rested, err := s.atRest()
		if err != nil || rested {
			return err
		}
		if !pause(ctx, sweepEvery) {
			return ctx.Err()
		}
	}
	return s.findRestless()
}

// atRest asks the bus first, which is cheap.
func (s *soak) atRest() (bool, error) {
	for entity, count := range s.Azure.Bus.Counts() {
		if !strings.Contains(entity, "DeadLetter") && count.Active+count.Locked > 0 {
			s.last = fmt.Sprintf("%s: %d messages wait, %d are locked", entity, count.Active, count.Locked)
			return false, nil
		}
	}
	rows, err := s.readRows()
	if err != nil {
		return false, err
	}
	for _, m := range s.apps {
		if all := rows.unfinished(m.AppID); len(all) > 0 {
			s.last = m.DisplayName + ": " + all[0]
			return false, nil
		}
	}
	return true, nil
}

// findRestless lists what never came to rest.
func (s *soak) findRestless() error {
	rows, err := s.readRows()
	if err != nil {
		return err
	}
	for _, m := range s.apps {
		for _, what := range rows.unfinished(m.AppID) {
			s.breaks(8, m.DisplayName, "it is at rest", "%s", what)
		}
	}
	for entity, count := range s.Azure.Bus.Counts() {
		if !strings.Contains(entity, "DeadLetter") && count.Active+count.Locked > 0 {
			s.breaks(8, entity, "no message waits", "%d wait and %d are locked", count.Active, count.Locked)
		}
	}
	return nil
}
