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
