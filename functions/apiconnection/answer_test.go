package apiconnection_test

import (
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/functions/apiconnection"
	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func (w *world) over(transport http.RoundTripper) rotation.Target {
	return apiconnection.New(apiconnection.Config{
		Vaults: w.vaults, StagingVault: "staging", Credential: w.own,
		ClientOptions: azcore.ClientOptions{Transport: outbound.Straight(transport), Retry: policy.RetryOptions{MaxRetries: -1}},
	})
}

func (w *world) place(row rotation.TargetRow) targettest.Place {
	return targettest.Place{
		Target: w.target, App: w.app, Issued: w.issue, Row: row, Cloud: w.front, Clock: w.clock, Log: &targettest.Log{},
		Calls: []targettest.Call{{Host: "management.azure.com"}},
	}
}

// FuzzAnswers writes a connection with plain values and tests it.
func FuzzAnswers(f *testing.F) {
	w := start(f, options{})
	targettest.Fuzz(f, w.place(w.onConnection(f, w.outlook())), w.over)
}

// FuzzSetAnswers writes a connection with a parameter set.
func FuzzSetAnswers(f *testing.F) {
	w := start(f, options{})
	id := w.add(connections.Connection{Name: "teams", API: "teams", Kind: "V2", Set: "oauthSP", Values: map[string]any{
		"token:clientId": appID, "token:clientSecret": "old", "token:tenantId": tenant,
	}})
	targettest.Fuzz(f, w.place(w.onConnection(f, id)), w.over)
}

// FuzzQuestions checks a target, and offers connections.
func FuzzQuestions(f *testing.F) {
	w := start(f, options{})
	targettest.FuzzQuestions(f, w.place(w.onConnection(f, w.outlook())), w.over,
		targettest.Choose{Setting: "connection", Chosen: map[string]string{"subscription": subscription, "appId": appID}})
}
