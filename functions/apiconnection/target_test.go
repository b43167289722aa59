package apiconnection_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func TestEveryConnectorGetsTheSecretInItsOwnSpelling(t *testing.T) {
	for name, c := range map[string]struct {
		connection connections.Connection
		parameter  string
		further    map[string]connections.Parameter // of a custom connector
		kept       []string
	}{
		"Office 365 Outlook": {connection: connections.Connection{API: "office365", Values: map[string]any{
			"token:clientId": appID, "token:clientSecret": "old", "token:TenantId": tenant, "token:grantType": "client_credentials"}},
			parameter: "token:clientSecret", kept: []string{"token:clientId", "token:TenantId", "token:grantType"}},
		"SharePoint": {connection: connections.Connection{API: "sharepointonline", Kind: "V2", Set: "oauthSP", Values: map[string]any{
			"token:clientId": appID, "token:clientSecret": "old", "token:TenantId": tenant, "token:grantType": "client_credentials"}},
			parameter: "token:clientSecret", kept: []string{"token:clientId", "token:TenantId", "token:grantType"}},
		"Teams": {connection: connections.Connection{API: "teams", Kind: "V2", Set: "oauthSP", Values: map[string]any{
			"token:clientId": strings.ToUpper(appID), "token:clientSecret": "old", "token:tenantId": tenant}},
			parameter: "token:clientSecret", kept: []string{"token:clientId", "token:tenantId"}},
		"Entra ID": {connection: connections.Connection{API: "azuread", Values: map[string]any{
			"token:clientId": appID, "token:clientSecret": "old", "token:tenantId": tenant}},
			parameter: "token:clientSecret", kept: []string{"token:clientId", "token:tenantId"}},
		"Microsoft Graph through HTTP with Entra ID": {connection: connections.Connection{API: "webcontents", Values: map[string]any{
			"token:clientId": appID, "token:clientSecret": "old", "token:TenantId": tenant, "baseResourceUrl": "https://graph.microsoft.com", "token:resourceUri": "https://graph.microsoft.com/"}},
			parameter: "token:clientSecret", kept: []string{"token:clientId", "token:TenantId", "baseResourceUrl", "token:resourceUri"}},
		"a custom connector": {connection: connections.Connection{Values: map[string]any{
			"token:ClientId": appID, "token:ClientSecret": "old", "token:TenantId": tenant, "region": "north", "limit": 7.0}},
			further:   map[string]connections.Parameter{"region": {Type: "string"}, "limit": {Type: "int"}},
			parameter: "token:ClientSecret", kept: []string{"token:ClientId", "token:TenantId", "region", "limit"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, options{})
			if c.further != nil {
				c.connection.API = w.connections.AddCustomAPI(subscription, "rg", "shop", c.further)
			}
			c.connection.Name = "here"
			row := w.onConnection(t, w.add(c.connection))
			before := w.state("here")
			if strings.ToUpper(appID) == before.Values["token:clientId"] {
				w.entry.AppID = strings.ToUpper(appID) // Entra itself compares as it was written
				w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: w.entry.AppID})
			}
			d := w.delivery(row, "a fresh one")
			notes, err := w.target.Check(t.Context(), w.app, row)
			require.NoError(t, err)
			assert.Len(t, notes, 1, "the old credential works no more")

			outcome, err := w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			assert.Equal(t, rotation.Outcome{Confirmed: true, Receipt: "here"}, outcome)
			after := w.state("here")
			assert.Equal(t, "Connected", after.Status)
			assert.Equal(t, map[string]string{c.parameter: sha("a fresh one")}, after.Secrets)
			assert.Equal(t, before.Set, after.Set)
			for _, name := range c.kept {
				assert.Equal(t, before.Values[name], after.Values[name], name)
			}
			assert.Len(t, after.Values, len(c.kept))

			notes, err = w.target.Check(t.Context(), w.app, row)
			require.NoError(t, err)
			assert.Empty(t, notes)
		})
	}
}

func TestEverythingElseStaysAsItWas(t *testing.T) {
	w := start(t, options{})
	id := w.add(connections.Connection{Name: "chat", API: "teams", Kind: "V2", Set: "oauthSP", Tags: map[string]any{"team": "shop"},
		Values: map[string]any{"token:clientId": appID, "token:clientSecret": "old", "token:tenantId": tenant},
		Properties: map[string]any{"displayName": "Größe <&>", "customParameterValues": map[string]any{"a": "b"}, "nobody": map[string]any{"knows": 1.5},
			"large": json.Number("12345678901234567890")}})
	before := w.read(t, id)
	_, err := w.target.Deploy(t.Context(), w.delivery(w.onConnection(t, id), "a new secret"))
	require.NoError(t, err)
	after := w.read(t, id)
	for _, shown := range []map[string]any{before, after} {
		properties := shown["properties"].(map[string]any)
		for _, moves := range []string{"changedTime", "statuses", "overallStatus"} {
			delete(properties, moves)
		}
	}
	assert.Equal(t, before, after)

	require.Len(t, w.bodies, 1)
	for _, made := range []string{`"statuses"`, `"testLinks"`, `"createdTime"`, `"nonSecretParameterValues"`, `"id":"` + id} {
		assert.NotContains(t, w.bodies[0], made, "what the service makes is not written back")
	}
	assert.Contains(t, w.bodies[0], "12345678901234567890", "numbers keep their digits")
}

func TestADeliveryTakesFourCalls(t *testing.T) {
	w := start(t, options{})
	d := w.delivery(w.onConnection(t, w.outlook()), "a new secret")
	_ = w.calls(t)
	_, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"GET {name}": 2, "PUT {name}": 1, "GET testconnection": 1}, w.calls(t), "the connection, its connector, the write and the test")
}

func TestSettingsSayWhatTheConnectionDoesNotShow(t *testing.T) {
	w := start(t, options{})
	api := w.connections.AddCustomAPI(subscription, "rg", "shop", map[string]connections.Parameter{
		"Region": {Type: "string"}, "apiKey": {Type: "securestring", Required: true}, "spare": {Type: "securestring"},
	})
	id := w.add(connections.Connection{Name: "shop", API: api, Values: map[string]any{
		"token:ClientId": appID, "token:ClientSecret": "old", "token:TenantId": tenant, "Region": "north", "apiKey": "lost otherwise",
	}})
	bare := w.onConnection(t, id)
	const lost = `apiconnection: connection "shop" has the secret parameter "apiKey", which cannot be read and would get lost; put it into a vault and name it in the setting secrets`
	_, err := w.target.Deploy(t.Context(), w.delivery(bare, "a new secret"))
	require.EqualError(t, err, lost)
	_, err = w.target.Check(t.Context(), w.app, bare)
	require.EqualError(t, err, lost)

	row := w.row(t, rotation.Secret, fmt.Sprintf(`{"connection":%q,"parameters":{"region":"south"},"secrets":{"APIKEY":%q}}`, id, w.keep(t, "key", "from the vault")))
	notes, err := w.target.Check(t.Context(), w.app, row)
	require.NoError(t, err)
	assert.Contains(t, notes[0], `may have a value of "spare"`)
	_, err = w.target.Deploy(t.Context(), w.delivery(row, "a new secret"))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"token:ClientSecret": sha("a new secret"), "apiKey": sha("from the vault")}, w.state("shop").Secrets)
	assert.Equal(t, "south", w.state("shop").Values["Region"])

	for settings, want := range map[string]string{
		`"parameters":{"nothing":"x"}`:                                     `apiconnection: connector "shop" has no parameter "nothing" for this connection; correct the settings`,
		`"parameters":{"apikey":"x"}`:                                      `apiconnection: parameter "apiKey" of connector "shop" is a secret; name its place in a vault in the setting secrets`,
		`"secrets":{"nothing":"https://safe.vault.azure.net/secrets/key"}`: `apiconnection: connector "shop" has no parameter "nothing" for this connection; correct the settings`,
	} {
		row := w.row(t, rotation.Secret, fmt.Sprintf(`{"connection":%q,%s}`, id, settings))
		_, err = w.target.Check(t.Context(), w.app, row)
		assert.EqualError(t, err, want)
	}
	row = w.row(t, rotation.Secret, fmt.Sprintf(`{"connection":%q,"secrets":{"apiKey":"https://safe.vault.azure.net/secrets/none"}}`, id))
	_, err = w.target.Check(t.Context(), w.app, row)
	require.ErrorContains(t, err, `vault: get "none" in "safe"`)
	assert.Equal(t, rotation.NotFound, rotation.ClassOf(err))
}

func TestACertificateIsDeliveredAsPFX(t *testing.T) {
	for name, c := range map[string]connections.Connection{
		"SharePoint":   {API: "sharepointonline", Values: map[string]any{"token:clientId": appID, "token:TenantId": tenant}},
		"Blob Storage": {API: "azureblob", Values: map[string]any{"token:clientId": appID, "token:TenantId": tenant}},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, options{})
			c.Name, c.Kind, c.Set = "files", "V2", "certOauth"
			row := w.row(t, rotation.Certificate, `{"connection":"`+w.add(c)+`"}`)
			pair := madeCertificate(t, w.clock.Now())
			pem, err := pair.PEM()
			require.NoError(t, err)
			d := w.delivery(row, pem.Reveal())
			for d.Tries = 1; d.Tries < 3; d.Tries++ {
				outcome, err := w.target.Deploy(t.Context(), d)
				require.NoError(t, err)
				assert.True(t, outcome.Confirmed)
				assert.Equal(t, pair.Thumbprint(), w.state("files").Certificates["token:clientCertificateSecret"])
			}
			assert.NotContains(t, w.bodies[0], "PRIVATE KEY")
			assert.NotContains(t, w.bodies[0], `"password":""`)

			d.Credential.Value = secret.New("no certificate")
			_, err = w.target.Deploy(t.Context(), d)
			require.EqualError(t, err, "apiconnection: read the certificate: certificate: must be a private key and a certificate as PEM")
		})
	}
}

func TestANewCredentialMayTakeAWhile(t *testing.T) {
	for name, c := range map[string]struct {
		options options
		waits   []time.Duration
	}{
		"to reach every replica of Entra": {options{entra: entra.Options{ReplicationDelay: 4 * time.Second}}, []time.Duration{5 * time.Second, 10 * time.Second}},
		"to be signed in":                 {options{connections: connections.Options{StatusDelay: 10 * time.Second}}, []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, c.options)
			d := w.delivery(w.onConnection(t, w.outlook()), "a new secret")
			var waits []time.Duration
			for range 10 {
				outcome, err := w.target.Deploy(t.Context(), d)
				require.NoError(t, err)
				if outcome.Confirmed {
					break
				}
				assert.Equal(t, `connection "mail" to accept the new credential`, outcome.Waiting)
				waits = append(waits, outcome.After)
				d.Handle = outcome.Handle
				d.Tries++
				w.clock.Advance(outcome.After)
			}
			assert.Equal(t, "Connected", w.state("mail").Status)
			assert.LessOrEqual(t, len(waits), len(c.waits))
			assert.Equal(t, c.waits[:len(waits)], waits)
			assert.NotEmpty(t, waits)
		})
	}
}

func TestACredentialThatIsNeverAcceptedFails(t *testing.T) {
	w := start(t, options{})
	d := w.unheard(w.onConnection(t, w.outlook()), "a new secret")
	looks := 0
	for ; looks < 20; looks++ {
		outcome, err := w.target.Deploy(t.Context(), d)
		if err != nil {
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
			assert.Contains(t, err.Error(), `apiconnection: connection "mail" is not connected: Unauthorized: Failed to refresh access token for service: office365.`)
			assert.Contains(t, err.Error(), "AADSTS7000215")
			break
		}
		d.Handle = outcome.Handle
	}
	assert.Equal(t, 6, looks)
	assert.Len(t, w.bodies, 7, "each look that finds it in error writes again, because that makes it sign in")
}

func TestAnyOtherErrorFailsAtOnce(t *testing.T) {
	w := start(t, options{})
	id := w.add(connections.Connection{Name: "mail", API: "office365", Values: map[string]any{
		"token:clientId": appID, "token:clientSecret": "old", "token:TenantId": "99999999-1111-4111-8111-111111111111"}})
	_, err := w.target.Deploy(t.Context(), w.delivery(w.onConnection(t, id), "a new secret"))
	require.ErrorContains(t, err, "AADSTS90002")
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
}

func TestTheTestLinkDecides(t *testing.T) {
	w := start(t, options{})
	id := w.outlook()
	d := w.delivery(w.onConnection(t, id), "a new secret")
	for status, class := range map[int]rotation.Class{
		400: rotation.Permanent, 401: rotation.Denied, 403: rotation.Denied, 404: rotation.NotFound, 408: rotation.Transient,
		429: rotation.Throttled, 500: rotation.Transient, 503: rotation.Transient,
	} {
		w.misbehave(t, cloud.Fault{Path: "*/testconnection", Status: status, RetryAfter: new(json.Number("7"))})
		d.Target = w.onConnection(t, id)
		_, err := w.target.Deploy(t.Context(), d)
		require.ErrorContains(t, err, `apiconnection: test connection "`+id+`": `)
		assert.Equal(t, class, rotation.ClassOf(err), status)
		if class == rotation.Throttled {
			assert.Equal(t, 7*time.Second, rotation.AfterOf(err))
		}

		d.Target = w.row(t, rotation.Secret, `{"connection":"`+id+`","test":"skipped"}`)
		outcome, err := w.target.Deploy(t.Context(), d)
		require.NoError(t, err)
		assert.True(t, outcome.Confirmed)
	}
}

func TestATestLinkThatLeadsAwayIsNotFollowed(t *testing.T) {
	for name, link := range map[string]string{
		"to another host":       "https://evil.example" + group + "/providers/Microsoft.Web/connections/mail/x?api-version=1",
		"to another resource":   "https://management.azure.com" + group + "/providers/Microsoft.Web/connections/other/x?api-version=1",
		"up and away":           "https://management.azure.com" + group + "/providers/Microsoft.Web/connections/mail/../../x?api-version=1",
		"without encryption":    "http://management.azure.com" + group + "/providers/Microsoft.Web/connections/mail/x?api-version=1",
		"what is no address":    ":",
		"what is not to be got": "POST",
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, options{})
			id := w.outlook()
			d := w.delivery(w.onConnection(t, id), "a new secret")
			_, err := w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			method := "get"
			if link == "POST" {
				method, link = "post", "https://management.azure.com"+id+"/x?api-version=1"
			}
			shown := w.read(t, id)
			shown["properties"].(map[string]any)["testLinks"] = []any{map[string]any{"requestUri": link, "method": method}}
			body, err := json.Marshal(shown)
			require.NoError(t, err)
			w.misbehave(t, cloud.Fault{Method: "PUT", Status: 200, Body: body})
			_ = w.calls(t)
			outcome, err := w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			assert.True(t, outcome.Confirmed)
			assert.NotContains(t, w.calls(t), "GET x")
		})
	}
}

func TestAStatusThatRepeatsTheSecretIsSilenced(t *testing.T) {
	w := start(t, options{})
	id := w.outlook()
	d := w.delivery(w.onConnection(t, id), `a "secret" <one>`)
	shown := w.read(t, id)
	shown["properties"].(map[string]any)["statuses"] = []any{map[string]any{"status": "Error", "error": map[string]any{"properties": map[string]any{
		"code": "Invalid", "message": `the secret a "secret" <one> in {"v":"a \"secret\" \u003cone\u003e"} is not`}}}}
	body, err := json.Marshal(shown)
	require.NoError(t, err)
	w.misbehave(t, cloud.Fault{Method: "PUT", Status: 200, Body: body})
	_, err = w.target.Deploy(t.Context(), d)
	require.EqualError(t, err, `apiconnection: connection "mail" is not connected: Invalid: the secret [redacted] in {"v":"[redacted]"} is not`)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
}

func TestAHandleOfSomebodyElseIsPermanent(t *testing.T) {
	w := start(t, options{})
	d := w.delivery(w.onConnection(t, w.outlook()), "a new secret")
	for _, handle := range []string{"x", "0", "-1", "7"} {
		d.Handle = handle
		_, err := w.target.Deploy(t.Context(), d)
		require.EqualError(t, err, fmt.Sprintf("apiconnection: the handle %q is none of this target's", handle))
	}
	assert.Empty(t, w.bodies)
	require.NoError(t, w.target.Stop(t.Context(), d))
}
