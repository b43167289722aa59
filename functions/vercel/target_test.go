package vercel_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/vercel"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func TestTheVariableHasTheValueInExactlyTheChosenEnvironments(t *testing.T) {
	type entry struct {
		kind, targets, branch string
		custom                bool
	}
	for name, c := range map[string]struct {
		before   []entry
		settings string
		after    []string
	}{
		"nothing there: created":            {nil, in("production preview", ""), []string{"production+preview encrypted new"}},
		"nothing there, and on machines":    {nil, in("development", ""), []string{"development encrypted new"}},
		"one entry: edited":                 {[]entry{{targets: "production"}}, in("production", ""), []string{"production encrypted new"}},
		"one entry in others: untouched":    {[]entry{{targets: "preview"}}, in("production", ""), []string{"preview encrypted old", "production encrypted new"}},
		"an entry in one of two: completed": {[]entry{{targets: "preview"}}, in("production preview", ""), []string{"preview encrypted new", "production encrypted new"}},
		"an entry that covers more: split": {[]entry{{targets: "production preview"}}, in("production", ""),
			[]string{"preview encrypted old", "production encrypted new"}},
		"a sensitive one that covers more: split unread": {[]entry{{kind: "sensitive", targets: "production preview"}}, in("production", ""),
			[]string{"preview sensitive old", "production sensitive new"}},
		"two that cover more: both split": {[]entry{{kind: "sensitive", targets: "production"}, {targets: "preview development"}}, in("production preview", ""),
			[]string{"production sensitive new", "development encrypted old", "preview encrypted new"}},
		"a sensitive one split beside machines": {[]entry{{kind: "sensitive", targets: "production preview"}}, in("production development", ""),
			[]string{"preview sensitive old", "development encrypted new", "production sensitive new"}},
		"a branch's entry: left alone": {[]entry{{targets: "preview", branch: "feature"}}, in("preview", ""),
			[]string{"preview encrypted old on feature", "preview encrypted new"}},
		"a plain one: encrypted": {[]entry{{kind: "plain", targets: "production"}}, in("production", ""), []string{"production encrypted new"}},
		"an encrypted one that is to be sensitive": {[]entry{{targets: "production"}},
			`{"project":"shop","variable":"DB","environments":["production"],"sensitive":true}`, []string{"production sensitive new"}},
		"a custom environment beside another: split": {[]entry{{targets: "preview", custom: true}}, in("staging", ""),
			[]string{"preview encrypted old", "staging encrypted new"}},
		"another beside a custom environment: split": {[]entry{{targets: "preview", custom: true}}, in("preview", ""),
			[]string{"staging encrypted old", "preview encrypted new"}},
		"a custom environment without an entry": {nil, in("staging production", ""), []string{"production+staging encrypted new"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			staging := w.vercel.AddEnvironment(w.project, "staging")
			for _, e := range c.before {
				v := simulated.Variable{Key: "DB", Value: old, Type: e.kind, Targets: strings.Fields(e.targets), Branch: e.branch}
				if e.custom {
					v.Environments = []string{staging}
				}
				w.vercel.AddVariable(w.project, v)
			}
			w.vercel.AddVariable(w.project, simulated.Variable{Key: "OTHER", Value: "other", Targets: []string{"production"}})
			others := w.shop().Variables[len(c.before)]
			d := w.delivery(c.settings)
			assert.True(t, w.deploy(&d).Confirmed, "nothing is deployed that could run with it")
			assert.Equal(t, c.after, slices.Delete(w.entries(), len(c.before), len(c.before)+1))
			assert.Equal(t, others, w.shop().Variables[len(c.before)], "another variable")
		})
	}
}

func TestARedeploymentIsBegunOnceAndWaitedFor(t *testing.T) {
	w := start(t)
	w.variable("production")
	first := w.deployment("production")
	d := w.delivery(in("production", "production"))

	began := w.deploy(&d)
	assert.False(t, began.Confirmed)
	assert.Equal(t, 5*time.Second, began.After)
	all := w.shop().Deployments
	require.Len(t, all, 2)
	assert.Equal(t, "production: redeployment "+all[1].ID+" is QUEUED", began.Waiting)
	assert.Equal(t, first, all[1].Original)
	assert.Equal(t, map[string]string{"action": "redeploy", "rekeyDelivery": d.Name}, all[1].Meta)

	w.clock.Advance(build / 2)
	assert.Equal(t, "production: redeployment "+all[1].ID+" is BUILDING", w.deploy(&d).Waiting)
	w.clock.Advance(build)
	assert.Equal(t, rotation.Outcome{Confirmed: true, Receipt: "DB in production, redeployed as " + all[1].ID}, w.deploy(&d))
	assert.Equal(t, "new", w.running("production"))
	assert.Len(t, w.shop().Deployments, 2)
}

func TestWhatADeliveryCosts(t *testing.T) {
	w := start(t)
	w.variable("production")
	w.deployment("production")
	d := w.delivery(in("production", "production"))
	w.deploy(&d)
	w.clock.Advance(2 * build)
	assert.True(t, w.deploy(&d).Confirmed)
	assert.Equal(t, map[string]int{
		"GET /v10/projects/{project}/env": 1, "PATCH /v9/projects/{project}/env/{id}": 1, "GET /v7/deployments": 1,
		"POST /v13/deployments": 1, "GET /v13/deployments/{id}": 2,
	}, w.calls())
}

func TestEveryChosenEnvironmentIsRedeployedThere(t *testing.T) {
	w := start(t)
	w.vercel.AddEnvironment(w.project, "staging")
	for _, environment := range []string{"production", "preview", "staging"} {
		w.deployment(environment)
	}
	d := w.delivery(in("production preview staging development", "preview production staging"))
	w.deploy(&d)
	w.clock.Advance(2 * build)
	assert.True(t, w.deploy(&d).Confirmed)
	for _, environment := range []string{"production", "preview", "staging"} {
		assert.Equal(t, "new", w.running(environment), environment)
	}
	assert.Len(t, w.shop().Deployments, 6)
}

func TestAnEnvironmentWithoutDeploymentsNeedsNone(t *testing.T) {
	w := start(t)
	w.deployment("preview")
	d := w.delivery(in("production", "production"))
	assert.True(t, w.deploy(&d).Confirmed)
	assert.Len(t, w.shop().Deployments, 1)
}

func TestARedeploymentThatFailsEndsTheDelivery(t *testing.T) {
	for state, code := range map[string]string{"ERROR": "BUILD_UTILS_SPAWN_1", "CANCELED": "canceled"} {
		t.Run(state, func(t *testing.T) {
			w := start(t)
			w.deployment("production")
			w.vercel.EndNext(w.project, state, code, "Command failed with DB="+value+" and "+w.token)
			d := w.delivery(in("production", "production"))
			w.deploy(&d)
			w.clock.Advance(2 * build)
			err := w.refused(d)
			id := w.shop().Deployments[1].ID
			assert.EqualError(t, err, `vercel: redeployment "`+id+`" in production ended as `+state+": "+code+
				": Command failed with DB=[redacted] and [redacted]; the variable has the new value; see to the build and resume the deployment")
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))

			resumed := w.delivery(in("production", "production"))
			resumed.Name += "-resumed"
			w.deploy(&resumed)
			w.clock.Advance(2 * build)
			assert.True(t, w.deploy(&resumed).Confirmed)
			assert.Equal(t, "new", w.running("production"))
		})
	}
}

func TestARedeploymentWhoseAnswerIsLostIsFoundAgain(t *testing.T) {
	w := start(t)
	w.variable("production")
	w.deployment("production")
	w.misbehave(cloud.Fault{Host: host, Method: "POST", Path: "/v13/deployments", Lose: true, Count: new(1)})
	d := w.delivery(in("production", "production"))
	err := w.refused(d)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	d.Tries++
	edited := w.shop().Variables[0].Updated
	w.deploy(&d)
	w.clock.Advance(2 * build)
	assert.True(t, w.deploy(&d).Confirmed)
	assert.Len(t, w.shop().Deployments, 2, "nothing is begun twice")
	assert.Equal(t, edited, w.shop().Variables[0].Updated, "and nothing is written twice")
}

func TestWithoutRedeploymentPeopleAreWaitedFor(t *testing.T) {
	w := start(t)
	w.variable("production", "preview")
	w.deployment("production")
	w.deployment("preview")
	d := w.delivery(in("production preview", ""))
	var pauses []time.Duration
	for range 6 {
		outcome := w.deploy(&d)
		assert.Equal(t, "production: no deployment is younger than the edit; deploy the project once; "+
			"preview: no deployment is younger than the edit; deploy the project once", outcome.Waiting)
		pauses = append(pauses, outcome.After)
	}
	assert.Equal(t, []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute}, pauses)

	w.deployment("production")
	assert.Equal(t, "preview: no deployment is younger than the edit; deploy the project once", w.deploy(&d).Waiting)
	building := w.vercel.AddDeployment(w.project, simulated.Deployment{Environment: "preview", BuildTime: build})
	outcome := w.deploy(&d)
	assert.Equal(t, "preview: deployment "+building+" is QUEUED", outcome.Waiting)
	assert.Equal(t, time.Minute, outcome.After)
	w.clock.Advance(2 * build)
	assert.Equal(t, rotation.Outcome{Confirmed: true, Receipt: "DB in production, preview"}, w.deploy(&d))
	assert.Equal(t, map[string]int{"PATCH /v9/projects/{project}/env/{id}": 1}, only(w.calls(), "PATCH /v9/projects/{project}/env/{id}"))
}

func TestWaitingForPeopleOutlastsErrors(t *testing.T) {
	w := start(t)
	staging := w.vercel.AddEnvironment(w.project, "staging")
	w.vercel.AddVariable(w.project, simulated.Variable{Key: "DB", Value: old, Environments: []string{staging}})
	w.deployment("staging")
	d := w.delivery(in("staging", ""))
	handle := w.deploy(&d).Handle
	for path, doing := range map[string]string{
		"/v9/projects/shop/custom-environments": `list the custom environments of project "shop"`,
		"/v7/deployments":                       "list the deployments of staging",
	} {
		w.misbehave(cloud.Fault{Host: host, Path: path, Status: 502})
		outcome := w.deploy(&d)
		assert.Equal(t, "nobody could be asked: vercel: "+doing+": 502 BadGateway: This answer was asked for with PUT /sim/faults.", outcome.Waiting)
		assert.Equal(t, handle, outcome.Handle)
	}
	w.misbehave(cloud.Fault{Host: host, Status: 403})
	assert.Equal(t, rotation.Denied, rotation.ClassOf(w.refused(d)), "but not what people have to see to")
	w.misbehave()
	w.deployment("staging")
	assert.True(t, w.deploy(&d).Confirmed)
}

// deaf makes a service forget the filters that it is asked for.
type deaf struct{ next http.RoundTripper }

func (d deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	query := r.URL.Query()
	for name := range query {
		if name == "target" || strings.HasPrefix(name, "meta-") {
			query.Del(name)
		}
	}
	r.URL.RawQuery = query.Encode()
	return d.next.RoundTrip(r)
}

func TestDeploymentsOfOthersAreNotTakenForOurs(t *testing.T) {
	w := start(t)
	w.target = vercel.New(vercel.Config{Groups: w, Transport: deaf{w.front.Client().Transport}, Now: w.clock.Now})
	w.vercel.AddEnvironment(w.project, "staging")
	want := map[string]string{}
	for _, environment := range []string{"production", "preview", "staging"} {
		want[w.deployment(environment)] = environment
	}
	d := w.delivery(in("production preview staging", "production preview staging"))
	d.Tries = 2
	w.deploy(&d)
	got := map[string]string{}
	for _, made := range w.shop().Deployments[3:] {
		got[made.Original] = made.Environment
	}
	assert.Equal(t, want, got, "each is redeployed where it was")
}

func only(counts map[string]int, call string) map[string]int {
	return map[string]int{call: counts[call]}
}

func TestABuildFromBeforeTheEditIsWaitedForFirst(t *testing.T) {
	w := start(t)
	w.variable("production")
	w.deployment("production")
	building := w.vercel.AddDeployment(w.project, simulated.Deployment{Environment: "production", BuildTime: build})
	d := w.delivery(in("production", "production"))
	assert.Equal(t, "production: deployment "+building+" was begun before the edit and is QUEUED", w.deploy(&d).Waiting)
	w.clock.Advance(2 * build)
	assert.Equal(t, "old", w.running("production"))
	w.deploy(&d)
	assert.Equal(t, building, w.shop().Deployments[2].Original, "the newest is redeployed, not what it replaced")
	w.clock.Advance(2 * build)
	assert.True(t, w.deploy(&d).Confirmed)
	assert.Equal(t, "new", w.running("production"))
}

func TestABuildThatFailedGivesWayToTheOneBefore(t *testing.T) {
	w := start(t)
	w.variable("production")
	before := w.deployment("production")
	w.vercel.AddDeployment(w.project, simulated.Deployment{Environment: "production", BuildTime: build, Ends: simulated.Errored})
	d := w.delivery(in("production", "production"))
	w.deploy(&d)
	w.clock.Advance(2 * build)
	w.deploy(&d)
	assert.Equal(t, before, w.shop().Deployments[2].Original)
}

func TestNothingIsConfirmedWhileAnOlderBuildCouldLandLast(t *testing.T) {
	w := start(t)
	w.variable("production")
	slow := w.vercel.AddDeployment(w.project, simulated.Deployment{Environment: "production", BuildTime: build})
	d := w.delivery(in("production", ""))
	w.deploy(&d)
	w.deployment("production")
	assert.Contains(t, w.deploy(&d).Waiting, slow)
	w.clock.Advance(2 * build)
	assert.True(t, w.deploy(&d).Confirmed)
}

func TestAnOlderDeliveryIsLetBe(t *testing.T) {
	w := start(t)
	d := w.delivery(in("production", "production"))
	d.Credential.Value = secret.Value{}
	require.NoError(t, w.target.Stop(t.Context(), d))
	assert.Empty(t, w.calls())
}

func TestAnEntryIsPutBackWhereTheNewOneIsRefused(t *testing.T) {
	for name, fault := range map[string]cloud.Fault{
		"by its status":         {Status: 400, Code: "bad_request"},
		"in a list of failures": {Status: 201, Body: []byte(`{"created":null,"failed":[{"error":{"code":"FORBIDDEN_NAME","message":"no ` + value + `"}}]}`)},
		"by a call too many":    {Status: 429},
		"because of a conflict": {Status: 400, Code: "ENV_CONFLICT"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			w.variable("production", "preview")
			fault.Host, fault.Method = host, "POST"
			w.misbehave(fault)
			err := w.refused(w.delivery(in("production", "")))
			assert.NotContains(t, err.Error(), value)
			assert.ElementsMatch(t, []string{"production", "preview"}, w.shop().Variables[0].Environments)
			assert.Equal(t, sha(old), w.shop().Variables[0].SHA256)
		})
	}
}

func TestTheNextTryMakesWhatIsMissing(t *testing.T) {
	w := start(t)
	w.variable("production", "preview")
	w.misbehave(cloud.Fault{Host: host, Method: "POST", Cut: true})
	d := w.delivery(in("production", ""))
	assert.Equal(t, rotation.Transient, rotation.ClassOf(w.refused(d)))
	w.misbehave()
	d.Tries++
	assert.True(t, w.deploy(&d).Confirmed)
	assert.Equal(t, []string{"preview encrypted old", "production encrypted new"}, w.entries())
}

func TestWhatTheVariableHolds(t *testing.T) {
	w := start(t)
	d := w.delivery(`{"project":"shop","variable":"DB","environments":["development"],"template":"id={{clientId}};tenant={{tenantId}};secret={{credential}}"}`)
	w.deploy(&d)
	assert.Equal(t, sha("id="+shopID+";tenant=tenant;secret="+value), w.shop().Variables[0].SHA256)
}

func TestACertificateIsDeliveredInItsFormat(t *testing.T) {
	begin := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	pair, err := certificate.New(certificate.Request{Name: "Shop", Bits: 2048, Start: begin, End: begin.AddDate(1, 0, 0)})
	require.NoError(t, err)
	pem, err := pair.PEM()
	require.NoError(t, err)
	for format, check := range map[string]func(*testing.T, string){
		"":    func(t *testing.T, held string) { assert.Equal(t, pem.Reveal(), held) },
		"pem": func(t *testing.T, held string) { assert.Equal(t, pem.Reveal(), held) },
		"cer": func(t *testing.T, held string) { assert.Equal(t, pair.CER(), held) },
		"pfx": func(t *testing.T, held string) {
			read, err := certificate.ParsePFX(secret.New(held), secret.Value{})
			require.NoError(t, err)
			assert.Equal(t, pair.Thumbprint(), read.Thumbprint())
			assert.True(t, pair.Key.Equal(read.Key))
		},
	} {
		t.Run("as "+format, func(t *testing.T) {
			w := start(t)
			settings := `{"project":"shop","variable":"DB","environments":["development"]}`
			if format != "" {
				settings = settings[:len(settings)-1] + `,"format":"` + format + `"}`
			}
			d := w.delivery(in("development", ""))
			d.Target, d.Credential.Value = w.row(rotation.Certificate, settings), pem
			for range 3 {
				assert.True(t, w.deploy(&d).Confirmed)
			}
			require.Len(t, w.shop().Variables, 1)
			check(t, w.readBack(w.shop().Variables[0].ID))
		})
	}
}
