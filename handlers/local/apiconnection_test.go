package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// TestACredentialReachesAPIConnections goes the whole way, to a connection with plain
// values and to one with a parameter set.
func TestACredentialReachesAPIConnections(t *testing.T) {
	s, evidence := startTapped(t, nil)
	group := "/subscriptions/" + subscriptionID + "/resourceGroups/" + resourceGroup
	for scope, role := range map[string]string{"/subscriptions/" + subscriptionID: resourcemanager.Reader, group: resourcemanager.LogicAppContributor} {
		s.Azure.ResourceManager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: scope, RoleID: role, PrincipalID: s.Tenant.Identity.ObjectID})
	}
	app := s.Tenant.Apps[0].AppID
	values := map[string]any{"token:clientId": app, "token:clientSecret": "pasted by hand", "token:TenantId": tenantID, "token:grantType": "client_credentials"}
	mail := s.Azure.Connections.AddConnection(connections.Connection{
		Name: "orders-mail", Subscription: subscriptionID, ResourceGroup: resourceGroup, API: "office365", Values: values,
	})
	files := s.Azure.Connections.AddConnection(connections.Connection{
		Name: "orders-files", Subscription: subscriptionID, ResourceGroup: resourceGroup, API: "sharepointonline", Kind: "V2", Set: "oauthSP", Values: values,
	})
	path := "/api/applications/" + app
	s.put(t, path, fast(nil))
	for id, connection := range map[string]string{"mail": mail, "files": files} {
		s.put(t, path+"/targets/"+id, map[string]any{"integration": "apiconnection", "kind": "secret", "settings": map[string]any{"connection": connection}})
	}
	eventually(t, "a first rotation", func() bool { return s.latest(t, app).State == "completed" })

	r := s.rotation(t, s.latest(t, app).ID)
	require.Len(t, r.Deployments, 2)
	for _, d := range r.Deployments {
		assert.Equal(t, "confirmed", d.State, d.LastError)
	}
	digest := s.stagedDigest(t, r.KeyID)
	for _, c := range s.Azure.Connections.State().Connections {
		assert.Equal(t, "Connected", c.Status, c.ID)
		assert.Equal(t, map[string]string{"token:clientSecret": digest}, c.Secrets, c.ID)
		assert.Equal(t, app, c.Values["token:clientId"])
	}
	s.checkNothingLeaked(t, evidence)
}
