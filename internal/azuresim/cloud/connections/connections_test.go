package connections_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

func TestAPutReplacesTheWholeConnection(t *testing.T) {
	w := start(t, connections.Options{})
	status, text := w.call(t, editor, "PUT", all+"/mail"+version, strings.Replace(w.outlook(w.secret), `"location"`, `"tags":{"a":"b"},"location"`, 1))
	require.Equal(t, 201, status, text)
	made := w.done(t, editor, "GET", all+"/MAIL"+version, "")
	assert.Equal(t, all+"/mail", made.ID)
	assert.Equal(t, "Connected", made.Properties.OverallStatus)
	assert.Equal(t, map[string]string{"a": "b"}, made.Tags)
	assert.Equal(t, map[string]string{"token:clientId": w.app.AppID, "token:TenantId": tenant, "token:grantType": "client_credentials"}, made.Properties.NonSecretParameterValues)

	w.clock.Advance(time.Minute)
	again := w.done(t, editor, "PUT", all+"/mail"+version, w.body("V2", "office365", map[string]any{"unknown": "kept"}))
	assert.Empty(t, again.Tags)
	assert.Empty(t, again.Properties.NonSecretParameterValues)
	assert.Equal(t, "Unauthenticated", again.Properties.Statuses[0].Error.Code, "without values there is no sign-in")
	assert.Equal(t, "kept", again.Properties.Unknown)
	assert.Equal(t, made.Properties.CreatedTime, again.Properties.CreatedTime)
	assert.NotEqual(t, made.Properties.ChangedTime, again.Properties.ChangedTime)
}

func TestAPatchChangesWhatIsGiven(t *testing.T) {
	w := start(t, connections.Options{})
	w.done(t, editor, "PUT", all+"/mail"+version, w.outlook(w.secret))
	patched := w.done(t, editor, "PATCH", all+"/mail"+version, `{"tags":{"a":"b"},"properties":{"displayName":"other"}}`)
	assert.Equal(t, map[string]string{"a": "b"}, patched.Tags)
	assert.Equal(t, "other", patched.Properties.DisplayName)
	assert.Equal(t, "Connected", patched.Properties.OverallStatus)
	status, text := w.call(t, editor, "PATCH", all+"/none"+version, `{}`)
	assert.Equal(t, 404, status, text)
}

func TestWritesAreChecked(t *testing.T) {
	w := start(t, connections.Options{})
	w.done(t, editor, "PUT", all+"/there"+version, w.outlook(w.secret))
	values := func(values map[string]any) map[string]any { return map[string]any{"parameterValues": values} }
	both := set("oauthSP", map[string]any{})
	both["parameterValues"] = map[string]any{}
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"a name is spelled as the connector spells it": {w.body("V1", "office365", values(map[string]any{"token:ClientId": "x"})), 400, "ParameterNotDefined"},
		"a set's parameters are no parameter values":   {w.body("V1", "teams", values(map[string]any{"token:clientId": "x"})), 400, "ParameterNotDefined"},
		"a set has its own parameters":                 {w.body("V2", "sharepointonline", set("certOauth", map[string]any{"token:clientSecret": "x"})), 400, "ParameterNotDefined"},
		"a set is one of the connector's":              {w.body("V2", "teams", set("certOauth", map[string]any{})), 400, "ParameterSetNotDefined"},
		"values come in one form":                      {w.body("V2", "teams", both), 400, "InvalidConnectionParameters"},
		"a string is a string":                         {w.body("V1", "office365", values(map[string]any{"token:clientSecret": 7})), 400, "InvalidConnectionParameterValue"},
		"a certificate is a PFX":                       {w.body("V2", "sharepointonline", set("certOauth", map[string]any{"token:clientCertificateSecret": "text"})), 400, "InvalidConnectionParameterValue"},
		"an identity needs a connector that takes it":  {w.body("V1", "office365", map[string]any{"parameterValueType": "Alternative"}), 400, "AlternativeParametersNotSupported"},
		"a kind is V1 or V2":                           {w.body("V3", "office365", map[string]any{}), 400, "InvalidConnectionKind"},
		"an API has to exist":                          {w.body("V1", "none", map[string]any{}), 404, "ApiResourceNotFound"},
		"an API is named by its identifier":            {`{"location":"westeurope","properties":{"api":{"id":"office365"}}}`, 400, "InvalidApiReference"},
		"a location is required":                       {`{"properties":{}}`, 400, "LocationRequired"},
		"a location stays":                             {strings.Replace(w.outlook("x"), `"location":"westeurope"`, `"location":"northeurope"`, 1), 409, "InvalidResourceLocation"},
		"properties are required":                      {`{"location":"westeurope"}`, 400, "InvalidRequestContent"},
		"a body is an object":                          {`null`, 400, "InvalidRequestContent"},
		"a body is JSON":                               {`{`, 400, "InvalidRequestContent"},
	} {
		t.Run(name, func(t *testing.T) {
			status, text := w.call(t, editor, "PUT", all+"/there"+version, c.body)
			assert.Equal(t, c.status, status, text)
			assert.Contains(t, text, `{"error":{"code":"`+c.code+`"`)
		})
	}
	assert.Equal(t, "Connected", w.done(t, editor, "GET", all+"/there"+version, "").Properties.OverallStatus, "what is refused changes nothing")
}

func TestEveryCallNeedsItsPermission(t *testing.T) {
	w := start(t, connections.Options{})
	w.manager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: group, RoleID: resourcemanager.Reader, PrincipalID: "reader"})
	w.done(t, editor, "PUT", all+"/mail"+version, w.outlook(w.secret))
	custom := w.service.AddCustomAPI(sub, "Rg", "shop", nil)
	for name, c := range map[string]struct{ who, method, path, action string }{
		"to read":                {nobody, "GET", all + "/mail", "Microsoft.Web/connections/read"},
		"to read what is not":    {nobody, "GET", all + "/none", "Microsoft.Web/connections/read"},
		"to list":                {nobody, "GET", all, "Microsoft.Web/connections/read"},
		"to write":               {"reader", "PUT", all + "/mail", "Microsoft.Web/connections/write"},
		"to change":              {"reader", "PATCH", all + "/mail", "Microsoft.Web/connections/write"},
		"to delete":              {"reader", "DELETE", all + "/mail", "Microsoft.Web/connections/delete"},
		"to test":                {nobody, "GET", all + "/mail/extensions/proxy/testconnection", "Microsoft.Web/connections/read"},
		"to read a managed API":  {editor, "GET", strings.TrimSuffix(managedAPIs, "/") + "/teams", "Microsoft.Web/locations/managedApis/read"},
		"to list managed APIs":   {editor, "GET", strings.TrimSuffix(managedAPIs, "/"), "Microsoft.Web/locations/managedApis/read"},
		"to read a custom API":   {nobody, "GET", custom, "Microsoft.Web/customApis/read"},
		"to write a custom API":  {"reader", "PUT", custom, "Microsoft.Web/customApis/write"},
		"to delete a custom API": {"reader", "DELETE", custom, "Microsoft.Web/customApis/delete"},
		"to list custom APIs":    {nobody, "GET", group + "/providers/Microsoft.Web/customApis", "Microsoft.Web/customApis/read"},
	} {
		t.Run(name, func(t *testing.T) {
			status, text := w.call(t, c.who, c.method, c.path+version, w.outlook("x"))
			assert.Equal(t, 403, status, text)
			assert.Contains(t, text, "perform action '"+c.action+"'")
		})
	}
	t.Run("to use a custom API", func(t *testing.T) {
		other := w.manager.AddResourceGroup(sub, "Other", "westeurope")
		elsewhere := w.service.AddCustomAPI(sub, "Other", "shop", nil)
		body := `{"location":"westeurope","properties":{"api":{"id":"` + elsewhere + `"}}}`
		status, text := w.call(t, editor, "PUT", all+"/shop"+version, body)
		assert.Equal(t, 403, status, text)
		assert.Contains(t, text, "LinkedAuthorizationFailed")
		w.manager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: other, RoleID: resourcemanager.LogicAppContributor, PrincipalID: editor})
		status, text = w.call(t, editor, "PUT", all+"/shop"+version, body)
		assert.Equal(t, 201, status, text)
	})
	status, text := w.call(t, editor, "GET", all+"/mail?api-version=2022-01-01", "")
	assert.Equal(t, 400, status)
	assert.Contains(t, text, "type 'connections'. The supported api-versions are '2015-08-01-preview, 2016-06-01, 2018-07-01-preview'")
	status, text = w.call(t, owner, "GET", strings.Replace(all, "Rg", "none", 1)+"/mail"+version, "")
	assert.Equal(t, 404, status)
	assert.Contains(t, text, "ResourceGroupNotFound")
}

func TestTheStatusIsWhatEntraSays(t *testing.T) {
	w := start(t, connections.Options{})
	w.directory.AddApplication(entra.Application{AppID: "no-principal"})
	client := func(id, secret, of string) map[string]any {
		return map[string]any{"parameterValues": map[string]any{"token:clientId": id, "token:clientSecret": secret, "token:TenantId": of}}
	}
	sp := map[string]any{"token:clientId": w.app.AppID, "token:clientSecret": w.secret, "token:TenantId": tenant}
	for name, c := range map[string]struct {
		body            string
		status, message string
	}{
		"a good secret":            {w.outlook(w.secret), "Connected", ""},
		"a wrong one":              {w.outlook("wrong"), "Error", "AADSTS7000215"},
		"no such application":      {w.body("V1", "office365", client("nobody", w.secret, tenant)), "Error", "AADSTS700016"},
		"another tenant":           {w.body("V1", "office365", client(w.app.AppID, w.secret, "99999999-1111-1111-1111-111111111111")), "Error", "AADSTS90002"},
		"a set":                    {w.body("V2", "sharepointonline", set("OAUTHsp", sp)), "Connected", ""},
		"a flat set":               {w.body("V2", "sharepointonline", map[string]any{"parameterValueSet": sp}), "Error", "not authenticated"},
		"a set that is half flat":  {w.body("V2", "sharepointonline", map[string]any{"parameterValueSet": map[string]any{"name": "oauthSP", "values": sp}}), "Error", "not authenticated"},
		"a set without its secret": {w.body("V2", "sharepointonline", set("oauthSP", map[string]any{"token:clientId": w.app.AppID, "token:TenantId": tenant})), "Error", "token:clientSecret"},
		"nobody":                   {w.body("V1", "office365", map[string]any{}), "Error", "not authenticated"},
		"a key":                    {w.body("V2", "azureblob", set("keyBasedAuth", map[string]any{"accountName": "store", "accessKey": "key"})), "Connected", ""},
		"a managed identity":       {w.body("V2", "azureblob", set("managedIdentityAuth", map[string]any{})), "Ready", ""},
		"the old way of the same":  {w.body("V1", "azureblob", map[string]any{"parameterValueType": "Alternative"}), "Ready", ""},
	} {
		t.Run(name, func(t *testing.T) {
			made := w.done(t, editor, "PUT", all+"/x"+version, c.body)
			assert.Equal(t, c.status, made.Properties.OverallStatus)
			assert.Equal(t, c.status, made.Properties.Statuses[0].Status)
			assert.Contains(t, made.Properties.Statuses[0].Error.Message, c.message)
		})
	}
}

func TestACertificateSignsInAsWell(t *testing.T) {
	w := start(t, connections.Options{})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orders"}, NotBefore: w.clock.Now(), NotAfter: w.clock.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pfx, err := pkcs12.LegacyDES.Encode(key, certificate, nil, "pass")
	require.NoError(t, err)

	values := map[string]any{"token:clientId": w.app.AppID, "token:TenantId": tenant, "token:clientCertificateSecret": certificateValue(pfx, "pass")}
	body := w.body("V2", "sharepointonline", set("certOauth", values))
	assert.Contains(t, w.done(t, editor, "PUT", all+"/x"+version, body).Properties.Statuses[0].Error.Message, "AADSTS700027")
	w.app.Keys = []entra.Key{entra.NewKey(certificate)}
	w.directory.PutApplication(w.app)
	read := w.done(t, editor, "GET", all+"/x"+version, "")
	assert.Equal(t, "Connected", read.Properties.OverallStatus, "what is in error is tried again")
	assert.NotContains(t, read.Properties.ParameterValueSet.Values, "token:clientCertificateSecret")
	assert.Equal(t, entra.Thumbprint(certificate), w.service.State().Connections[0].Certificates["token:clientCertificateSecret"])

	values["token:clientCertificateSecret"] = certificateValue(pfx, "wrong")
	made := w.done(t, editor, "PUT", all+"/x"+version, w.body("V2", "sharepointonline", set("certOauth", values)))
	assert.Equal(t, "Error", made.Properties.OverallStatus)
}

func TestATestPresentsTheCredentialAgain(t *testing.T) {
	w := start(t, connections.Options{})
	made := w.done(t, editor, "PUT", all+"/mail"+version, w.outlook(w.secret))
	link := made.Properties.TestLinks[0]
	assert.Equal(t, "https://management.azure.com:443"+all+"/mail/extensions/proxy/testconnection"+version, link.RequestURI)
	assert.Equal(t, "get", link.Method)
	test := strings.TrimPrefix(link.RequestURI, "https://management.azure.com:443")
	w.done(t, editor, "GET", test, "")

	w.renew()
	assert.Equal(t, "Connected", w.done(t, editor, "GET", all+"/mail"+version, "").Properties.OverallStatus)
	status, text := w.call(t, editor, "GET", test, "")
	assert.Equal(t, 401, status)
	assert.Contains(t, text, "AADSTS7000215")
	assert.Equal(t, "Error", w.done(t, editor, "GET", all+"/mail"+version, "").Properties.OverallStatus)

	w.service.AddConnection(connections.Connection{Name: "teams", Subscription: sub, ResourceGroup: "Rg", API: "teams", Kind: "V2", Set: "oauthSP", TestStatus: 403,
		Values: map[string]any{"token:clientId": w.app.AppID, "token:clientSecret": w.secret, "token:tenantId": tenant}})
	status, _ = w.call(t, editor, "GET", all+"/teams/extensions/proxy/beta/me/teamwork"+version, "")
	assert.Equal(t, 403, status)
	status, _ = w.call(t, editor, "GET", all+"/teams/extensions/proxy/testconnection"+version, "")
	assert.Equal(t, 404, status)
}

func TestASignInMayTakeAWhile(t *testing.T) {
	w := start(t, connections.Options{StatusDelay: time.Minute})
	made := w.done(t, editor, "PUT", all+"/mail"+version, w.outlook(w.secret))
	assert.Equal(t, "Unauthenticated", made.Properties.Statuses[0].Error.Code)
	w.clock.Advance(time.Minute)
	assert.Equal(t, "Connected", w.done(t, editor, "GET", all+"/mail"+version, "").Properties.OverallStatus)
}

func TestAConsentSurvivesAPutOfTheSame(t *testing.T) {
	w := start(t, connections.Options{})
	w.service.AddConnection(connections.Connection{Name: "mail", Subscription: sub, ResourceGroup: "Rg", API: "office365", User: "ada@example.com"})
	_, text := w.call(t, editor, "GET", all+"/mail"+version, "")
	assert.Contains(t, text, `"authenticatedUser":{"name":"ada@example.com"}`)
	assert.Equal(t, "Connected", w.done(t, editor, "PUT", all+"/mail"+version, w.body("V1", "office365", map[string]any{})).Properties.OverallStatus)
	assert.Equal(t, "Error", w.done(t, editor, "PUT", all+"/mail"+version, w.outlook("wrong")).Properties.OverallStatus)
}

func TestListsAreFilteredAndPaged(t *testing.T) {
	w := start(t, connections.Options{PageSize: 2})
	w.manager.AddResourceGroup(sub, "Other", "westeurope")
	for i := range 3 {
		w.service.AddConnection(connections.Connection{Name: fmt.Sprint("mail", i), Subscription: sub, ResourceGroup: "Rg", API: "office365"})
	}
	w.service.AddConnection(connections.Connection{Name: "chat", Subscription: sub, ResourceGroup: "Other", API: "teams", Kind: "V2"})
	names := func(who, path string) (found []string) {
		for path != "" {
			page := w.done(t, who, "GET", path, "")
			for _, c := range page.Value {
				found = append(found, c.Name)
			}
			path = strings.TrimPrefix(page.NextLink, "https://management.azure.com")
		}
		return found
	}
	everywhere := "/subscriptions/" + sub + "/providers/Microsoft.Web/connections" + version
	assert.Equal(t, []string{"mail0", "mail1", "mail2", "chat"}, names(owner, everywhere))
	assert.Equal(t, []string{"mail0", "mail1", "mail2"}, names(editor, everywhere), "a list shows what its reader may read")
	assert.Equal(t, []string{"mail0", "mail1", "mail2"}, names(owner, all+version+"&$top=1"))
	assert.Equal(t, []string{"chat"}, names(owner, everywhere+"&$filter=Location%20eq%20'westeurope'%20and%20ManagedApiName%20eq%20'teams'%20and%20Kind%20eq%20'V2'"))
	assert.Len(t, names(owner, everywhere+"&$filter=properties/integrationServiceEnvironmentResourceId%20eq%20null%20and%20Kind%20eq%20'V1'"), 3)
	for query, code := range map[string]string{"&$filter=Name%20eq%20'x'": "InvalidFilter", "&$filter=x": "InvalidFilter", "&$top=0": "InvalidTop", "&$skiptoken=x": "InvalidSkipToken"} {
		_, text := w.call(t, owner, "GET", everywhere+query, "")
		assert.Contains(t, text, code)
	}
}

func TestConnectorsDescribeTheirParameters(t *testing.T) {
	w := start(t, connections.Options{})
	outlook := w.done(t, owner, "GET", managedAPIs+"Office365"+version, "")
	assert.Equal(t, "securestring", outlook.Properties.ConnectionParameters["token:clientSecret"].Type)
	assert.Contains(t, outlook.Properties.ConnectionParameters, "token:TenantId")
	teams := w.done(t, owner, "GET", managedAPIs+"teams"+version, "")
	assert.Equal(t, "oauthSP", teams.Properties.ConnectionParameterSets.Values[1].Name)
	assert.Contains(t, teams.Properties.ConnectionParameterSets.Values[1].Parameters, "token:tenantId")
	assert.Len(t, w.done(t, owner, "GET", strings.TrimSuffix(managedAPIs, "/")+version, "").Value, 6)
	status, _ := w.call(t, owner, "GET", managedAPIs+"none"+version, "")
	assert.Equal(t, 404, status)
}

func TestCustomConnectors(t *testing.T) {
	w := start(t, connections.Options{})
	path := group + "/providers/Microsoft.Web/customApis/shop" + version
	body := `{"location":"westeurope","properties":{"displayName":"Shop","connectionParameters":{
		"token":{"type":"oauthSetting","oAuthSettings":{"identityProvider":"aad","clientId":"x","clientSecret":"never shown","customParameters":{"resourceUri":{"value":"https://graph.microsoft.com"}}}},
		"token:ClientId":{"type":"string"},"token:ClientSecret":{"type":"securestring"},"key":{"type":"securestring","uiDefinition":{"constraints":{"required":"true"}}}}}}`
	status, text := w.call(t, editor, "PUT", path, body)
	require.Equal(t, 201, status, text)
	assert.NotContains(t, text, "never shown")
	assert.Contains(t, w.done(t, editor, "GET", path, "").Properties.ConnectionParameters, "token:ClientSecret")
	assert.Len(t, w.done(t, editor, "GET", group+"/providers/Microsoft.Web/customApis"+version, "").Value, 1)

	values, err := json.Marshal(map[string]any{"token:ClientId": w.app.AppID, "token:ClientSecret": w.secret, "key": "k"})
	require.NoError(t, err)
	made := w.done(t, editor, "PUT", all+"/shop"+version, `{"location":"West Europe","properties":{"api":{"id":"`+group+`/providers/Microsoft.Web/customApis/shop"},"parameterValues":`+string(values)+`}}`)
	assert.Equal(t, "Connected", made.Properties.OverallStatus)
	assert.Equal(t, map[string]string{"token:ClientId": w.app.AppID}, made.Properties.NonSecretParameterValues)

	for _, want := range []int{200, 204} {
		status, _ = w.call(t, editor, "DELETE", path, "")
		assert.Equal(t, want, status)
	}
	for _, want := range []int{200, 204} {
		status, _ = w.call(t, editor, "DELETE", all+"/shop"+version, "")
		assert.Equal(t, want, status)
	}
}

func TestTheStateHasNoSecret(t *testing.T) {
	w := start(t, connections.Options{})
	w.done(t, editor, "PUT", all+"/mail"+version, w.outlook(w.secret))
	text, err := json.Marshal(w.service.State())
	require.NoError(t, err)
	assert.NotContains(t, string(text), w.secret)
	assert.Len(t, w.service.State().Connections[0].Secrets["token:clientSecret"], 64)
}

func FuzzPut(f *testing.F) {
	for _, seed := range []string{`{}`, `{"location":"westeurope","properties":{"parameterValueSet":[]}}`, `{"location":1,"kind":[],"properties":{"api":{"id":null}}}`} {
		f.Add(seed)
	}
	w := start(f, connections.Options{})
	f.Fuzz(func(t *testing.T, body string) {
		status, text := w.call(t, editor, "PUT", all+"/x"+version, body)
		assert.Less(t, status, 500, text)
	})
}
