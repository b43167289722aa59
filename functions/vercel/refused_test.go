package vercel_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/vercel"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func TestWhatRefusesADelivery(t *testing.T) {
	const needsToken = "; the group's access token is expired or revoked: save the group with a new one"
	const otherToken = "; the group's access token may not do this in its team: save the group with a token that may"
	for name, c := range map[string]struct {
		arrange func(*world)
		class   rotation.Class
		want    string
	}{
		"no group": {func(w *world) { w.group.Applications = nil }, rotation.Permanent,
			"vercel: the application is in no group; add it to a group with a Vercel team and an access token"},
		"a group that is not active": {func(w *world) { w.group.Active = false }, rotation.Permanent,
			`vercel: the application is in the group "acme", which is not active; make the group active`},
		"a group without a token": {func(w *world) { w.group.Token = "" }, rotation.Permanent,
			`vercel: the application is in the group "acme", which has no access token; save the group with an access token of its Vercel team`},
		"a token that is revoked": {func(w *world) { w.vercel.RevokeToken(w.token) }, rotation.Denied,
			`vercel: list env of project "shop": 403 forbidden: Not authorized` + needsToken},
		"a token that is expired": {func(w *world) { w.token = w.vercel.AddToken(simulated.Token{Expires: w.clock.Now()}) }, rotation.Denied,
			`vercel: list env of project "shop": 403 forbidden: Not authorized` + needsToken},
		"a token for another team": {func(w *world) { w.token = w.vercel.AddToken(simulated.Token{Teams: []string{"team_other"}}) }, rotation.Denied,
			`vercel: list env of project "shop": 403 forbidden: Not authorized: Trying to access resource under scope "team_acme". ` +
				`You must re-authenticate to this scope or use a token with access to this scope.` + otherToken},
		"a token that may only read": {func(w *world) { w.token = w.vercel.AddToken(simulated.Token{ReadOnly: true}) }, rotation.Denied,
			`vercel: create env "DB": 403 forbidden: You don't have permission to change this resource.` + otherToken},
		"a team without the project": {func(w *world) {
			w.group.Team = w.vercel.AddTeam(simulated.Team{})
			w.token = w.vercel.AddToken(simulated.Token{})
		}, rotation.NotFound,
			`vercel: list env of project "shop": 404 not_found: Project not found.`},
		"a variable of Vercel's own": {func(w *world) {
			w.vercel.AddVariable(w.project, simulated.Variable{Key: "DB", Type: simulated.System, Targets: []string{"production"}})
		}, rotation.Permanent, `vercel: env "DB" holds a value that Vercel itself sets; choose another variable`},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			c.arrange(w)
			before := w.vercel.State()
			err := w.refused(w.delivery(in("production", "")))
			assert.EqualError(t, err, c.want)
			assert.Equal(t, c.class, rotation.ClassOf(err))
			assert.Equal(t, before, w.vercel.State())
		})
	}
}

func TestAnEnvironmentThatIsNotThere(t *testing.T) {
	w := start(t)
	err := w.refused(w.delivery(in("staging", "")))
	assert.EqualError(t, err, `vercel: project "shop" has no environment "staging"; choose one that it has, or make it there`)
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
}

func TestWhenToComeBack(t *testing.T) {
	began := time.Now()
	at := began.Add(90 * time.Second).UTC().Format(http.TimeFormat)
	for name, c := range map[string]struct {
		status int
		header string
		want   time.Duration
	}{
		"after seconds":                    {429, "7", 7 * time.Second},
		"after a fraction":                 {429, "1.5", 1500 * time.Millisecond},
		"at a time":                        {429, at, 90 * time.Second},
		"at a time that has passed":        {429, "Wed, 21 Oct 2015 07:28:00 GMT", 0},
		"whenever":                         {429, "", 0},
		"never mind what":                  {429, "soon", 0},
		"after a time that is none":        {429, "NaN", 0},
		"after seconds, when out of order": {503, "7", 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			fault := cloud.Fault{Host: host, Status: c.status}
			if c.header != "" {
				fault.Headers = map[string]string{"Retry-After": c.header}
			}
			w.misbehave(fault)
			err := w.refused(w.delivery(in("production", "")))
			assert.Equal(t, rotation.Throttled, rotation.ClassOf(err))
			after, passed := rotation.AfterOf(err), time.Since(began)
			assert.LessOrEqual(t, after, c.want)
			if c.header == at { // a date has whole seconds, and time goes on
				c.want -= passed + time.Second
			}
			assert.GreaterOrEqual(t, after, c.want)
		})
	}
}

func TestATokenFollowsNoRedirect(t *testing.T) {
	w := start(t)
	asked := false
	w.front.Handle("elsewhere.example", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	w.misbehave(cloud.Fault{Host: host, Status: 307, Headers: map[string]string{"Location": "https://elsewhere.example/"}})
	err := w.refused(w.delivery(in("production", "")))
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	assert.False(t, asked)
}

func TestACreationThatFailedIsNotConfirmed(t *testing.T) {
	w := start(t)
	w.misbehave(cloud.Fault{Host: host, Method: "POST", Status: 201, Body: json.RawMessage(
		`{"created":null,"failed":[{"error":{"code":"ENV_CONFLICT","message":"taken, not ` + value + `","value":"` + value + `"}}]}`)})
	err := w.refused(w.delivery(in("production", "")))
	assert.EqualError(t, err, `vercel: create env "DB": ENV_CONFLICT: taken, not [redacted]`)
	assert.Equal(t, rotation.Conflict, rotation.ClassOf(err))
}

func TestATeamIsCheckedWithItsToken(t *testing.T) {
	w := start(t)
	name, err := w.target.CheckTeam(t.Context(), "team_acme", secret.New(w.token))
	require.NoError(t, err)
	assert.Equal(t, "Acme", name)
	_, err = w.target.CheckTeam(t.Context(), "team_acme", secret.New("guessed-token"))
	assert.EqualError(t, err, `vercel: get team "team_acme": 403 forbidden: Not authorized; the group's access token is expired or revoked: save the group with a new one`)
	assert.NotContains(t, err.Error(), "guessed")
}

func TestCheck(t *testing.T) {
	w := start(t)
	id := w.variable("production", "development")
	w.vercel.AddVariable(w.project, simulated.Variable{Key: "DB", Value: old, Targets: []string{"preview"}, Branch: "feature"})
	before := w.vercel.State()
	notes, err := w.target.Check(t.Context(), w.app, w.row(rotation.Secret, in("production preview", "production")))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"the entry " + id + " also covers development: it keeps its value there, and the chosen environments get an entry of their own",
		"the entries of single Git branches (1) are left alone: their previews do not get the credential",
		"the value can be read back by whoever may read the project's variables; sensitive: true prevents that, outside development",
		"redeploying production may mean a downtime of 30 to 60 seconds; a maintenance window can hold it back",
		"preview is not redeployed: the old credential is kept until somebody deploys there",
	}, notes)
	assert.Equal(t, before, w.vercel.State(), "nothing is changed")

	notes, err = w.target.Check(t.Context(), w.app, w.row(rotation.Secret, `{"project":"shop","variable":"NEW","environments":["production"],"redeploy":["production"],"sensitive":true}`))
	require.NoError(t, err)
	assert.Equal(t, []string{"redeploying production may mean a downtime of 30 to 60 seconds; a maintenance window can hold it back"}, notes)
}

func TestCheckRefusesAProjectThatIsNotThere(t *testing.T) {
	w := start(t)
	_, err := w.target.Check(t.Context(), w.app, w.row(rotation.Secret, `{"project":"other","variable":"DB","environments":["production"]}`))
	assert.EqualError(t, err, `vercel: get project "other": 404 not_found: Project not found.; `+
		`choose a project of the team "team_acme", or put the application into the group of the project's team`)
	assert.Equal(t, rotation.NotFound, rotation.ClassOf(err))
}

func TestChoices(t *testing.T) {
	w := start(t)
	staging := w.vercel.AddEnvironment(w.project, "staging")
	w.variable("production")
	w.variable("preview")
	blog := w.vercel.AddProject(simulated.Project{Name: "blog", Team: "team_acme"})
	for setting, want := range map[string][]rotation.Choice{
		"team":     {{Value: "team_acme", Name: "Acme"}},
		"project":  {{Value: blog, Name: "blog"}, {Value: w.project, Name: "shop"}},
		"variable": {{Value: "DB", Name: "DB"}},
		"redeploy": {{Value: "production", Name: "Production"}, {Value: "preview", Name: "Preview"}, {Value: staging, Name: "staging"}},
		"environments": {
			{Value: "production", Name: "Production"}, {Value: "preview", Name: "Preview"},
			{Value: "development", Name: "Development"}, {Value: staging, Name: "staging"},
		},
	} {
		choices, err := w.target.Choices(t.Context(), setting, map[string]string{"appId": shopID, "project": w.project})
		require.NoError(t, err, setting)
		assert.Equal(t, want, choices, setting)
	}
}

func TestChoicesThatCannotBeOffered(t *testing.T) {
	w := start(t)
	for setting, c := range map[string]struct {
		chosen map[string]string
		want   rotation.Problem
	}{
		"colour":   {map[string]string{"appId": shopID}, rotation.Problem{Field: "setting", Detail: "must be team, project, variable, environments or redeploy"}},
		"project":  {nil, rotation.Problem{Field: "appId", Detail: "must be chosen first: the application's group says which team it is"}},
		"variable": {map[string]string{"appId": shopID}, rotation.Problem{Field: "project", Detail: "must be chosen first"}},
	} {
		_, err := w.target.Choices(t.Context(), setting, c.chosen)
		assert.Equal(t, c.want, err, setting)
	}
}

func TestEveryPageOfProjectsIsRead(t *testing.T) {
	w := start(t)
	for range 120 {
		w.vercel.AddProject(simulated.Project{Team: "team_acme"})
	}
	choices, err := w.target.Choices(t.Context(), "project", map[string]string{"appId": shopID})
	require.NoError(t, err)
	assert.Len(t, choices, 121)
}

var _ vercel.Groups = (*world)(nil)
