package main

import (
	"testing"
)

// everyIntegration rotates applications to every kind of target, until each has
// completed.
func everyIntegration(t *testing.T, s *Stack) {
	t.Helper()
	app := s.manage(t, 0, fast(nil), rbacVault)
	eventually(t, "a first rotation", func() bool { return s.latest(t, app).State == "completed" })
	s.done(t, s.ask(t, app, `{"kind":"secret"}`))
}
