package main

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// inspect looks, while everything goes wrong, at what must hold at any time.
func (s *soak) inspect(ctx context.Context) error {
	for pause(ctx, 5*time.Second) {
		rows, err := s.readRows()
		if err != nil {
			return err
		}
		s.checkOneInFlight(rows)
		before := s.look()
		accepted := s.accepts()
		s.checkHeld(before, accepted, s.look())
	}
	return nil
}

// accepts is what Entra ID accepts of all applications, as places hold it.
func (s *soak) accepts() map[string]bool {
	accepted := map[string]bool{}
	for _, app := range s.Azure.Directory.Applications(0) {
		for _, c := range append(passwordsOf(app), keysOf(app)...) {
			accepted[c.held] = true
		}
	}
	return accepted
}

// checkHeld wants no target to hold a credential that was removed: it held it before
// Entra ID was asked, and afterwards still.
func (s *soak) checkHeld(before world, accepted map[string]bool, after world) {
	for _, m := range s.apps {
		if !m.mu.TryLock() {
			continue // somebody is changing it
		}
		for id, target := range m.targets {
			held := before.held(m, id)
			made := s.evidence.knows("password "+held) || s.evidence.knows("certificate "+held)
			excepted := m.revoking || m.deleted[id] || accepted[held]
			if made && !excepted && after.held(m, id) == held {
				s.breaks(1, m.DisplayName, "target "+id+" holds a "+target["kind"].(string)+" that Entra ID accepts", "it holds %s", held)
			}
		}
		m.mu.Unlock()
	}
}

// checkOneInFlight wants at most one unpublished rotation of an application and kind.
func (s *soak) checkOneInFlight(rows rows) {
	for app, all := range rows.rotations {
		open := map[rotation.Kind]int{}
		for _, r := range all {
			if r.State.Unpublished() {
				open[r.ID.Kind]++
			}
		}
		for kind, count := range open {
			if count > 1 {
				s.breaks(5, s.nameOf(app), "one unpublished rotation at most", "%d of kind %s", count, kind)
			}
		}
	}
}
