package vercel_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
)

// world is Vercel with the team "acme" and its project "shop".
type world struct {
	t       *testing.T
	clock   *clock.Clock
	vercel  *vercel.Service
	client  *http.Client
	team    string
	project string
	token   string
}

func start(t *testing.T) *world {
	t.Helper()
	clk := clock.New()
	w := &world{t: t, clock: clk, vercel: vercel.New(clk, vercel.Options{BuildTime: time.Minute})}
	front := cloudtest.Start(t, clk)
	front.Handle("api.vercel.com", w.vercel)
	w.client = front.Client()
	w.team = w.vercel.AddTeam(vercel.Team{Slug: "acme", Name: "Acme"})
	w.project = w.vercel.AddProject(vercel.Project{Name: "shop", Team: w.team})
	w.token = w.vercel.AddToken(vercel.Token{})
	return w
}

// call sends a request on behalf of the team and returns the answer's body.
func (w *world) call(status int, method, path, body string) map[string]any {
	w.t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return w.callAs(w.token, status, method, path+separator+"teamId="+w.team, body)
}

func (w *world) callAs(token string, status int, method, path, body string) (answer map[string]any) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, "https://api.vercel.com"+path, strings.NewReader(body))
	require.NoError(w.t, err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := w.client.Do(request)
	require.NoError(w.t, err)
	defer response.Body.Close()
	require.NoError(w.t, json.NewDecoder(response.Body).Decode(&answer))
	require.Equal(w.t, status, response.StatusCode, "%v", answer)
	return answer
}

// refused sends a request that must be refused and returns code and message.
func (w *world) refused(status int, method, path, body string) string {
	w.t.Helper()
	return said(w.call(status, method, path, body))
}

func said(answer map[string]any) string {
	refusal := answer["error"].(map[string]any)
	return fmt.Sprintf("%v: %v", refusal["code"], refusal["message"])
}

func (w *world) variable(v vercel.Variable) string { return w.vercel.AddVariable(w.project, v) }

// shop is the state of the project.
func (w *world) shop() vercel.ProjectState { return w.vercel.State().Projects["shop"] }

func TestEveryCallNeedsATokenThatSeesTheTeam(t *testing.T) {
	w := start(t)
	expired := w.vercel.AddToken(vercel.Token{Expires: w.clock.Now()})
	revoked := w.vercel.AddToken(vercel.Token{})
	w.vercel.RevokeToken(revoked)
	elsewhere := w.vercel.AddToken(vercel.Token{Teams: []string{w.vercel.AddTeam(vercel.Team{})}})
	const outside = `forbidden: Not authorized: Trying to access resource under scope "TEAM". You must re-authenticate to this scope or use a token with access to this scope.`
	for name, c := range map[string]struct{ token, team, want string }{
		"no token":               {"", w.team, "forbidden: The request is missing an authentication token"},
		"an unknown one":         {"guessed", w.team, "forbidden: Not authorized"},
		"an expired one":         {expired, w.team, "forbidden: Not authorized"},
		"a revoked one":          {revoked, w.team, "forbidden: Not authorized"},
		"one for another team":   {elsewhere, w.team, strings.ReplaceAll(outside, "TEAM", w.team)},
		"a team that is no team": {w.token, "team_none", strings.ReplaceAll(outside, "TEAM", "team_none")},
	} {
		t.Run(name, func(t *testing.T) {
			answer := w.callAs(c.token, 403, "GET", "/v10/projects?teamId="+c.team, "")
			assert.Equal(t, c.want, said(answer))
		})
	}
	assert.Equal(t, true, w.callAs(expired, 403, "GET", "/v2/teams", "")["error"].(map[string]any)["invalidToken"])
	assert.Len(t, w.callAs(elsewhere, 200, "GET", "/v2/teams", "")["teams"], 1, "a limited token lists its own teams")
	assert.Equal(t, "Acme", w.callAs(w.token, 200, "GET", "/v2/teams/"+w.team, "")["name"])
}

func TestAProjectIsFoundInItsTeamAlone(t *testing.T) {
	w := start(t)
	assert.Equal(t, w.project, w.call(200, "GET", "/v9/projects/shop", "")["id"])
	assert.Equal(t, "shop", w.call(200, "GET", "/v9/projects/"+w.project, "")["name"])
	assert.Equal(t, "not_found: Project not found.", w.refused(404, "GET", "/v9/projects/other", ""))
	assert.Equal(t, "not_found: Project not found.", said(w.callAs(w.token, 404, "GET", "/v9/projects/shop", "")), "without the team")
}

func TestAReadOnlyTokenReads(t *testing.T) {
	w := start(t)
	id := w.variable(vercel.Variable{Key: "DB", Value: "v", Targets: []string{"production"}})
	w.token = w.vercel.AddToken(vercel.Token{ReadOnly: true})
	w.call(200, "GET", "/v10/projects/shop/env", "")
	assert.Equal(t, "forbidden: You don't have permission to change this resource.", w.refused(403, "PATCH", "/v9/projects/shop/env/"+id, `{"value":"x"}`))
}

func TestPagesAreNewestFirstAndLoseNothing(t *testing.T) {
	w := start(t)
	for n := range 5 {
		w.vercel.AddProject(vercel.Project{Name: fmt.Sprintf("project-%d", n), Team: w.team})
	}
	var names []string
	for next := ""; ; {
		answer := w.call(200, "GET", "/v10/projects?limit=2"+next, "")
		for _, p := range answer["projects"].([]any) {
			names = append(names, p.(map[string]any)["name"].(string))
		}
		pages := answer["pagination"].(map[string]any)
		if pages["next"] == nil {
			break
		}
		next = fmt.Sprintf("&from=%.0f", pages["next"])
	}
	assert.Equal(t, []string{"project-4", "project-3", "project-2", "project-1", "project-0", "shop"}, names)
	assert.Equal(t, "bad_request: Invalid request: `limit` should be between 1 and 100.", w.refused(400, "GET", "/v10/projects?limit=101", ""))
}

func TestValuesAreReadBackAsTheirTypeAllows(t *testing.T) {
	for kind, c := range map[string]struct{ listed, decrypted any }{
		"plain":     {"value", "value"},
		"encrypted": {nil, "value"},
		"sensitive": {"", ""},
	} {
		t.Run(kind, func(t *testing.T) {
			w := start(t)
			id := w.variable(vercel.Variable{Key: "DB", Value: "value", Type: kind, Targets: []string{"production"}})
			first := func(query string) map[string]any {
				return w.call(200, "GET", "/v10/projects/shop/env"+query, "")["envs"].([]any)[0].(map[string]any)
			}
			if c.listed == nil {
				assert.NotContains(t, first("")["value"], "value")
				assert.Equal(t, false, first("")["decrypted"])
			} else {
				assert.Equal(t, c.listed, first("")["value"])
			}
			assert.Equal(t, c.decrypted, first("?decrypt=true")["value"])
			assert.Equal(t, c.decrypted, w.call(200, "GET", "/v1/projects/shop/env/"+id, "")["value"])
		})
	}
}

func TestWhatCannotBeCreated(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"nothing":                         {``, "bad_request: Invalid JSON"},
		"a variable without a value":      {`{"key":"A","type":"plain","target":["preview"]}`, "bad_request: Invalid request: missing required property `value`."},
		"a type of its own":               {`{"key":"A","value":"v","type":"secret","target":["preview"]}`, "bad_request: Invalid request: `type` should be equal to one of the allowed values \"system, encrypted, plain, sensitive\"."},
		"an environment of its own":       {`{"key":"A","value":"v","type":"plain","target":["staging"]}`, "bad_request: Invalid request: `target` should be unique values of \"production, preview, development\"."},
		"no environment":                  {`{"key":"A","value":"v","type":"plain","target":[]}`, "bad_request: Invalid request: `target` should NOT be empty."},
		"a custom one that is not":        {`{"key":"A","value":"v","type":"plain","customEnvironmentIds":["env_none"]}`, `bad_request: Custom environment "env_none" was not found in this project.`},
		"a branch in production":          {`{"key":"A","value":"v","type":"plain","target":["production"],"gitBranch":"main"}`, "bad_request: Invalid request: `gitBranch` can only be set when the target is preview."},
		"a sensitive one on machines":     {`{"key":"A","value":"v","type":"sensitive","target":["development"]}`, "bad_request: You cannot set a Sensitive Environment Variable's target to development."},
		"a name with a hyphen":            {`{"key":"A-B","value":"v","type":"plain","target":["preview"]}`, "bad_request: The name contains invalid characters. Only letters, digits, and underscores are allowed. Furthermore, the name should not start with a digit."},
		"a reserved name":                 {`{"key":"VERCEL_URL","value":"v","type":"plain","target":["preview"]}`, "RESERVED_ENV_VARIABLE: The name VERCEL_URL is reserved."},
		"a property that nobody knows":    {`{"key":"A","value":"v","type":"plain","target":["preview"],"colour":"red"}`, `bad_request: Invalid request: json: unknown field "colour".`},
		"what is there already":           {`{"key":"DB","value":"v","type":"plain","target":["production"]}`, "ENV_CONFLICT: Another variable with the name DB exists for the target production on branch undefined."},
		"what overlaps with what is":      {`{"key":"DB","value":"v","type":"plain","target":["development","preview"]}`, "ENV_CONFLICT: Another variable with the name DB exists for the target development, preview on branch undefined."},
		"a value of more than 64 KiB":     {`{"key":"A","value":"` + strings.Repeat("x", 65537) + `","type":"plain","target":["preview"]}`, "max_env_size_exceeded: The value is larger than 64 KB."},
		"the same environment twice":      {`{"key":"A","value":"v","type":"plain","target":["preview","preview"]}`, "bad_request: Invalid request: `target` should be unique values of \"production, preview, development\"."},
		"an upsert of other environments": {`{"key":"DB","value":"v","type":"plain","target":["production"]}`, "ENV_CONFLICT: Another variable with the name DB exists for the target production on branch undefined."},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.variable(vercel.Variable{Key: "DB", Value: "old", Targets: []string{"production", "preview"}})
			before := w.vercel.State()
			assert.Equal(t, c.want, w.refused(400, "POST", "/v10/projects/shop/env?upsert=true", c.body))
			assert.Equal(t, before, w.vercel.State())
		})
	}
}

func TestAKeyIsNamedByEnvironmentsAndBranch(t *testing.T) {
	w := start(t)
	staging := w.vercel.AddEnvironment(w.project, "staging")
	for _, body := range []string{
		`{"key":"DB","value":"1","type":"encrypted","target":["production"]}`,
		`{"key":"DB","value":"2","type":"encrypted","target":"preview"}`,
		`{"key":"DB","value":"3","type":"encrypted","target":["preview"],"gitBranch":"feature"}`,
		`{"key":"DB","value":"4","type":"encrypted","target":[],"customEnvironmentIds":["` + staging + `"]}`,
	} {
		w.call(201, "POST", "/v10/projects/shop/env", body)
	}
	assert.Len(t, w.shop().Variables, 4)
	assert.ElementsMatch(t, []string{"production", "preview", "staging"}, keys(w.shop().Environments))
}

func keys[V any](m map[string]V) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

func TestAnUpsertReplacesWhatHasTheSamePlaces(t *testing.T) {
	w := start(t)
	id := w.variable(vercel.Variable{Key: "DB", Value: "old", Targets: []string{"production", "preview"}})
	answer := w.call(201, "POST", "/v10/projects/shop/env?upsert=true", `{"key":"DB","value":"new","type":"encrypted","target":["preview","production"]}`)
	assert.Equal(t, id, answer["created"].(map[string]any)["id"])
	assert.Len(t, w.shop().Variables, 1)
}

func TestSeveralAtOnceAreMadeOneByOne(t *testing.T) {
	w := start(t)
	w.variable(vercel.Variable{Key: "DB", Value: "old", Targets: []string{"production"}})
	answer := w.call(201, "POST", "/v10/projects/shop/env", `[
		{"key":"DB","value":"v","type":"plain","target":["production"]}, {"key":"OTHER","value":"v","type":"plain","target":["production"]}]`)
	assert.Len(t, answer["created"], 1)
	failed := answer["failed"].([]any)
	require.Len(t, failed, 1)
	assert.Equal(t, "ENV_CONFLICT: Another variable with the name DB exists for the target production on branch undefined.", said(failed[0].(map[string]any)))
}

func TestATeamsPolicyMakesNewVariablesSensitive(t *testing.T) {
	w := start(t)
	w.team = w.vercel.AddTeam(vercel.Team{SensitivePolicy: true})
	w.vercel.AddProject(vercel.Project{Name: "safe", Team: w.team})
	w.call(201, "POST", "/v10/projects/safe/env", `[
		{"key":"A","value":"v","type":"encrypted","target":["production"]}, {"key":"B","value":"v","type":"encrypted","target":["development"]}]`)
	variables := w.vercel.State().Projects["safe"].Variables
	assert.Equal(t, []string{"sensitive", "encrypted"}, []string{variables[0].Type, variables[1].Type})
}

func TestAnEditKeepsWhatItDoesNotName(t *testing.T) {
	w := start(t)
	id := w.variable(vercel.Variable{Key: "DB", Value: "old", Type: "sensitive", Targets: []string{"production", "preview"}, Comment: "mine"})
	was := w.shop().Variables[0]
	w.call(200, "PATCH", "/v9/projects/shop/env/"+id, `{"target":["preview"]}`)
	now := w.shop().Variables[0]
	assert.Equal(t, []string{"preview"}, now.Environments)
	assert.Equal(t, was.SHA256, now.SHA256)
	assert.Equal(t, was.Comment, now.Comment)
	assert.True(t, now.Updated.After(was.Updated))
	w.call(200, "PATCH", "/v10/projects/shop/env/"+id, `{"value":"new"}`)
	assert.NotEqual(t, was.SHA256, w.shop().Variables[0].SHA256)
}

func TestEditsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"a sensitive one becomes readable":    {400, `{"type":"encrypted"}`, "bad_request: You cannot change the type of a Sensitive Environment Variable."},
		"a sensitive one gets another key":    {400, `{"key":"OTHER"}`, "bad_request: You cannot change the key of a Sensitive Environment Variable."},
		"a sensitive one goes to machines":    {400, `{"target":["development"]}`, "bad_request: You cannot set a Sensitive Environment Variable's target to development."},
		"it takes what another has":           {400, `{"target":["preview"]}`, "ENV_CONFLICT: Another variable with the name DB exists for the target preview on branch undefined."},
		"it has a property that nobody knows": {400, `{"secret":1}`, `bad_request: Invalid request: json: unknown field "secret".`},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			id := w.variable(vercel.Variable{Key: "DB", Value: "a", Type: "sensitive", Targets: []string{"production"}})
			w.variable(vercel.Variable{Key: "DB", Value: "b", Targets: []string{"preview"}})
			before := w.vercel.State()
			assert.Equal(t, c.want, w.refused(c.status, "PATCH", "/v9/projects/shop/env/"+id, c.body))
			assert.Equal(t, before, w.vercel.State())
		})
	}
}

func TestValuesReachTheDeploymentsMadeAfterwards(t *testing.T) {
	w := start(t)
	id := w.variable(vercel.Variable{Key: "DB", Value: "old", Targets: []string{"production"}})
	w.vercel.AddDeployment(w.project, vercel.Deployment{Environment: "production"})
	w.call(200, "PATCH", "/v9/projects/shop/env/"+id, `{"value":"new"}`)
	was, now := w.shop().Deployments[0].Values["DB"], w.shop().Environments["production"]["DB"]
	assert.NotEqual(t, was, now)
	w.vercel.AddDeployment(w.project, vercel.Deployment{Environment: "production"})
	assert.Equal(t, was, w.shop().Deployments[0].Values["DB"])
	assert.Equal(t, now, w.shop().Deployments[1].Values["DB"])
}

func TestARedeploymentTakesItsTime(t *testing.T) {
	for name, end := range map[string]struct{ state, reason string }{
		"and is ready":    {"READY", ""},
		"and fails":       {"ERROR", "Command \"npm run build\" exited with 1"},
		"and is canceled": {"CANCELED", "The deployment was canceled."},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			old := w.vercel.AddDeployment(w.project, vercel.Deployment{Environment: "production"})
			w.vercel.EndNext(w.project, end.state, "code", end.reason)
			made := w.call(200, "POST", "/v13/deployments?forceNew=1", `{"name":"shop","deploymentId":"`+old+`","target":"production","meta":{"action":"redeploy","by":"test"}}`)
			assert.Equal(t, "QUEUED", made["readyState"])
			id := made["id"].(string)
			w.clock.Advance(31 * time.Second)
			assert.Equal(t, "BUILDING", w.call(200, "GET", "/v13/deployments/"+id, "")["readyState"])
			w.clock.Advance(31 * time.Second)
			ended := w.call(200, "GET", "/v13/deployments/"+id, "")
			assert.Equal(t, end.state, ended["readyState"])
			if end.reason != "" {
				assert.Equal(t, end.reason, ended["errorMessage"])
			}
			listed := w.call(200, "GET", "/v7/deployments?projectId="+w.project+"&meta-by=test", "")["deployments"].([]any)
			require.Len(t, listed, 1)
			assert.Equal(t, id, listed[0].(map[string]any)["uid"])
		})
	}
}

func TestWhereARedeploymentGoes(t *testing.T) {
	for name, c := range map[string]struct{ body, query, want string }{
		"with a target, there":          {`"target":"production"`, "?forceNew=1", "production"},
		"without one, to preview":       {`"meta":{}`, "?forceNew=1", "preview"},
		"to a custom environment":       {`"customEnvironmentSlugOrId":"staging"`, "?forceNew=1", "staging"},
		"without force, nowhere at all": {`"target":"production"`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.vercel.AddEnvironment(w.project, "staging")
			old := w.vercel.AddDeployment(w.project, vercel.Deployment{Environment: "production"})
			w.call(200, "POST", "/v13/deployments"+c.query, `{"name":"shop","deploymentId":"`+old+`",`+c.body+`}`)
			all := w.shop().Deployments
			if c.want == "" {
				assert.Len(t, all, 1)
				return
			}
			require.Len(t, all, 2)
			assert.Equal(t, c.want, all[1].Environment)
			assert.Equal(t, old, all[1].Original)
			listed := w.call(200, "GET", "/v7/deployments?target="+c.want+"&state=QUEUED", "")["deployments"].([]any)
			assert.Len(t, listed, 1)
		})
	}
}

func TestRedeploymentsThatAreRefused(t *testing.T) {
	w := start(t)
	old := w.vercel.AddDeployment(w.project, vercel.Deployment{Environment: "production"})
	for body, want := range map[string]string{
		`{"deploymentId":"` + old + `"}`: "bad_request: Invalid request: missing required property `name`.",
		`{"name":"shop"}`:                "bad_request: Only redeployments are simulated: `deploymentId` must name one.",
		`{"name":"shop","deploymentId":"` + old + `","target":"preview"}`: "bad_request: Invalid request: `target` should be equal to one of the allowed values \"staging, production\".",
		`{"name":"shop","deploymentId":"` + old + `","colour":"red"}`:     `bad_request: Invalid request: json: unknown field "colour".`,
	} {
		assert.Equal(t, want, w.refused(400, "POST", "/v13/deployments?forceNew=1", body))
	}
	assert.Equal(t, "not_found: Deployment not found.", w.refused(404, "POST", "/v13/deployments?forceNew=1", `{"name":"shop","deploymentId":"dpl_none"}`))
	assert.Equal(t, "not_found: Deployment not found.", w.refused(404, "GET", "/v13/deployments/dpl_none", ""))
	assert.Len(t, w.shop().Deployments, 1)
}
