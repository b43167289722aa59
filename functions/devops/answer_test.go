package devops_test

import (
	"net/http"
	"testing"

	"github.com/rekey-dev/rekey/functions/devops"
	"github.com/rekey-dev/rekey/functions/targettest"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// FuzzAnswers delivers to a connection by its name, which takes a moment.
func FuzzAnswers(f *testing.F) {
	w := start(f, simulated.Options{Processing: processing, Unthrottled: true})
	place := w.place(f, rotation.Secret, "")
	place.Row = w.row(f, rotation.Secret, "azure (prod)")
	targettest.Fuzz(f, place, func(transport http.RoundTripper) rotation.Target {
		return devops.New(devops.Config{Credential: w.credential, Transport: transport, TenantID: tenant, Now: w.clock.Now})
	})
}

// FuzzQuestions checks a target, and offers organizations, projects and connections.
func FuzzQuestions(f *testing.F) {
	w := start(f, simulated.Options{Unthrottled: true})
	place := targettest.Place{App: w.app, Row: w.row(f, rotation.Secret, "azure (prod)"), Cloud: w.front, Clock: w.clock}
	chosen := map[string]string{"organization": "Fabrikam", "project": "Web shop", "appId": w.app.AppID}
	targettest.FuzzQuestions(f, place, func(transport http.RoundTripper) rotation.Target {
		return devops.New(devops.Config{Credential: w.credential, Transport: transport, TenantID: tenant, Organizations: []string{"other"}, Now: w.clock.Now})
	}, targettest.Choose{Setting: "organization"}, targettest.Choose{Setting: "project", Chosen: chosen}, targettest.Choose{Setting: "serviceConnection", Chosen: chosen})
}
