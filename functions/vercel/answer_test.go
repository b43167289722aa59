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

// FuzzQuestions checks a target, and offers projects, variables and environments.
func FuzzQuestions(f *testing.F) {
	w := start(f)
	w.vercel.AddEnvironment(w.project, "staging")
	w.variable("production")
	place := targettest.Place{App: w.app, Row: w.row(rotation.Secret, in("production staging", "production")), Cloud: w.front, Clock: w.clock}
	chosen := map[string]string{"appId": shopID, "project": "shop"}
	targettest.FuzzQuestions(f, place, func(transport http.RoundTripper) rotation.Target {
		return vercel.New(vercel.Config{Groups: w, Transport: transport, Now: w.clock.Now})
	}, targettest.Choose{Setting: "team", Chosen: chosen}, targettest.Choose{Setting: "project", Chosen: chosen},
		targettest.Choose{Setting: "variable", Chosen: chosen}, targettest.Choose{Setting: "environments", Chosen: chosen})
}
