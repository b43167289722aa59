package api_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const second = "22222222-aaaa-4111-8111-111111111111"

// apply puts a document.
func (w *world) apply(document string, headers ...string) answer {
	w.t.Helper()
	return w.applyWith("", document, headers...)
}

func (w *world) applyWith(query, document string, headers ...string) answer {
	w.t.Helper()
	return w.call("PUT", "/api/config"+query, document, append([]string{"Content-Type", "application/yaml"}, headers...)...)
}

// export gets the document.
func (w *world) exportConfig() string {
	w.t.Helper()
	a := w.call("GET", "/api/config", "")
	require.Equal(w.t, 200, a.status, a.body)
	return a.body
}

// applications is the section of the document.
func (w *world) applications() string {
	_, section, _ := strings.Cut(w.exportConfig(), "\napplications:")
	return "applications:" + section
}

// told are the changes of an answer, in words.
func (a answer) told(t testing.TB) (changes []string) {
	t.Helper()
	for _, c := range a.decoded(t)["changes"].([]any) {
		change := c.(map[string]any)
		words := fmt.Sprint(change["action"], " ", change["kind"], " ", change["id"], " ", change["target"], " line ", change["line"], " applied ", change["applied"])
		fields, _ := change["fields"].([]any)
		for _, f := range fields {
			field := f.(map[string]any)
			words += fmt.Sprint("; ", field["field"], ": ", field["old"], " -> ", field["new"])
		}
		changes = append(changes, strings.ReplaceAll(words, "<nil>", "-"))
	}
	return changes
}

// emptied is a world of the same kind with nothing in it.
func emptied(t testing.TB) *world {
	return newWorld(t, func(c *api.Config) {
		c.Engine.Tokens = &tokens{kept: map[string]string{}}
		c.Integrations["vercel"] = &vercel{}
	})
}

func TestWhatWasExportedMakesTheSameElsewhere(t *testing.T) {
	exported := configured(t).exportConfig()
	w := emptied(t)
	a := w.apply(exported)
	require.Equal(t, 200, a.status, a.body)
	assert.Equal(t, []string{
		"create groups acme - line 9 applied true", "create tasks deliver - line 16 applied true",
		"create applications " + appID + " - line 30 applied true", "create applications " + appID + " careful line 38 applied true",
		"create applications " + appID + " vault line 49 applied true",
	}, a.told(t))
	assert.Equal(t, strings.Replace(exported, "    hasToken: true\n", "", 1), w.exportConfig())
	assert.Equal(t, []any{map[string]any{"kind": "groups", "id": "acme", "note": "it has no access token, so nothing is delivered through it: save the group with PUT /api/groups/acme, with its access token"}},
		a.decoded(t)["notes"])
	assert.NotContains(t, a.body, "problem")
	assert.Contains(t, a.body, `"access":{"granted":"Key Vault Secrets Officer"}`)
}

func TestApplyingTwiceChangesNothing(t *testing.T) {
	w := configured(t)
	exported, before := w.exportConfig(), w.everything()
	for range 2 {
		a := w.applyWith("?prune=true", exported)
		require.Equal(t, 200, a.status, a.body)
		assert.Empty(t, a.told(t))
		assert.Equal(t, 6.0, a.decoded(t)["unchanged"])
		assert.Equal(t, before, w.everything(), "no row, no line of the log, no grant")
	}
	inJSON := w.call("GET", "/api/config", "", "Accept", "application/json").body
	a := w.call("PUT", "/api/config", inJSON)
	require.Equal(t, 200, a.status, a.body)
	assert.Empty(t, a.told(t))
	assert.Equal(t, before, w.everything())
}

func TestADryRunTellsAndChangesNothing(t *testing.T) {
	w := configured(t)
	changed := strings.NewReplacer(
		"lifetimeDays: 30", "lifetimeDays: 40", "  paused: false", "  paused: true", "vault: v\n", "vault: w\n", "name: Acme", "name: Acme Ltd",
		"enabled: false", "enabled: true").Replace(w.exportConfig()) + "  " + second + ":\n    paused: true\n    policies: {secret: {enabled: false}}\n"
	before := w.everything()
	a := w.applyWith("?dryRun=true", changed)
	require.Equal(t, 200, a.status, a.body)
	assert.Equal(t, []string{
		"update settings - - line 5 applied false; paused: false -> true",
		"update groups acme - line 9 applied false; name: Acme -> Acme Ltd",
		"update applications " + appID + " - line 30 applied false; policies.secret.lifetimeDays: 30 -> 40",
		"update applications " + appID + " careful line 38 applied false; enabled: false -> -",
		"update applications " + appID + " vault line 49 applied false; settings.vault: v -> w",
		"create applications " + second + " - line 61 applied false",
	}, a.told(t))
	assert.Equal(t, before, w.everything())

	a = w.apply(changed)
	require.Equal(t, 200, a.status, a.body)
	assert.Len(t, a.told(t), 6)
	assert.Empty(t, w.applyWith("?dryRun=true", changed).told(t))
	paused, _, err := w.Application(t.Context(), second)
	require.NoError(t, err)
	assert.True(t, paused.Paused)
}

func TestAnApplicationIsPausedAndResumed(t *testing.T) {
	w := configured(t)
	running := w.exportConfig()
	paused := strings.Replace(running, "    policies:\n      certificate", "    paused: true\n    policies:\n      certificate", 1)
	require.NotEqual(t, running, paused)
	for _, document := range []string{paused, running} {
		a := w.apply(document)
		require.Equal(t, 200, a.status, a.body)
		require.Len(t, a.told(t), 1)
		assert.Equal(t, document, w.exportConfig())
	}
}

func TestWhatIsLeftOutIsLeftAloneOrPruned(t *testing.T) {
	w := configured(t)
	w.must(201, "PUT", "/api/applications/"+second, managed)
	rest := "applications:\n  " + appID + ":\n    policies: {secret: {}}\n    targets:\n      vault: {integration: place, kind: secret, settings: {vault: v}}\n"
	require.Equal(t, 200, w.apply(rest).status)
	assert.Contains(t, w.exportConfig(), "careful:")
	assert.Contains(t, w.exportConfig(), second)

	a := w.applyWith("?prune=true&dryRun=true", rest)
	assert.Equal(t, []string{
		"delete applications " + appID + " careful line - applied false", "delete applications " + second + " - line - applied false",
	}, a.told(t))
	a = w.applyWith("?prune=true", rest)
	require.Equal(t, 200, a.status, a.body)
	assert.Equal(t, "applications:\n  "+appID+": # Shop\n    policies:\n      secret: {}\n    targets:\n      vault:\n        integration: place\n        kind: secret\n        settings:\n          name: Shop\n          vault: v\n",
		w.applications())
	assert.Contains(t, w.exportConfig(), "acme:", "a section that is not there says nothing")
	assert.Zero(t, w.graph.writes, "credentials stay")

	a = w.applyWith("?prune=true", "groups: {}\ntasks:\napplications: {}\n")
	require.Equal(t, 200, a.status, a.body)
	assert.Equal(t, []string{
		"delete applications " + appID + " - line - applied true", "delete tasks deliver - line - applied true", "delete groups acme - line - applied true",
	}, a.told(t))
	assert.Contains(t, w.exportConfig(), "\ngroups: {}\ntasks: {}\nnotifications: {}\napplications: {}\n")
}

func TestADocumentThatWasOvertakenIsRefused(t *testing.T) {
	w := configured(t)
	etag := w.call("GET", "/api/config", "").header.Get("ETag")
	document := strings.Replace(w.exportConfig(), "lifetimeDays: 30", "lifetimeDays: 40", 1)
	require.Equal(t, 200, w.applyWith("?dryRun=true", document, "If-Match", etag).status)
	w.must(200, "POST", appPath+"/pause", "")
	before := w.everything()
	a := w.apply(document, "If-Match", etag)
	assert.Equal(t, 412, a.status, a.body)
	assert.Equal(t, before, w.everything())
}

func TestWhatIsWrongIsToldWithItsLine(t *testing.T) {
	const application = "applications:\n  " + appID + ":\n    policies: {secret: {}}\n"
	for name, c := range map[string]struct {
		document string
		want     []string
	}{
		"no YAML":                   {"a: [1", []string{"1: : is not YAML: did not find expected ',' or ']'"}},
		"a tab":                     {"groups:\n\tacme: {}\n", []string{"2: : is not YAML: found character that cannot start any token"}},
		"two documents":             {"version: 1\n---\nversion: 1\n", []string{"2: : must be one document: another begins here"}},
		"a list":                    {"- 1\n", []string{"1: : must be an object"}},
		"an unknown section":        {"version: 1\ngroup: {}\n", []string{"2: group: is not a field here; the fields are in /api/config/schema.json"}},
		"another version":           {"version: 2\n", []string{"1: version: must be at most 1"}},
		"a section that is a list":  {"groups: []\n", []string{"1: groups: must be an object"}},
		"a section that is twice":   {"groups: {}\ntasks: {}\ngroups: {}\n", []string{"3: groups: is there twice: first in line 1"}},
		"an application twice":      {application + "  " + strings.ToUpper(appID) + ":\n    policies: {}\n", []string{"4: applications." + appID + ": is there twice: first in line 2"}},
		"a field twice":             {"groups:\n  acme:\n    name: a\n    team: team_a\n    name: b\n", []string{"5: groups.acme.name: is there twice: first in line 3"}},
		"an alias that repeats":     {bomb(), []string{"2: tasks.big: must have 20000 values at most, aliases followed, nested 50 deep at most"}},
		"an alias of itself":        {"groups:\n  acme: &a\n    name: *a\n    team: team_a\n", []string{"2: groups.acme: must have 20000 values at most, aliases followed, nested 50 deep at most"}},
		"a merge":                   {"groups:\n  acme:\n    <<: {name: a}\n    name: a\n    team: team_a\n", []string{"3: groups.acme: must not have merge keys (<<): name every field"}},
		"a tag":                     {"groups:\n  acme:\n    name: !!binary YQ==\n    team: team_a\n", []string{"3: groups.acme.name: must not have the tag !!binary"}},
		"an id that is none":        {"applications:\n  shop:\n    policies: {}\n", []string{"2: applications.shop: the id must be the application's client id, a GUID"}},
		"a target id that is none":  {application + "    targets:\n      A B: {integration: place, kind: secret}\n", []string{"5: applications." + appID + ".targets.A B: must be 1 to 63 lower-case letters, digits and single hyphens between them"}},
		"a field that is missing":   {"groups:\n  acme:\n    team: team_a\n", []string{"2: groups.acme.name: must be there"}},
		"a field that is unknown":   {"groups:\n  acme:\n    name: a\n    team: team_a\n    accessToken: x\n", []string{"5: groups.acme.accessToken: is not a field here; the fields are in /api/config/schema.json"}},
		"another type":              {"groups:\n  acme:\n    name: 7\n    active: on\n    team: team_a\n", []string{"3: groups.acme.name: must be a text", "4: groups.acme.active: must be true or false"}},
		"a policy out of its range": {"applications:\n  " + appID + ":\n    policies:\n      secret:\n        thresholdHours: 2\n        lifetimeDays: 365\n", []string{"6: applications." + appID + ".policies.secret.lifetimeDays: must be from 24 hours to 90 days, not 365 days"}},
		"a window that is none":     {application + "    windows:\n      - from: 22:00\n        to: late\n        timeZone: UTC\n", []string{`6: applications.` + appID + `.windows[0].to: must be a time of day from "00:00" to "23:59", not "late"`}},
		"settings that are wrong":   {application + "    targets:\n      vault:\n        integration: place\n        kind: secret\n        settings: {vault: ''}\n", []string{"8: applications." + appID + ".targets.vault.settings.vault: must be the name of a vault"}},
		"no such integration":       {application + "    targets:\n      vault: {integration: floppy, kind: secret}\n", []string{"5: applications." + appID + ".targets.vault.integration: must be one of careful, place, plain, vercel"}},
		"a target that is refused":  {application + "    targets:\n      c: {integration: careful, kind: secret}\n", []string{"5: applications." + appID + ".targets.c.settings: there is no such place; make it"}},
		"an unknown application":    {"applications:\n  " + unknown + ":\n    policies: {}\n", []string{"2: applications." + unknown + `: the tenant has no app registration with client id "` + unknown + `"; give the client id, not the object id`}},
		"rekey itself":              {"applications:\n  " + ownID + ":\n    policies: {}\n", []string{"2: applications." + ownID + `: "` + ownID + `" is the identity that rekey itself runs as; rotating it would lock rekey out`}},
		"a task that does nothing":  {"tasks:\n  deliver:\n    name: Deliver\n    steps:\n      - name: a\n", []string{"5: tasks.deliver.steps[0]: must have exactly one of runCommand, runbook and powershell"}},
		"mistakes everywhere":       {"groups:\n  acme: {team: 1}\ntasks:\n  a: {}\napplications:\n  x: {}\n", []string{"2: groups.acme.name: must be there", "2: groups.acme.team: must be a text", "4: tasks.a.name: must be there", "4: tasks.a.steps: must be there", "6: applications.x: the id must be the application's client id, a GUID", "6: applications.x.policies: must be there"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := emptied(t)
			w.careful.fail = &rotation.Fault{Class: rotation.NotFound, Err: errors.New("there is no such place"), Remedy: "make it"}
			before := w.everything()
			a := w.applyWith("?prune=true", c.document)
			require.Equal(t, 422, a.status, a.body)
			assert.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
			var got []string
			for _, e := range a.decoded(t)["errors"].([]any) {
				e := e.(map[string]any)
				location, inBody := strings.CutPrefix(e["location"].(string), "body")
				assert.True(t, inBody)
				got = append(got, fmt.Sprint(e["line"], ": ", strings.TrimPrefix(location, "."), ": ", e["message"]))
			}
			assert.Equal(t, c.want, got)
			assert.Equal(t, before, w.everything())
		})
	}
}

// bomb is a text that aliases make a billion times as large.
func bomb() string {
	text := "tasks:\n  big:\n    x0: &a0 x\n"
	for i := range 9 {
		text += fmt.Sprintf("    x%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", "))
	}
	return text
}

func TestAStoreThatFailsInTheMiddle(t *testing.T) {
	exported := configured(t).exportConfig()
	w := emptied(t)
	a := w.applyWith("?dryRun=true", exported)
	require.Equal(t, 200, a.status)
	w.store.writes = 5
	a = w.apply(exported)
	require.Equal(t, 503, a.status, a.body)
	assert.Equal(t, "10", a.header.Get("Retry-After"))
	assert.Contains(t, a.decoded(t)["detail"], "2 of 5 changes were made; apply the document again to go on: rekey's store is out of reach")
	assert.Equal(t, []string{
		"create groups acme - line 9 applied true", "create tasks deliver - line 16 applied true",
		"create applications " + appID + " - line 30 applied false", "create applications " + appID + " careful line 38 applied false",
		"create applications " + appID + " vault line 49 applied false",
	}, a.told(t))

	w.store.writes = 0
	a = w.apply(exported)
	require.Equal(t, 200, a.status, a.body)
	assert.Len(t, a.told(t), 3, "what was done is done")
	assert.Equal(t, strings.Replace(exported, "    hasToken: true\n", "", 1), w.exportConfig())
}

// The address of a notification is no part of the document: one that needs it has to be
// there before, and keeps it.
func TestANotificationKeepsItsAddress(t *testing.T) {
	w := newWorld(t)
	const document = "notifications:\n  ops:\n    name: Ops\n    channel: slack\n    events: [failed]\n"
	a := w.apply(document)
	require.Equal(t, 422, a.status, a.body)
	assert.Contains(t, a.body, "PUT /api/notifications/ops first, with its url, which no document holds")
	assert.Contains(t, a.body, `"line":4`)

	w.must(201, "PUT", "/api/notifications/ops", `{"name":"Ops","channel":"slack","events":["rotated"],"url":"`+hookURL+`"}`)
	a = w.apply(document)
	require.Equal(t, 200, a.status, a.body)
	assert.Equal(t, []string{"update notifications ops - line 2 applied true; events: [rotated] -> [failed]"}, a.told(t))
	assert.Equal(t, true, w.must(200, "GET", "/api/notifications/ops", "")["hasUrl"])
	a = w.applyWith("?prune=true", "notifications: {}\n")
	assert.Equal(t, []string{"delete notifications ops - line - applied true"}, a.told(t))
}

func TestSomebodyElseIsFaster(t *testing.T) {
	w := configured(t)
	document := strings.Replace(w.exportConfig(), "name: Acme", "name: Acme Ltd", 1)
	w.store.busy = true
	a := w.apply(document)
	require.Equal(t, 409, a.status, a.body)
	assert.Equal(t, "0 of 1 changes were made; apply the document again to go on: somebody else changed it at the same time", a.decoded(t)["detail"])
	w.store.busy = false
	assert.Len(t, w.apply(document).told(t), 1)
}

func TestWhatCannotBeAskedIsForLater(t *testing.T) {
	w := emptied(t)
	w.graph.fail = &rotation.Fault{Class: rotation.Throttled, After: 10 * time.Minute, Err: errors.New("graph: too many requests")}
	before := w.everything()
	a := w.apply("applications:\n  " + appID + ":\n    policies: {}\n")
	assert.Equal(t, 503, a.status, a.body)
	assert.Equal(t, "10", a.header.Get("Retry-After"))
	a = w.apply("applications:\n  " + appID + ":\n    policies: {}\n  " + second + ":\n    windows: 1\n")
	assert.Equal(t, 422, a.status, a.body)
	assert.Equal(t, before, w.everything())
}

func TestWhatIsPutOffIsAskedAgain(t *testing.T) {
	w := emptied(t)
	w.graph.fail = &rotation.Fault{Class: rotation.Throttled, After: time.Millisecond, Err: errors.New("graph: too many requests")}
	w.graph.failures = 1
	a := w.apply("applications:\n  " + appID + ":\n    policies: {}\n")
	assert.Equal(t, 200, a.status, a.body)
}

func TestWhatIsNeededIsNotPruned(t *testing.T) {
	w := configured(t)
	w.must(201, "PUT", appPath+"/targets/web", `{"integration":"vercel","kind":"secret","settings":{}}`)
	rest := w.applications()
	before := w.everything()
	a := w.applyWith("?prune=true", "groups: {}\n"+rest)
	require.Equal(t, 422, a.status, a.body)
	assert.Contains(t, a.body, "body.groups.acme: it would be deleted, for it is not in the document, but applications."+appID+".targets.web needs it")
	a = w.applyWith("?prune=true", "groups: {}\n")
	require.Equal(t, 422, a.status, a.body)
	assert.Contains(t, a.body, `group \"acme\" is used by `+appID+`/web`)
	assert.Equal(t, before, w.everything())
}

func TestOtherFormsAreRefused(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, 415, w.call("PUT", "/api/config", "a", "Content-Type", "text/plain").status)
	a := w.apply(strings.Repeat("# a comment\n", 1<<20))
	assert.Equal(t, 413, a.status)
	assert.Contains(t, a.body, "the body is larger than 8 MiB")
	assert.Equal(t, 422, w.applyWith("?dry=true", "version: 1").status)
}

func TestTheStoreIsAwayBeforeAnythingIsDone(t *testing.T) {
	w := configured(t)
	exported := w.exportConfig()
	w.store.down = true
	for _, a := range []answer{w.apply(exported), w.call("GET", "/api/config", "")} {
		assert.Equal(t, 503, a.status, a.body)
	}
}
