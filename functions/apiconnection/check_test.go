package apiconnection_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestAConnectionOfAnotherKindIsRefused(t *testing.T) {
	const other = "11111111-0000-4000-8000-000000000000"
	sp := func(client string) map[string]any {
		return map[string]any{"token:clientId": client, "token:clientSecret": "old", "token:TenantId": tenant}
	}
	for name, c := range map[string]struct {
		kind       rotation.Kind
		connection connections.Connection
		want       string
	}{
		"it is another application's": {rotation.Secret, connections.Connection{API: "office365", Values: sp(other)},
			`signs in with the application "` + other + `" and not with "` + appID + `"; choose a connection of this application, or add the target to the other one`},
		"in a set it is as well": {rotation.Secret, connections.Connection{API: "sharepointonline", Kind: "V2", Set: "oauthSP", Values: sp(other)},
			`signs in with the application "` + other + `" and not with "` + appID + `"; choose a connection of this application, or add the target to the other one`},
		"a user consented": {rotation.Secret, connections.Connection{API: "office365", User: "ada@example.com"},
			`signs in as a user, by consent, and not with client credentials; make a connection that signs in with a service principal`},
		"a user consented, with a set": {rotation.Secret, connections.Connection{API: "teams", Kind: "V2", Set: "oauth", User: "ada@example.com"},
			`signs in as a user, by consent, and not with client credentials; make a connection that signs in with a service principal`},
		"its grant is a user's code": {rotation.Secret, connections.Connection{API: "office365", Values: map[string]any{"token:clientId": appID, "token:grantType": "code"}},
			`signs in as a user, by consent, and not with client credentials; make a connection that signs in with a service principal`},
		"nobody signed in yet": {rotation.Secret, connections.Connection{API: "office365"},
			`does not show which application it signs in with; enter the application in it once (in the portal: Edit API connection)`},
		"it has a key": {rotation.Secret, connections.Connection{API: "azureblob", Kind: "V2", Set: "keyBasedAuth", Values: map[string]any{"accountName": "store", "accessKey": "key"}},
			`of connector "azureblob" signs in without an application; make a connection that signs in with a service principal`},
		"it has a managed identity": {rotation.Secret, connections.Connection{API: "azureblob", Kind: "V2", Set: "managedIdentityAuth"},
			`signs in with a managed identity: it has nothing to rotate; delete the target`},
		"it has one the old way": {rotation.Certificate, connections.Connection{API: "azureblob", Alternative: true},
			`signs in with a managed identity: it has nothing to rotate; delete the target`},
		"its connector takes no certificate": {rotation.Certificate, connections.Connection{API: "office365", Values: sp(appID)},
			`connector "office365" takes no certificate; make it a target of secrets`},
		"it is not for certificates": {rotation.Certificate, connections.Connection{API: "sharepointonline", Kind: "V2", Set: "oauthSP", Values: sp(appID)},
			`signs in with a secret, not with a certificate; make a connection of the parameter set "certOauth", or a target of secrets`},
		"it is not for secrets": {rotation.Secret, connections.Connection{API: "sharepointonline", Kind: "V2", Set: "certOauth", Values: map[string]any{"token:clientId": appID, "token:TenantId": tenant}},
			`signs in with a certificate, not with a secret; make it a target of certificates`},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, options{})
			c.connection.Name = "here"
			row := w.row(t, c.kind, `{"connection":"`+w.add(c.connection)+`"}`)
			before := w.state("here")
			_, err := w.target.Check(t.Context(), w.app, row)
			require.ErrorContains(t, err, c.want)
			assert.True(t, strings.HasPrefix(err.Error(), `apiconnection: connection "here"`), err.Error())
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
			_, again := w.target.Deploy(t.Context(), w.delivery(row, "a new secret"))
			assert.EqualError(t, again, err.Error(), "a delivery refuses what the check refuses")
			assert.Empty(t, w.bodies, "and writes nothing")
			assert.Equal(t, before, w.state("here"))
		})
	}
}

func TestACheckChangesNothing(t *testing.T) {
	w := start(t, options{})
	id := w.outlook()
	before := w.read(t, id)
	_, err := w.target.Check(t.Context(), w.app, w.onConnection(t, id))
	require.NoError(t, err)
	assert.Equal(t, before["properties"].(map[string]any)["changedTime"], w.read(t, id)["properties"].(map[string]any)["changedTime"])
	assert.Empty(t, w.bodies)
}

func TestAMissingPermissionIsSaidClearly(t *testing.T) {
	const assign = `give rekey's identity the role "Logic App Contributor" on the connection: az role assignment create --role "Logic App Contributor" --assignee <rekey's identity> --scope "` +
		group + `/providers/Microsoft.Web/connections/mail"`
	for name, c := range map[string]struct {
		given func(*world)
		want  string
	}{
		"to read": {func(*world) {}, `apiconnection: read connection "` + group + `/providers/Microsoft.Web/connections/mail": 403 AuthorizationFailed: The client`},
		"to read the connector": {func(w *world) { w.allow(group, resourcemanager.LogicAppContributor) },
			`apiconnection: read connector "/subscriptions/` + subscription + `/providers/Microsoft.Web/locations/westeurope/managedApis/office365": 403 AuthorizationFailed: The client`},
		"to write": {func(w *world) { w.allow("/subscriptions/"+subscription, resourcemanager.Reader) }, `apiconnection: connection "mail": rekey may read it and not write it`},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, options{noRoles: true})
			c.given(w)
			row := w.onConnection(t, w.outlook())
			_, err := w.target.Check(t.Context(), w.app, row)
			require.ErrorContains(t, err, c.want)
			assert.Contains(t, err.Error(), assign)
			assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
			_, err = w.target.Deploy(t.Context(), w.delivery(row, "a new secret"))
			require.ErrorContains(t, err, "403 AuthorizationFailed")
			assert.Contains(t, err.Error(), assign)
			assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
		})
	}
}

func TestPermissionsAreReadAsRolesHaveThem(t *testing.T) {
	w := start(t, options{})
	row := w.onConnection(t, w.outlook())
	for answer, want := range map[string]bool{
		`{"value":[{"actions":["*"]}]}`: true,
		`{"value":[{"actions":["*/read"]},{"actions":["Microsoft.Web/connections/*"]}]}`:                      true,
		`{"value":[{"actions":["Microsoft.WEB/Connections/WRITE"]}]}`:                                         true,
		`{"value":[{"actions":["*"],"notActions":["Microsoft.Web/*/write"]}]}`:                                false,
		`{"value":[{"actions":["Microsoft.Web/*/write"]}]}`:                                                   true,
		`{"value":[{"actions":["Microsoft.Web/connections/writer","Microsoft.Web/connections/write/more"]}]}`: false,
		`{"value":[]}`: false,
		`{}`:           false,
	} {
		w.misbehave(t, cloud.Fault{Path: "*/permissions", Status: 200, Body: json.RawMessage(answer)})
		_, err := w.target.Check(t.Context(), w.app, row)
		assert.Equal(t, want, err == nil, "%s: %v", answer, err)
	}
	w.misbehave(t, cloud.Fault{Path: "*/permissions", Status: 403})
	notes, err := w.target.Check(t.Context(), w.app, row)
	require.NoError(t, err)
	assert.Equal(t, "whether rekey may write the connection cannot be found out beforehand", notes[0])
	w.misbehave(t, cloud.Fault{Path: "*/permissions", Status: 503})
	_, err = w.target.Check(t.Context(), w.app, row)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
}

func TestAConnectionThatIsGoneSaysSo(t *testing.T) {
	w := start(t, options{})
	row := w.onConnection(t, group+"/providers/Microsoft.Web/connections/none")
	_, err := w.target.Check(t.Context(), w.app, row)
	require.EqualError(t, err, `apiconnection: read connection "`+group+`/providers/Microsoft.Web/connections/none": 404 ResourceNotFound: `+
		`The Resource 'Microsoft.Web/connections/none' under resource group 'rg' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix; `+
		`choose another connection, or make it again under the same name`)
	assert.Equal(t, rotation.NotFound, rotation.ClassOf(err))
}

func TestATestThatFailsAlreadyIsNoted(t *testing.T) {
	w := start(t, options{})
	id := w.add(connections.Connection{Name: "chat", API: "teams", Kind: "V2", Set: "oauthSP", TestStatus: 403,
		Values: map[string]any{"token:clientId": appID, "token:clientSecret": "a new secret", "token:tenantId": tenant}})
	row := w.onConnection(t, id)
	w.issue(w.delivery(row, "a new secret"))
	notes, err := w.target.Check(t.Context(), w.app, row)
	require.NoError(t, err)
	require.Len(t, notes, 1)
	assert.Contains(t, notes[0], `its own test fails now, and would fail a delivery too: apiconnection: test connection "`+id+`": 403 Forbidden`)
	assert.Contains(t, notes[0], `set "test" to "skipped"`)

	notes, err = w.target.Check(t.Context(), w.app, w.row(t, rotation.Secret, `{"connection":"`+id+`","test":"skipped"}`))
	require.NoError(t, err)
	assert.Empty(t, notes)
}

func TestChoicesSayWhatIsUnusable(t *testing.T) {
	w := start(t, options{})
	w.manager.AddSubscription("22222222-2222-4333-8444-555555555555", "hidden")
	w.outlook()
	w.add(connections.Connection{Name: "blob", API: "azureblob", Kind: "V2", Set: "managedIdentityAuth"})
	w.add(connections.Connection{Name: "other", API: "azuread", Values: map[string]any{"token:clientId": "somebody else"}})
	w.add(connections.Connection{Name: "files", API: "sharepointonline", Kind: "V2", Set: "certOauth", Values: map[string]any{"token:clientId": appID, "token:TenantId": tenant}})
	unusable := func(chosen map[string]string) map[string]string {
		choices, err := w.target.Choices(t.Context(), "connection", chosen)
		require.NoError(t, err)
		found := map[string]string{}
		for _, c := range choices {
			assert.True(t, strings.HasPrefix(c.Value, group+"/providers/Microsoft.Web/connections/"), c.Value)
			found[c.Name] = c.Unusable
		}
		return found
	}
	const identity = `connection "blob" signs in with a managed identity: it has nothing to rotate; delete the target`
	assert.Equal(t, map[string]string{
		"mail (office365, rg)": "", "other (azuread, rg)": "", "files (sharepointonline, rg)": "", "blob (azureblob, rg)": identity,
	}, unusable(nil))
	assert.Equal(t, map[string]string{
		"mail (office365, rg)":         "",
		"other (azuread, rg)":          `connection "other" signs in with the application "somebody else" and not with "` + appID + `"; choose a connection of this application, or add the target to the other one`,
		"files (sharepointonline, rg)": `connection "files" signs in with a certificate, not with a secret; make it a target of certificates`,
		"blob (azureblob, rg)":         identity,
	}, unusable(map[string]string{"appId": appID, "kind": "secret"}))

	_, err := w.target.Choices(t.Context(), "test", nil)
	assert.Equal(t, rotation.Problem{Field: "setting", Detail: `must be "connection": the other settings have no choices`}, err)
}

func TestChoicesAreListedToTheirEnd(t *testing.T) {
	w := start(t, options{connections: connections.Options{PageSize: 2}})
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		w.add(connections.Connection{Name: name, API: "office365"})
	}
	choices, err := w.target.Choices(t.Context(), "connection", nil)
	require.NoError(t, err)
	assert.Len(t, choices, 5)
	assert.Equal(t, 1, w.calls(t)["GET {name}"], "each connector is read once")

	page := func(next string) {
		w.misbehave(t, cloud.Fault{Path: "*/connections", Status: 200, Body: json.RawMessage(`{"value":[],"nextLink":"` + next + `"}`)})
	}
	page("https://evil.example/subscriptions")
	_, err = w.target.Choices(t.Context(), "connection", nil)
	require.EqualError(t, err, `apiconnection: list the connections of subscription "`+subscription+`": a link leads away from Resource Manager`)
	page("https://management.azure.com/subscriptions/" + subscription + "/providers/Microsoft.Web/connections")
	_, err = w.target.Choices(t.Context(), "connection", nil)
	require.ErrorContains(t, err, "the list never ends")
	w.misbehave(t, cloud.Fault{Path: "*/connections", Status: 429, RetryAfter: new(json.Number("2.5"))})
	_, err = w.target.Choices(t.Context(), "connection", nil)
	assert.Equal(t, "2.5s", rotation.AfterOf(err).String())
	w.misbehave(t, cloud.Fault{Path: "*/connections", Status: 403})
	choices, err = w.target.Choices(t.Context(), "connection", nil)
	require.NoError(t, err, "a subscription without connections is passed over")
	assert.Empty(t, choices)
}
