package graph_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
)

func TestRolesDecideWhatACallerMayDo(t *testing.T) {
	const read, create, write, organization = 1, 2, 4, 8
	for name, one := range map[string]struct {
		roles []string
		owner bool
		may   int
	}{
		"no role":                              {nil, true, 0},
		"reading all":                          {[]string{entra.RoleApplicationReadAll}, true, read},
		"writing those it owns":                {[]string{entra.RoleApplicationReadWriteOwnedBy}, true, read | create | write},
		"writing those it owns, a foreign one": {[]string{entra.RoleApplicationReadWriteOwnedBy}, false, read | create},
		"writing all, a foreign one":           {[]string{entra.RoleApplicationReadWriteAll}, false, read | create | write},
		"reading the directory":                {[]string{entra.RoleDirectoryReadAll}, false, read | organization},
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, entra.Options{}, graph.Options{})
			app, principal, secret := n.client("caller", one.roles...)
			target := n.owned("shop")
			if one.owner {
				target.Owners = []string{principal.ObjectID}
				n.directory.PutApplication(target)
			}
			c := n.as(app.AppID, secret)
			for _, call := range []struct {
				needs        int
				method, path string
				body         any
			}{
				{read, "GET", "/applications", nil},
				{read, "GET", "/applications/" + target.ObjectID, nil},
				{read, "GET", "/applications/" + target.ObjectID + "/owners", nil},
				{read, "GET", "/applications/delta", nil},
				{read, "GET", "/servicePrincipals", nil},
				{organization, "GET", "/organization", nil},
				{create, "POST", "/applications", map[string]any{"displayName": "new"}},
				{write, "PATCH", "/applications/" + target.ObjectID, map[string]any{"displayName": "new"}},
				{write, "POST", "/applications/" + target.ObjectID + "/addPassword", map[string]any{}},
				{write, "POST", "/applications/" + target.ObjectID + "/owners/$ref", map[string]any{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/" + n.principal.AppID}},
				{write, "DELETE", "/applications/" + target.ObjectID, nil},
			} {
				given := c.do(call.method, call.path, call.body)
				if one.may&call.needs != 0 {
					assert.Less(t, given.status, 300, "%s %s: %v", call.method, call.path, given.body)
					continue
				}
				assert.Equal(t, http.StatusForbidden, given.status, "%s %s", call.method, call.path)
				assert.Equal(t, "Authorization_RequestDenied", given.code())
				assert.Equal(t, "Insufficient privileges to complete the operation.", given.message())
			}
		})
	}
}

func TestATokenIsNeeded(t *testing.T) {
	n := start(t, entra.Options{TokenLifetime: time.Nanosecond}, graph.Options{})
	c := n.raw()
	expired := c.token
	for token, want := range map[string]string{
		"":      "Access token is empty.",
		"guess": "Access token validation failure.",
		expired: "Lifetime validation failed, the token is expired.",
	} {
		c.token = token
		given := c.do("GET", "/applications", nil)
		assert.Equal(t, http.StatusUnauthorized, given.status)
		assert.Equal(t, "InvalidAuthenticationToken", given.code())
		assert.Equal(t, want, given.message())
	}
}

func TestOwnersAreAddedOnce(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	c := n.raw()
	reference := map[string]any{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/6f9619ff-8b86-4d01-b42d-00cf4fc964ff"}
	require.Equal(t, http.StatusNoContent, c.do("POST", "/applications/"+app.ObjectID+"/owners/$ref", reference).status)
	again := c.do("POST", "/applications/"+app.ObjectID+"/owners/$ref", reference)
	assert.Equal(t, "One or more added object references already exist for the following modified properties: 'owners'.", again.message())
	owners := c.do("GET", "/applications/"+app.ObjectID+"/owners", nil).body["value"].([]any)
	require.Len(t, owners, 2)
	assert.Equal(t, "#microsoft.graph.servicePrincipal", owners[0].(map[string]any)["@odata.type"])
	assert.Equal(t, "#microsoft.graph.user", owners[1].(map[string]any)["@odata.type"])
}
