package vercel_test

import (
	"net/http"
	"testing"

	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/functions/vercel"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// FuzzAnswers redeploys production and a custom environment, with an entry to split.
func FuzzAnswers(f *testing.F) {
	w := start(f)
	w.vercel.AddEnvironment(w.project, "staging")
	w.variable("production", "preview")
	w.deployment("production")
	w.deployment("staging")
	row := w.row(rotation.Secret, in("production staging", "production staging"))
	place := targettest.Place{
		Target: w.target, App: w.app, Row: row, Cloud: w.front, Clock: w.clock, Log: &targettest.Log{}, Calls: []targettest.Call{{Host: host}},
	}
	targettest.Fuzz(f, place, func(transport http.RoundTripper) rotation.Target {
		return vercel.New(vercel.Config{Groups: w, Transport: transport, Now: w.clock.Now})
	})
}
