package devops_test

import (
	"testing"

	"github.com/rekey-dev/rekey/functions/targettest"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestTheSuiteOfAllTargets(t *testing.T) {
	for kind, parameter := range map[rotation.Kind]string{
		rotation.Secret: "serviceprincipalkey", rotation.Certificate: "serviceprincipalcertificate",
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			targettest.Run(t, func(t *testing.T) targettest.Place {
				w := start(t, simulated.Options{Processing: processing, Unthrottled: true})
				return w.place(t, kind, parameter)
			})
		})
	}
}

// place is the connection as the suite sees it.
func (w *world) place(t testing.TB, kind rotation.Kind, parameter string) targettest.Place {
	const projects = "/Fabrikam/Web shop/_apis/serviceendpoint/"
	read := targettest.Call{Host: simulated.Host, Method: "GET", Path: projects + "endpoints/" + w.connection}
	return targettest.Place{
		Target: w.target, App: w.app, Row: w.row(t, kind, w.connection), Cloud: w.front, Clock: w.clock, Log: &targettest.Log{},
		Calls: []targettest.Call{
			read,
			{Host: simulated.Host, Method: "POST", Path: projects + "endpointproxy"},
			{Host: simulated.Host, Method: "PUT", Path: "/Fabrikam/_apis/serviceendpoint/endpoints/" + w.connection},
		},
		Held:   func() []string { return []string{w.held(w.connection).Secrets[parameter]} },
		Issued: func(d rotation.Delivery) { w.issue(t, d) },
		Meaning: func(call targettest.Call, answer string) (rotation.Class, bool) {
			switch {
			case answer == "a page instead of JSON": // Azure DevOps asks to sign in
				return rotation.Denied, true
			case answer == "null" && call == read: // and has no connection for the caller
				return rotation.NotFound, true
			}
			return 0, false
		},
	}
}
