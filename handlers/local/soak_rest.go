package main

import (
	"context"
	"strings"
)

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
			return false, nil
		}
	}
	rows, err := s.readRows()
	if err != nil {
		return false, err
	}
	for _, m := range s.apps {
		if len(rows.unfinished(m.AppID)) > 0 {
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
