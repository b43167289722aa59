package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/internal/access"
	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/engine"
)

const (
	tenantID   = "0e1c1a1c-6f4f-4f5e-9a55-0c2b5d1f7a10"
	annaID     = "a11a0000-0000-4000-8000-000000000001"
	programApp = "77777777-7777-4777-8777-777777777777"
	otherApp   = "66666666-6666-4666-8666-666666666666"
)

// guarded is the API behind a real gate, before a simulated Entra ID.
type guarded struct {
	*world
	directory *entra.Directory
	api       entra.Application
	owners    owners
	programID string // the object id of the last program
}

// owners are the object ids of owners by client id.
type owners map[string]string

func (o owners) Owns(_ context.Context, appID, objectID string) (bool, error) {
	return o[appID] == objectID, nil
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	c := clock.New()
	cloud := cloudtest.Start(t, c)
	g := &guarded{directory: entra.New(c, nil, tenantID, entra.Options{}), owners: owners{}}
	cloud.Handle("login.microsoftonline.com", g.directory)
	g.api = g.directory.AddApplication(entra.Application{DisplayName: "rekey", TokenVersion: 2})
	transport := cloud.Client().Transport.(*http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	g.world = newWorld(t, func(config *api.Config) {
		config.Open, config.Owners = false, g.owners
		config.Gate = access.New(access.Config{
			Platform: true, TenantID: tenantID, ClientID: g.api.AppID, Keys: config.Engine,
			Transport: transport, CallTimeout: 5 * time.Second, Now: time.Now,
		})
	})
	return g
}

// The ways in. Each returns the headers of somebody who has a role.

func (g *guarded) session(role access.Role) []string {
	claims := []map[string]string{
		{"typ": "aud", "val": g.api.AppID}, {"typ": "oid", "val": annaID}, {"typ": "tid", "val": tenantID}, {"typ": "preferred_username", "val": "anna@contoso.com"},
		{"typ": "roles", "val": role.AppRole()},
	}
	text, err := json.Marshal(map[string]any{"auth_typ": "aad", "claims": claims})
	require.NoError(g.t, err)
	return []string{"X-MS-CLIENT-PRINCIPAL", base64.StdEncoding.EncodeToString(text), "Sec-Fetch-Site", "same-origin"}
}

func (g *guarded) person(role access.Role) []string {
	g.directory.AddUser(entra.User{ObjectID: annaID, UserPrincipalName: "anna@contoso.com", AppRoles: map[string][]string{g.api.AppID: {role.AppRole()}}})
	tokens, err := g.directory.SignIn(entra.SignIn{UserID: annaID, Client: g.api.AppID, Resource: g.api.AppID, Scope: "user_impersonation"})
	require.NoError(g.t, err)
	return []string{"Authorization", "Bearer " + tokens.Access}
}

func (g *guarded) program(role access.Role) []string {
	sp := g.directory.AddServicePrincipal(entra.ServicePrincipal{AppRoles: map[string][]string{g.api.AppID: {role.AppRole()}}})
	g.programID = sp.ObjectID
	token, err := g.directory.TokenFor(sp, g.api.AppID)
	require.NoError(g.t, err)
	return []string{"Authorization", "Bearer " + token}
}

func (g *guarded) key(role access.Role, applications ...string) []string {
	if role == access.None {
		return []string{"X-Api-Key", "rk_none"}
	}
	_, key, err := g.MakeAPIKey(g.t.Context(), engine.APIKey{
		Name: "k", Role: role.String(), Applications: applications, Expires: g.now.Add(time.Hour),
	}, "test")
	require.NoError(g.t, err)
	return []string{"X-Api-Key", key.Reveal()}
}

// use sends a request for an operation that finds nothing or says nothing right: it
// is told apart whether it came past the door.
func (g *guarded) use(pattern, appID string, headers []string) answer {
	method, path, _ := strings.Cut(pattern, " ")
	ofKey := strings.HasPrefix(path, "/api/keys/")
	id := map[bool]string{true: "aaaaaaaaaaaaaaaa", false: appID + ".secret.7"}[ofKey]
	if strings.HasPrefix(path, "/api/tasks/") {
		id = "none"
	}
	path = strings.NewReplacer("{appId}", appID, "{id}", id, "{targetId}", "none", "{groupId}", "none", "{integration}", "none").Replace(path)
	body := ""
	if method == http.MethodPost || method == http.MethodPut {
		body = `{"nothing":"right"}`
	}
	return g.call(method, path, body, headers...)
}

// TestEveryOperationTakesItsRoleWhicheverTheWayIn goes through the whole table.
func TestEveryOperationTakesItsRoleWhicheverTheWayIn(t *testing.T) {
	g := newGuarded(t)
	ways := map[string]func(access.Role) []string{
		"session": g.session, "person's token": g.person, "program's token": g.program,
		"key": func(role access.Role) []string { return g.key(role) },
	}
	for way, headersOf := range ways {
		for role := access.None; role <= access.Administrator; role++ {
			headers := headersOf(role)
			for pattern, rule := range api.Rules() {
				a := g.use(pattern, appID, headers)
				what := fmt.Sprintf("%s by %s as %s: %d %s", pattern, way, role, a.status, a.body)
				switch {
				case rule.Role == access.None, role >= rule.Role:
					assert.NotContains(t, []int{401, 403}, a.status, what)
				case way == "key" && role == access.None:
					assert.Equal(t, 401, a.status, what)
				default:
					assert.Equal(t, 403, a.status, what)
					assert.Contains(t, a.body, "this takes the role "+rule.Role.String(), what)
				}
			}
		}
	}
}

func TestWhatARoleDoesNotAllowIsInTheLog(t *testing.T) {
	g := newGuarded(t)
	require.Equal(t, 403, g.use("POST /api/pause", appID, g.person(access.Reader)).status)
	a := g.call("GET", "/api/log?what=refused", "", g.person(access.Administrator)...)
	require.Equal(t, 200, a.status, a.body)
	items := a.decoded(t)["items"].([]any)
	require.Len(t, items, 1)
	line := items[0].(map[string]any)
	assert.Contains(t, line["actor"], annaID)
	assert.Contains(t, line["detail"], "POST /api/pause: this takes the role operator; ")
}

func TestNobodyUnknownUsesAnything(t *testing.T) {
	g := newGuarded(t)
	for name, headers := range map[string][]string{
		"nothing":              nil,
		"a function's key":     {"X-Functions-Key", "master"},
		"an empty principal":   {"X-MS-CLIENT-PRINCIPAL", ""},
		"a name":               {"X-MS-CLIENT-PRINCIPAL-NAME", "anna@contoso.com", "X-MS-CLIENT-PRINCIPAL-ID", annaID},
		"a token of nobody":    {"Authorization", "Bearer e30.e30.e30"},
		"a key of nobody":      {"X-Api-Key", "rk_aaaaaaaaaaaaaaaa_" + strings.Repeat("a", 43)},
		"a cookie":             {"Cookie", "AppServiceAuthSession=x"},
		"somebody's good word": {"X-Forwarded-User", "anna", "X-Original-URL", "/api/health"},
	} {
		t.Run(name, func(t *testing.T) {
			for pattern := range api.Rules() {
				a := g.use(pattern, appID, headers)
				if pattern == "GET /api/health" {
					assert.Equal(t, 200, a.status)
					continue
				}
				assert.Equal(t, 401, a.status, "%s: %s", pattern, a.body)
				assert.Contains(t, a.header.Get("WWW-Authenticate"), `Bearer realm="rekey"`)
			}
			assert.Equal(t, 401, g.call("GET", "/api/nothing/here?code=master", "", headers...).status)
		})
	}
}

func TestOwnersActOnTheirApplicationsAlone(t *testing.T) {
	g := newGuarded(t)
	g.owners[appID] = annaID
	for pattern, rule := range api.Rules() {
		if rule.Role == access.None {
			continue
		}
		for way, headers := range map[string][]string{"session": g.session(access.None), "token": g.person(access.None)} {
			a := g.use(pattern, appID, headers)
			assert.Equal(t, rule.Owners, a.status != 403, "%s by %s: %d %s", pattern, way, a.status, a.body)
			assert.Equal(t, 403, g.use(pattern, otherApp, headers).status, "%s of another application", pattern)
		}
		program := g.program(access.None)
		g.owners[programApp] = g.programID
		assert.Equal(t, 403, g.use(pattern, programApp, program).status, "%s by a program", pattern)
	}
	assert.Equal(t, 403, g.use("PUT /api/applications/{appId}", otherApp, g.person(access.Reader)).status)
	assert.NotEqual(t, 403, g.use("PUT /api/applications/{appId}", appID, g.person(access.Reader)).status, "a reader who owns it")
	assert.NotEqual(t, 403, g.use("PUT /api/applications/{appId}", strings.ToUpper(appID), g.person(access.None)).status, "GUIDs know no case")
}

func TestEmergenciesAreForAdministrators(t *testing.T) {
	g := newGuarded(t)
	g.owners[appID] = annaID
	require.Equal(t, 201, g.call("PUT", appPath, managed, g.person(access.Operator)...).status)
	const plain, emergency = `{"kind":"secret"}`, `{"kind":"secret","emergency":true}`
	for name, headers := range map[string][]string{
		"an owner": g.person(access.None), "an operator": g.program(access.Operator), "a key": g.key(access.Operator),
		"a key for it": g.key(access.Operator, appID),
	} {
		before := g.everything()
		a := g.call("POST", appPath+"/rotations", emergency, headers...)
		assert.Equal(t, 403, a.status, name)
		assert.Contains(t, a.body, "this takes the role administrator", name)
		assert.Equal(t, before, g.everything())
	}
	assert.Equal(t, 202, g.call("POST", appPath+"/rotations", emergency, g.key(access.Administrator, appID)...).status)
	assert.Equal(t, 202, g.call("POST", appPath+"/rotations", plain, g.person(access.None)...).status)
}

func TestAKeyForSomeApplicationsIsForNothingElse(t *testing.T) {
	g := newGuarded(t)
	headers := g.key(access.Administrator, appID)
	for pattern, rule := range api.Rules() {
		if rule.Role == access.None {
			continue
		}
		about := g.use(pattern, appID, headers)
		named := strings.Contains(pattern, "{appId}") || strings.Contains(pattern, "/rotations/{id}") || strings.Contains(pattern, "/deployments/{id}")
		assert.Equal(t, named, about.status != 403, "%s: %d %s", pattern, about.status, about.body)
		other := g.use(pattern, otherApp, headers)
		assert.Equal(t, 403, other.status, pattern)
		assert.Contains(t, other.body, "the key is for some applications alone", pattern)
	}
}

// TestASessionNeedsAPageOfOurOwn: a browser sends the platform's cookie along with
// whatever another site's page makes it send.
func TestASessionNeedsAPageOfOurOwn(t *testing.T) {
	g := newGuarded(t)
	session := g.session(access.Administrator)[:2]
	for name, c := range map[string]struct {
		method  string
		headers []string
		status  int
	}{
		"our own page":                    {"POST", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		"the address bar":                 {"POST", []string{"Sec-Fetch-Site", "none"}, 200},
		"our own page, in older words":    {"POST", []string{"Origin", g.server.URL}, 200},
		"another site":                    {"POST", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a neighbour":                     {"POST", []string{"Sec-Fetch-Site", "same-site"}, 403},
		"another site, in older words":    {"POST", []string{"Origin", "https://elsewhere.example"}, 403},
		"a page that hides where it is":   {"POST", []string{"Origin", "null"}, 403},
		"no word":                         {"POST", nil, 403},
		"another site that reads nothing": {"GET", []string{"Sec-Fetch-Site", "cross-site"}, 405},
	} {
		t.Run(name, func(t *testing.T) {
			a := g.call(c.method, "/api/pause", "", append(session[:2:2], c.headers...)...)
			assert.Equal(t, c.status, a.status, a.body)
		})
	}
	assert.Equal(t, 200, g.call("POST", "/api/pause", "", g.key(access.Operator)...).status, "what no browser sends by itself needs no page")
}

func TestTheLogSaysWhoDidIt(t *testing.T) {
	g := newGuarded(t)
	headers := g.key(access.Operator)
	require.Equal(t, 201, g.call("PUT", appPath, managed, g.session(access.Operator)...).status)
	require.Equal(t, 200, g.call("POST", appPath+"/pause", "", headers...).status)
	lines := g.call("GET", appPath+"/log", "", headers...).decoded(t)["items"].([]any)
	id := strings.Split(headers[1], "_")[1]
	assert.Equal(t, "key "+id, lines[0].(map[string]any)["actor"])
	assert.Equal(t, "anna@contoso.com ("+annaID+")", lines[len(lines)-1].(map[string]any)["actor"])
}

func TestKeysAreMadeListedAndRevoked(t *testing.T) {
	g := newGuarded(t)
	administrator := g.person(access.Administrator)
	expires := g.now.Add(24 * time.Hour).Format(time.RFC3339)
	body := `{"name":"pipeline","role":"operator","applications":["` + strings.ToUpper(appID) + `"],"expires":"` + expires + `"}`
	a := g.call("POST", "/api/keys", body, administrator...)
	require.Equal(t, 201, a.status, a.body)
	made := a.decoded(t)
	id := made["id"].(string)
	assert.Equal(t, "/api/keys/"+id, a.header.Get("Location"))
	assert.Equal(t, "anna@contoso.com ("+annaID+")", made["createdBy"])
	assert.Equal(t, []any{appID}, made["applications"])
	key := []string{"X-Api-Key", made["key"].(string)}

	assert.Equal(t, 404, g.call("GET", appPath, "", key...).status, "it is not managed yet, but the key may look")
	listed := g.call("GET", "/api/keys", "", administrator...)
	assert.NotContains(t, listed.body, made["key"])
	item := listed.decoded(t)["items"].([]any)[0].(map[string]any)
	assert.NotNil(t, item["lastUsed"])
	assert.NotContains(t, item, "key")

	assert.Equal(t, 204, g.call("DELETE", "/api/keys/"+id, "", administrator...).status)
	assert.Equal(t, 401, g.call("GET", appPath, "", key...).status)
	assert.Equal(t, 404, g.call("DELETE", "/api/keys/"+id, "", administrator...).status)
}

func TestAKeyMakesNoKey(t *testing.T) {
	g := newGuarded(t)
	body := `{"name":"next","role":"reader","expires":"` + g.now.Add(24*time.Hour).Format(time.RFC3339) + `"}`
	a := g.call("POST", "/api/keys", body, g.key(access.Administrator)...)
	refused{status: 403, detail: "an API key makes no API keys; sign in, or use an access token of Entra ID"}.problem(t, a)
	assert.Equal(t, 200, g.call("GET", "/api/keys", "", g.key(access.Administrator)...).status)
}

func TestKeysThatMayNotBeMade(t *testing.T) {
	w := newWorld(t)
	const until = `"expires":"2026-04-01T00:00:00Z"`
	for name, r := range map[string]refused{
		"no end":             {body: `{"name":"k","role":"reader"}`, field: "body.expires", detail: "must be there"},
		"an end too far":     {body: `{"name":"k","role":"reader","expires":"2027-04-01T00:00:00Z"}`, field: "body.expires", detail: "must be a time within the next 365 days"},
		"an end that was":    {body: `{"name":"k","role":"reader","expires":"2026-01-01T00:00:00Z"}`, field: "body.expires", detail: "must be a time within the next 365 days"},
		"no name":            {body: `{"name":"","role":"reader",` + until + `}`, field: "body.name", detail: "must not be shorter than 1 characters"},
		"a key of one's own": {body: `{"name":"k","role":"reader","key":"rk_mine",` + until + `}`, field: "body.key", detail: "is not a field here; the fields are in /api/openapi.json"},
	} {
		t.Run(name, func(t *testing.T) {
			r.status = 422
			a := w.call("POST", "/api/keys", r.body)
			r.problem(t, a)
			assert.NotContains(t, a.body, "rk_mine")
		})
	}
	assert.Equal(t, 422, w.call("POST", "/api/keys", `{"name":"k","role":"owner",`+until+`}`).status)
	assert.Equal(t, 422, w.call("DELETE", "/api/keys/Shop", "").status)
}
