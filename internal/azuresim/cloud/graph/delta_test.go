package graph_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
)

// follow reads pages until a delta link and returns the objects by id.
func follow(t *testing.T, c *caller, link string) (objects map[any]map[string]any, deltaLink string) {
	t.Helper()
	objects = map[any]map[string]any{}
	for {
		given := c.do("GET", link, nil)
		require.Equal(t, http.StatusOK, given.status, given.body)
		page := given.body["value"].([]any)
		require.LessOrEqual(t, len(page), 100)
		for _, one := range page {
			object := one.(map[string]any)
			objects[object["id"]] = object
		}
		if deltaLink, last := given.body["@odata.deltaLink"].(string); last {
			return objects, deltaLink
		}
		link = given.body["@odata.nextLink"].(string)
	}
}

func TestDeltaTellsWhatChanged(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	var apps []entra.Application
	for i := range 205 {
		apps = append(apps, n.owned(fmt.Sprintf("app %d", i)))
	}
	c := n.raw()
	objects, link := follow(t, c, "/applications/delta?$select=displayName")
	assert.Len(t, objects, 206, "with the rotator")
	assert.Equal(t, map[string]any{"id": apps[0].ObjectID, "displayName": "app 0"}, objects[apps[0].ObjectID])

	objects, link = follow(t, c, link)
	assert.Empty(t, objects)

	require.Equal(t, http.StatusNoContent, c.do("PATCH", "/applications/"+apps[3].ObjectID, map[string]any{"displayName": "changed"}).status)
	require.Equal(t, http.StatusNoContent, c.do("DELETE", "/applications/"+apps[4].ObjectID, nil).status)
	objects, link = follow(t, c, link)
	assert.Equal(t, map[any]map[string]any{
		apps[3].ObjectID: {"id": apps[3].ObjectID, "displayName": "changed"},
		apps[4].ObjectID: {"id": apps[4].ObjectID, "@removed": map[string]any{"reason": "changed"}},
	}, objects)
	objects, _ = follow(t, c, link)
	assert.Empty(t, objects)
}

func TestDeltaCanBeginNow(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	c := n.raw()
	objects, link := follow(t, c, "/applications/delta?$deltatoken=latest")
	assert.Empty(t, objects)
	require.Equal(t, http.StatusOK, c.do("POST", "/applications/"+app.ObjectID+"/addPassword", nil).status)
	objects, _ = follow(t, c, link)
	assert.Len(t, objects, 1)
}

func TestDeltaBeginsWithAnEmptyPage(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	first := n.raw().do("GET", "/applications/delta()", nil)
	assert.Empty(t, first.body["value"])
	assert.NotContains(t, first.body, "@odata.deltaLink")
}

func TestADeltaTokenExpires(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	c := n.raw()
	_, link := follow(t, c, "/applications/delta")
	n.clock.Advance(7*24*time.Hour + time.Minute)
	expired := c.do("GET", link, nil)
	assert.Equal(t, http.StatusGone, expired.status)
	assert.Equal(t, "syncStateNotFound", expired.code())
	assert.Equal(t, "https://graph.microsoft.com/v1.0/applications/delta", expired.header.Get("Location"))
	assert.Equal(t, "Badly formed token.", c.do("GET", "/applications/delta?$deltatoken=x", nil).message())
	assert.Contains(t, c.do("GET", "/applications/delta?$select=colour", nil).message(), "'colour'")
}

// What has changed is shown by the changed properties alone, and where none of them is
// selected not at all.
func TestAChangeIsShownByWhatChanged(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app, other := n.owned("shop"), n.owned("other")
	c := n.raw()
	_, link := follow(t, c, "/applications/delta?$select=id,appId,displayName,passwordCredentials,keyCredentials")
	require.Equal(t, http.StatusOK, c.do("POST", "/applications/"+app.ObjectID+"/addPassword", nil).status)
	require.Equal(t, http.StatusNoContent, c.do("PATCH", "/applications/"+other.ObjectID, map[string]any{"notes": "not selected"}).status)
	other, _ = n.directory.Application(other.ObjectID, 0)
	other.Owners = nil
	n.directory.PutApplication(other)
	made := n.owned("made since")
	objects, _ := follow(t, c, link)
	require.Len(t, objects, 2)
	changed := objects[app.ObjectID]
	assert.Len(t, changed["passwordCredentials"], 1)
	assert.NotContains(t, changed, "displayName")
	assert.NotContains(t, changed, "appId")
	assert.Equal(t, made.AppID, objects[made.ObjectID]["appId"], "what is new is shown as a whole")
}

func TestDeltaTokensAreForgottenOnRequest(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	c := n.raw()
	_, link := follow(t, c, "/applications/delta")
	n.clock.Advance(time.Second)
	n.graph.ForgetDelta()
	assert.Equal(t, "syncStateNotFound", c.do("GET", link, nil).code())
	n.clock.Advance(time.Second)
	_, link = follow(t, c, "/applications/delta")
	assert.Equal(t, http.StatusOK, c.do("GET", link, nil).status)
}

func TestUsersAreShownToWhoMayReadThem(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	ann := n.directory.AddUser(entra.User{DisplayName: "Ann", UserPrincipalName: "ann@contoso.com"})
	app := n.directory.AddApplication(entra.Application{DisplayName: "shop", Owners: []string{ann.ObjectID, n.principal.ObjectID}})
	const query = "/owners?$select=id,displayName,userPrincipalName"
	for role, name := range map[string]any{entra.RoleUserReadBasicAll: "Ann", entra.RoleAuditLogReadAll: nil} {
		reader, _, secret := n.client("reader", entra.RoleApplicationReadAll, role)
		owners := n.as(reader.AppID, secret).do("GET", "/applications/"+app.ObjectID+query, nil).body["value"].([]any)
		require.Len(t, owners, 2)
		assert.Equal(t, name, owners[0].(map[string]any)["displayName"], role)
		assert.Equal(t, ann.ObjectID, owners[0].(map[string]any)["id"])
		assert.Equal(t, "rotator", owners[1].(map[string]any)["displayName"])
		assert.NotContains(t, owners[1], "appId", "it is not selected")
	}
	assert.Contains(t, n.raw().do("GET", "/applications/"+app.ObjectID+"/owners?$select=colour", nil).message(), "'colour'")
}

func TestReportsAreOfBetaAndTakeAPermissionOfTheirOwn(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.directory.AddApplication(entra.Application{DisplayName: "shop", Federated: []entra.FederatedCredential{{ID: "1", Name: "main", Issuer: "https://token.actions.githubusercontent.com"}}})
	n.graph.SetSignIn(graph.SignIn{AppID: app.AppID, KeyID: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", KeyType: "clientSecret", At: n.clock.Now()})
	const report = "/reports/appCredentialSignInActivities?$filter=appId%20eq%20'"
	auditor, _, secret := n.client("auditor", entra.RoleAuditLogReadAll, entra.RoleApplicationReadAll)
	c := n.as(auditor.AppID, secret)
	found := c.do("GET", "https://graph.microsoft.com/beta"+report+app.AppID+"'", nil).body["value"].([]any)
	require.Len(t, found, 1)
	assert.Equal(t, "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", found[0].(map[string]any)["keyId"])
	assert.Equal(t, "Resource not found for the segment 'reports'.", c.do("GET", report+app.AppID+"'", nil).message(), "v1.0 has none")
	assert.Equal(t, http.StatusForbidden, n.raw().do("GET", "https://graph.microsoft.com/beta"+report+app.AppID+"'", nil).status)
	batch := map[string]any{"requests": []map[string]any{{"id": "1", "method": "GET", "url": report + app.AppID + "'"}}}
	given := c.do("POST", "https://graph.microsoft.com/beta/$batch", batch).body["responses"].([]any)
	assert.EqualValues(t, 200, given[0].(map[string]any)["status"])
	federated := c.do("GET", "/applications/"+app.ObjectID+"/federatedIdentityCredentials?$select=name,issuer", nil).body["value"].([]any)
	assert.Equal(t, []any{map[string]any{"name": "main", "issuer": "https://token.actions.githubusercontent.com"}}, federated)
}
