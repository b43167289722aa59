package graph_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
)

func TestApplicationsAreFoundByWhatTheFilterSays(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	shop, quote := n.owned("Shop"), n.owned("O'Neill")
	c := n.raw()
	for name, one := range map[string]struct {
		filter string
		want   []any
	}{
		"an app id":               {"appId eq '" + shop.AppID + "'", []any{"Shop"}},
		"an app id in capitals":   {"appId eq '" + strings.ToUpper(shop.AppID) + "'", []any{"Shop"}},
		"an object id":            {"id eq '" + shop.ObjectID + "'", []any{"Shop"}},
		"a name":                  {"displayName eq 'shop'", []any{"Shop"}},
		"a name with a quote":     {"displayName eq 'O''Neill'", []any{"O'Neill"}},
		"a beginning":             {"startswith(displayName,'sh')", []any{"Shop"}},
		"one of some":             {"appId in ('" + shop.AppID + "', '" + quote.AppID + "')", []any{"Shop", "O'Neill"}},
		"nothing that there is":   {"displayName eq 'none'", []any{}},
		"a prefix is no equality": {"displayName eq 'Sho'", []any{}},
	} {
		t.Run(name, func(t *testing.T) {
			given := c.do("GET", "/applications?$select=displayName&$filter="+url.QueryEscape(one.filter), nil)
			require.Equal(t, http.StatusOK, given.status, given.body)
			assert.Equal(t, one.want, names(given))
			assert.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#applications(displayName)", given.body["@odata.context"])
		})
	}
}

func names(given reply) []any {
	all := []any{}
	for _, one := range given.body["value"].([]any) {
		all = append(all, one.(map[string]any)["displayName"])
	}
	return all
}

func TestListsComeInPages(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{ReadLag: time.Hour})
	for i := range 249 {
		n.owned(fmt.Sprintf("app %03d", i))
	}
	c := n.raw()
	for query, want := range map[string][]int{
		"":                           {100, 100, 50},
		"?$top=200":                  {200, 50},
		"?$top=250":                  {250},
		"?$top=125&$select=id,appId": {125, 125},
	} {
		seen, sizes := map[any]bool{}, []int(nil)
		for next := "/applications" + query; next != ""; {
			given := c.do("GET", next, nil)
			require.Equal(t, http.StatusOK, given.status, given.body)
			page := given.body["value"].([]any)
			sizes = append(sizes, len(page))
			for _, one := range page {
				seen[one.(map[string]any)["id"]] = true
			}
			next, _ = given.body["@odata.nextLink"].(string)
		}
		assert.Equal(t, want, sizes, query)
		assert.Len(t, seen, 250, "each application once")
	}
}

func TestListsAreSortedAndCounted(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	n.owned("b")
	n.owned("A")
	c := n.raw()
	assert.Equal(t, []any{"A", "b", "rotator"}, names(c.do("GET", "/applications?$orderby=displayName", nil)))
	assert.Equal(t, []any{"rotator", "b", "A"}, names(c.do("GET", "/applications?$orderby=displayName%20desc", nil)))
	assert.NotContains(t, c.do("GET", "/applications?$count=true", nil).body, "@odata.count")
	c.header.Set("ConsistencyLevel", "eventual")
	assert.EqualValues(t, 3, c.do("GET", "/applications?$count=true&$top=1", nil).body["@odata.count"])
}

// Reads take turns among replicas of which each is further behind.
func TestReadsLag(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{ReadLag: time.Hour, Replicas: 2})
	app := n.owned("old name")
	c := n.raw()
	require.Equal(t, http.StatusNoContent, c.do("PATCH", "/applications/"+app.ObjectID, map[string]any{"displayName": "new name"}).status)
	read := func() (seen []any) {
		for range 2 {
			seen = append(seen, c.do("GET", "/applications/"+app.ObjectID, nil).body["displayName"])
		}
		return seen
	}
	assert.Equal(t, []any{"new name", "old name"}, read())
	filter := "/applications?$filter=" + url.QueryEscape("displayName eq 'new name'")
	assert.Len(t, names(c.do("GET", filter, nil)), 1)
	assert.Empty(t, names(c.do("GET", filter, nil)))
	n.clock.Advance(time.Hour)
	assert.Equal(t, []any{"new name", "new name"}, read())
}

func TestQueriesAreReadStrictly(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	c := n.raw()
	const expired = "The specified page token value has expired and can no longer be included in your request."
	token := func(plain string) string { return "$skiptoken=" + base64.RawURLEncoding.EncodeToString([]byte(plain)) }
	for query, want := range map[string]string{
		token("0 b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00"): expired,
		token("3 " + n.rotator.ObjectID):                expired,
		token("-1 " + n.rotator.ObjectID):               expired,
		"$select=secret":                                "Parsing OData Select and Expand failed: Could not find a property named 'secret' on type 'microsoft.graph.application'.",
		"$top=0":                                        "Invalid page size specified: '0'. Must be between 1 and 999 inclusive.",
		"$top=1000":                                     "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive.",
		"$expand=owners":                                "The query parameter '$expand' is not supported.",
		"$orderby=appId":                                "Unsupported sort property 'appId' for the resource.",
		"$filter=contains(displayName,'a')":             "Unsupported or invalid query filter clause specified for resource 'application': contains(displayName,'a').",
		"$filter=servicePrincipalType%20eq%20'x'":       "Unsupported or invalid query filter clause specified for resource 'application': servicePrincipalType eq 'x'.",
		"$filter=appId%20eq%20'a'&$orderby=displayName": "Sorting not supported for current query.",
		"$skiptoken=AAAA":                               expired,
		"$top=1&$top=2":                                 "Query option '$top' was specified more than once, but it must be specified at most once.",
	} {
		given := c.do("GET", "/applications?"+query, nil)
		assert.Equal(t, http.StatusBadRequest, given.status, query)
		assert.Equal(t, want, given.message())
	}
}

func TestApplicationsAreCreatedChangedAndDeleted(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	c := n.raw()
	created := c.do("POST", "/applications", map[string]any{"displayName": "shop", "@odata.type": "#microsoft.graph.application"})
	require.Equal(t, http.StatusCreated, created.status, created.body)
	id, _ := created.body["id"].(string)
	appID, _ := created.body["appId"].(string)

	given := c.do("PATCH", "/applications(appId='"+appID+"')", map[string]any{"displayName": "shop 2", "notes": "n", "tags": []string{"a"}})
	require.Equal(t, http.StatusNoContent, given.status, given.body)
	shown := c.do("GET", "/applications/"+id+"?$select=displayName,notes,tags,description", nil).body
	assert.Equal(t, map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#applications(displayName,notes,tags,description)/$entity",
		"displayName": "shop 2", "notes": "n", "tags": []any{"a"}, "description": nil}, shown)
	owners := c.do("GET", "/applications/"+id+"/owners", nil).body["value"].([]any)
	require.Len(t, owners, 1, "its creator owns it")
	assert.Equal(t, n.principal.ObjectID, owners[0].(map[string]any)["id"])

	require.Equal(t, http.StatusCreated, c.do("POST", "/servicePrincipals", map[string]any{"appId": appID}).status)
	require.Equal(t, http.StatusConflict, c.do("POST", "/servicePrincipals", map[string]any{"appId": appID}).status)
	require.Equal(t, http.StatusNoContent, c.do("DELETE", "/applications/"+id, nil).status)
	gone := c.do("GET", "/applications/"+id, nil)
	assert.Equal(t, http.StatusNotFound, gone.status)
	assert.Equal(t, "Resource '"+id+"' does not exist or one of its queried reference-property objects are not present.", gone.message())
}

func TestBodiesAreReadStrictly(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	c := n.raw()
	for name, one := range map[string]struct {
		method, path, body, code, message string
		status                            int
	}{
		"no JSON":                         {"PATCH", "", "{", "BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.", 400},
		"an unknown property":             {"PATCH", "", `{"colour":"red"}`, "Request_BadRequest", "Invalid property 'colour'.", 400},
		"a property that is not kept":     {"PATCH", "", `{"web":{}}`, "NotSimulated", "The simulated Graph does not keep the property 'web'.", 501},
		"a value of another type":         {"PATCH", "", `{"displayName":1}`, "Request_BadRequest", "Invalid value specified for property 'displayName' of resource 'Application'.", 400},
		"a password in a PATCH":           {"PATCH", "", `{"passwordCredentials":[{"displayName":"x"}]}`, "Request_BadRequest", "New password credentials must be generated with service actions.", 400},
		"a secret of the client's choice": {"POST", "/addPassword", `{"passwordCredential":{"secretText":"mine"}}`, "Request_BadRequest", "keyId, secretText and hint are generated by the service.", 400},
		"an end before the start":         {"POST", "/addPassword", `{"passwordCredential":{"startDateTime":"2030-01-01T00:00:00Z","endDateTime":"2029-01-01T00:00:00Z"}}`, "Request_BadRequest", "The end date of a password credential has to be after its start date.", 400},
		"an unknown field":                {"POST", "/addPassword", `{"passwordCredentials":{}}`, "Request_BadRequest", `Invalid request body: json: unknown field "passwordCredentials".`, 400},
		"a keyId that is none":            {"POST", "/removePassword", `{"keyId":"x"}`, "Request_BadRequest", "Invalid value specified for property 'keyId' of resource 'Application'.", 400},
		"an unknown keyId":                {"POST", "/removePassword", `{"keyId":"b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00"}`, "Request_BadRequest", "No password credential found with keyId.", 400},
		"an unknown action":               {"POST", "/rotate", `{}`, "BadRequest", "Resource not found for the segment 'rotate'.", 400},
	} {
		t.Run(name, func(t *testing.T) {
			given := c.send(one.method, "/applications/"+app.ObjectID+one.path, []byte(one.body))
			assert.Equal(t, one.status, given.status)
			assert.Equal(t, one.code, given.code())
			assert.Equal(t, one.message, given.message())
		})
	}
	assert.Equal(t, "Resource not found for the segment 'users'.", c.do("GET", "/users", nil).message())
	assert.Equal(t, "Invalid object identifier '42'.", c.do("GET", "/applications/42", nil).message())
	assert.Equal(t, "Invalid object identifier '42'.", c.do("GET", "/servicePrincipals/42", nil).message())
	assert.Equal(t, http.StatusMethodNotAllowed, c.do("PUT", "/applications", map[string]any{}).status)
	assert.Equal(t, "Invalid version: the simulated Graph answers v1.0 and, of beta, reports.", c.do("GET", "https://graph.microsoft.com/beta/applications", nil).message())
}

func TestErrorsAndAnswersCarryIDs(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	c := n.raw()
	c.header.Set("client-request-id", "from-the-client")
	for _, path := range []string{"/applications", "/users"} {
		given := c.do("GET", path, nil)
		assert.Equal(t, "from-the-client", given.header.Get("client-request-id"))
		assert.Regexp(t, `^[0-9a-f-]{36}$`, given.header.Get("request-id"))
		assert.Empty(t, given.header.Get("x-ms-request-id"))
	}
	given := c.do("GET", "/users", nil)
	inner := given.body["error"].(map[string]any)["innerError"].(map[string]any)
	assert.Equal(t, given.header.Get("request-id"), inner["request-id"])
	assert.Equal(t, "from-the-client", inner["client-request-id"])
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`, inner["date"])
}

func TestServicePrincipalsAreShown(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	identity := n.directory.AddManagedIdentity("functions")
	c := n.raw()
	bySelf := c.do("GET", "/servicePrincipals(appId='"+app.AppID+"')?$select=id,servicePrincipalType,accountEnabled", nil)
	assert.Equal(t, "Application", bySelf.body["servicePrincipalType"])
	assert.Equal(t, true, bySelf.body["accountEnabled"])
	byFilter := c.do("GET", "/servicePrincipals?$filter="+url.QueryEscape("servicePrincipalType eq 'ManagedIdentity'"), nil)
	assert.Equal(t, []any{"functions"}, names(byFilter))
	assert.Equal(t, "functions", c.do("GET", "/servicePrincipals/"+identity.ObjectID, nil).body["displayName"])
	assert.Equal(t, http.StatusNotFound, c.do("GET", "/servicePrincipals/"+app.ObjectID, nil).status)
}
