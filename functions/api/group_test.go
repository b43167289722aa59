package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	groupBase = "/api/groups/acme"
	token     = "value-that-opens-the-team"
	acme      = `{"name":"Acme","applications":["` + appID + `"],"team":"team_acme"}`
)

// withToken puts an access token into a group's settings.
func withToken(settings string) string {
	return strings.TrimSuffix(settings, "}") + `,"accessToken":"` + token + `"}`
}

// tokens is where access tokens are kept.
type tokens struct {
	mu   sync.Mutex // of kept: a configuration is applied several at a time
	kept map[string]string
	fail error
}

func (k *tokens) PutToken(_ context.Context, name string, token secret.Value) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail == nil {
		k.kept[name] = token.Reveal()
	}
	return k.fail
}

func (k *tokens) Token(_ context.Context, name string) (secret.Value, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return secret.New(k.kept[name]), k.fail
}

func (k *tokens) DeleteToken(_ context.Context, name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.kept, name)
	return k.fail
}

// vercel is the integration with teams.
type vercel struct {
	plain
	asked []string
	fail  error
}

var _ api.TeamChecker = (*vercel)(nil)

func (v *vercel) CheckTeam(_ context.Context, team string, given secret.Value) (string, error) {
	v.asked = append(v.asked, team)
	if v.fail == nil && given.Reveal() != token {
		return "", errors.New("another token than was given")
	}
	return strings.ToUpper(team), v.fail
}

// grouped is the API with an integration that has teams.
func grouped(t *testing.T) (*world, *tokens, *vercel) {
	kept, teams := &tokens{kept: map[string]string{}}, &vercel{}
	w := newWorld(t, func(c *api.Config) { c.Integrations["vercel"] = teams })
	w.Tokens = kept
	return w, kept, teams
}

func TestAGroupIsSavedAndItsTokenIsNeverShown(t *testing.T) {
	w, kept, _ := grouped(t)
	created := w.call("PUT", groupBase, withToken(acme))
	require.Equal(t, 201, created.status, created.body)
	assert.Equal(t, groupBase, created.header.Get("Location"))
	want := map[string]any{
		"id": "acme", "name": "Acme", "active": true, "applications": []any{appID}, "team": "team_acme", "teamName": "TEAM_ACME", "hasToken": true,
	}
	shown, listed := w.call("GET", groupBase, ""), w.call("GET", "/api/groups", "")
	assert.Equal(t, want, created.decoded(t))
	assert.Equal(t, want, shown.decoded(t))
	assert.Equal(t, created.header.Get("ETag"), shown.header.Get("ETag"))
	assert.Equal(t, map[string]any{"items": []any{want}, "next": nil}, listed.decoded(t))
	assert.Equal(t, map[string]string{"rekey-token-acme": token}, kept.kept)
	for _, a := range []answer{created, shown, listed} {
		assert.NotContains(t, a.body, token)
	}
}

func TestAGroupKeepsItsTokenUntilAnotherIsGiven(t *testing.T) {
	w, kept, teams := grouped(t)
	w.must(201, "PUT", groupBase, withToken(acme))
	replaced := w.must(200, "PUT", groupBase, `{"name":"New","active":false,"team":"team_acme"}`)
	assert.Equal(t, map[string]any{
		"id": "acme", "name": "New", "active": false, "applications": []any{}, "team": "team_acme", "teamName": "TEAM_ACME", "hasToken": true,
	}, replaced)
	assert.Equal(t, []string{"team_acme"}, teams.asked, "nothing that opens the team is new")
	w.must(200, "PUT", groupBase, `{"name":"New","team":"team_other"}`)
	assert.Equal(t, []string{"team_acme", "team_other"}, teams.asked, "the old token has to open the new team")
	assert.Equal(t, map[string]string{"rekey-token-acme": token}, kept.kept)
}

func TestAGroupWithoutATokenSaysSo(t *testing.T) {
	w, kept, teams := grouped(t)
	saved := w.must(201, "PUT", groupBase, acme)
	assert.Equal(t, false, saved["hasToken"])
	assert.Empty(t, saved["teamName"])
	assert.Empty(t, teams.asked)
	assert.Empty(t, kept.kept)
}

func TestGroupsHaveETags(t *testing.T) {
	w, _, _ := grouped(t)
	w.must(412, "PUT", groupBase, acme, "If-Match", "*")
	first := w.call("PUT", groupBase, acme, "If-None-Match", "*").header.Get("ETag")
	w.must(412, "PUT", groupBase, acme, "If-None-Match", "*")
	second := w.call("PUT", groupBase, acme, "If-Match", first)
	require.Equal(t, 200, second.status, second.body)
	assert.Equal(t, 412, w.call("PUT", groupBase, acme, "If-Match", first).status)
	assert.Equal(t, 412, w.call("DELETE", groupBase, "", "If-Match", first).status)
	assert.Equal(t, 204, w.call("DELETE", groupBase, "", "If-Match", second.header.Get("ETag")).status)
	assert.Equal(t, 404, w.call("GET", groupBase, "").status)
}

func TestADeletedGroupTakesItsTokenAlong(t *testing.T) {
	w, kept, _ := grouped(t)
	w.must(201, "PUT", groupBase, withToken(acme))
	w.manage()
	w.must(201, "PUT", appPath+"/targets/shop", `{"integration":"vercel","kind":"secret"}`)
	refused{status: 409, detail: `group "acme" is used by ` + appID + `/shop; delete those targets, or take their applications out of the group, first`}.
		problem(t, w.call("DELETE", groupBase, ""))
	assert.Len(t, kept.kept, 1)
	require.Equal(t, 204, w.call("DELETE", appPath+"/targets/shop", "").status)
	require.Equal(t, 204, w.call("DELETE", groupBase, "").status)
	assert.Empty(t, kept.kept)
}

func TestGroupsAreListedInPages(t *testing.T) {
	w, _, _ := grouped(t)
	for _, id := range []string{"c", "a", "b"} {
		w.must(201, "PUT", "/api/groups/"+id, acme)
	}
	first := w.must(200, "GET", "/api/groups?limit=2", "")
	require.NotNil(t, first["next"])
	second := w.must(200, "GET", "/api/groups?limit=2&cursor="+first["next"].(string), "")
	var ids []any
	for _, page := range []map[string]any{first, second} {
		for _, g := range page["items"].([]any) {
			ids = append(ids, g.(map[string]any)["id"])
		}
	}
	assert.Equal(t, []any{"a", "b", "c"}, ids)
	assert.Nil(t, second["next"])
}

func TestGroupsThatAreRefused(t *testing.T) {
	put := func(body, field, detail string) refused {
		return refused{method: "PUT", path: groupBase, body: body, status: 422, field: field, detail: detail}
	}
	for name, r := range map[string]refused{
		"no name":               put(`{"name":"","team":"team_acme"}`, "body.name", "must not be shorter than 1 characters"),
		"a name of spaces":      put(`{"name":"  ","team":"team_acme"}`, "body.name", "must be 1 to 100 characters, and not all of them spaces"),
		"a slug for an id":      put(`{"name":"Acme","team":"acme"}`, "body.team", "must be the team's id at Vercel, which begins with team_"),
		"no client id":          put(`{"name":"Acme","team":"team_acme","applications":["shop"]}`, "body.applications[0]", "must be the application's client id, a GUID"),
		"a member twice":        put(`{"name":"Acme","team":"team_acme","applications":["`+appID+`","`+strings.ToUpper(appID)+`"]}`, "body.applications[1]", "must not be in the list twice"),
		"an empty token":        put(`{"name":"Acme","team":"team_acme","accessToken":""}`, "body.accessToken", "must not be shorter than 1 characters"),
		"a token with a header": put(`{"name":"Acme","team":"team_acme","accessToken":"Bearer `+token+`"}`, "body.accessToken", "must be the token alone, without spaces"),
		"a field nobody knows":  put(`{"name":"Acme","team":"team_acme","token":"`+token+`"}`, "body.token", "is not a field here; the fields are in /api/openapi.json"),
		"an unknown one":        {method: "GET", path: "/api/groups/other", status: 404, detail: `group "other": there is no such record`},
		"a cursor of its own":   {method: "GET", path: "/api/groups?cursor=%2F", status: 422, field: "query.cursor", detail: "must be the next of the page before"},
	} {
		t.Run(name, func(t *testing.T) {
			w, kept, teams := grouped(t)
			w.must(201, "PUT", groupBase, acme)
			before := w.everything()
			a := w.call(r.method, r.path, r.body)
			r.problem(t, a)
			assert.NotContains(t, a.body, token)
			assert.Equal(t, before, w.everything())
			assert.Empty(t, kept.kept)
			assert.Empty(t, teams.asked)
		})
	}
}

func TestATokenThatDoesNotOpenTheTeamIsRefused(t *testing.T) {
	refusal := func(class rotation.Class) error {
		return &rotation.Fault{Class: class, After: time.Minute, Err: errors.New("vercel: get team: 403 forbidden: Not authorized")}
	}
	for name, c := range map[string]struct {
		class rotation.Class
		want  refused
	}{
		"because it may not": {rotation.Denied, refused{status: 422, field: "body.accessToken", detail: "must open the team: vercel: get team: 403 forbidden: Not authorized"}},
		"because there were too many calls": {rotation.Throttled,
			refused{status: 503, detail: "Vercel could not be asked about the team: vercel: get team: 403 forbidden: Not authorized"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, kept, teams := grouped(t)
			teams.fail = refusal(c.class)
			before := w.everything()
			a := w.call("PUT", groupBase, withToken(acme))
			c.want.problem(t, a)
			if c.want.status == 503 {
				assert.Equal(t, "60", a.header.Get("Retry-After"))
			}
			assert.Equal(t, before, w.everything())
			assert.Empty(t, kept.kept)
		})
	}
}

func TestATokenThatCannotBeKeptIsRefused(t *testing.T) {
	w, kept, _ := grouped(t)
	kept.fail = &rotation.Fault{Class: rotation.Denied, Err: errors.New("vault: set: 403 Forbidden"), Remedy: "give rekey the role"}
	before := w.everything()
	refused{status: 502, detail: "the staging vault: vault: set: 403 Forbidden; give rekey the role"}.problem(t, w.call("PUT", groupBase, withToken(acme)))
	assert.Equal(t, before, w.everything())
}

func TestTheDocumentSaysThatATokenIsOnlyWritten(t *testing.T) {
	w, _, _ := grouped(t)
	d, _ := w.document()
	text, err := json.Marshal(d.Components.Schemas["GroupSettings"])
	require.NoError(t, err)
	assert.Contains(t, string(text), `"writeOnly":true`)
	text, err = json.Marshal(d.Components.Schemas["Group"])
	require.NoError(t, err)
	assert.NotContains(t, string(text), "accessToken")
}
