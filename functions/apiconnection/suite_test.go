package apiconnection_test

import (
	"testing"

	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
)

// The test link is no call of the suite: its answers are the connector's own, of
// which only the status is read. TestTheTestLinkDecides makes it fail.
func TestTheSuiteOfAllTargets(t *testing.T) {
	for name, c := range map[string]struct {
		connection connections.Connection
		secret     string
		api        string
	}{
		"with plain values": {connections.Connection{API: "office365", Values: map[string]any{
			"token:clientId": appID, "token:clientSecret": "old", "token:TenantId": tenant, "token:grantType": "client_credentials",
		}}, "token:clientSecret", "/managedApis/office365"},
		"with a parameter set": {connections.Connection{API: "teams", Kind: "V2", Set: "oauthSP", Values: map[string]any{
			"token:clientId": appID, "token:clientSecret": "old", "token:tenantId": tenant,
		}}, "token:clientSecret", "/managedApis/teams"},
	} {
		t.Run(name, func(t *testing.T) {
			targettest.Run(t, func(t *testing.T) targettest.Place {
				w := start(t, options{})
				c.connection.Name = "here"
				id := w.add(c.connection)
				const host = "management.azure.com"
				return targettest.Place{
					Target: w.target, App: w.app, Issued: w.issue, Row: w.onConnection(t, id), Cloud: w.front, Clock: w.clock, Log: &targettest.Log{},
					Calls: []targettest.Call{
						{Host: host, Method: "GET", Path: id}, {Host: host, Method: "GET", Path: "*" + c.api}, {Host: host, Method: "PUT", Path: id},
					},
					Held: func() []string { return []string{w.state("here").Secrets[c.secret]} },
				}
			})
		})
	}
}
