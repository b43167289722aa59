package cli_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEachCommandAsksForItsOwn holds what every command sends, also where the
// installation may be of a version that knows it not yet.
func TestEachCommandAsksForItsOwn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "document.yaml")
	require.NoError(t, os.WriteFile(file, []byte("name: x # of mine\nactive: true\n"), 0o600))
	const (
		app      = "/api/applications/" + appID
		id       = appID + ".secret.3"
		rotation = "/api/rotations/" + id
		thing    = ` {"active":true,"name":"x"}`
		text     = " name: x # of mine\nactive: true\n"
	)
	for want, args := range map[string][]string{
		"GET /api/applications":                {"apps"},
		"GET /api/applications?limit=5":        {"apps", "list", "--limit", "5"},
		"GET " + app:                           {"apps", "show", appID},
		"PUT " + app + thing:                   {"apps", "set", appID, "-f", file},
		"DELETE " + app:                        {"apps", "delete", appID},
		"POST " + app + "/pause":               {"apps", "pause", appID},
		"POST /api/resume":                     {"apps", "resume", "--all"},
		"POST " + app + `/adopt {"keyId":"k"}`: {"apps", "adopt", appID, "k"},
		"PUT " + app + "/targets/t" + thing:    {"targets", "set", appID, "t", "-f", file},
		"DELETE " + app + "/targets/t":         {"targets", "delete", appID, "t"},
		"POST " + app + "/targets/t/check":     {"targets", "check", appID, "t"},
		"GET /api/integrations/devops/choices?organization=a%26b&setting=project":        {"choices", "devops", "project", "organization=a&b"},
		"POST " + app + `/rotations {"kind":"secret","emergency":true,"revokeNow":true}`: {"rotate", appID, "--kind", "secret", "--emergency", "--revoke-now"},
		"POST " + app + `/rotations?dryRun=true {"kind":"certificate"}`:                  {"plan", appID, "--kind", "certificate"},
		"POST " + app + `/rollback {"kind":"secret"}`:                                    {"rollback", appID, "--kind", "secret"},
		"POST " + rotation + "/cancel":                                                   {"cancel", id},
		"POST /api/deployments/" + id + "/t/resume":                                      {"resume", id, "t"},
		"GET " + rotation:               {"status", id},
		"GET /api/applications?limit=7": {"status", "--limit", "7"},
		"GET /api/log?limit=100":        {"log"},
		"GET " + app + "/log?actor=a&correlation=c&failure=true&from=2026-03-01T10%3A00%3A00Z&limit=9&rotation=r&target=t&what=w": {
			"log", appID, "--failures", "--since", "2h", "--limit", "9", "--rotation", "r", "--target", "t", "--what", "w", "--actor", "a", "--correlation", "c"},
		"GET /api/doctor":              {"doctor"},
		"GET /api/doctor?app=" + appID: {"doctor", appID},
		"GET /api/inventory?expired=true&expiresWithin=30d&kind=secret&managed=false&name=n&owner=o": {
			"inventory", "--expires-within", "30d", "--managed", "false", "--owner", "o", "--kind", "secret", "--name", "n", "--expired"},
		"GET /api/advice":       {"advice"},
		"GET /api/dependencies": {"dependencies"},
		"GET /api/dependencies?app=" + appID + "&format=mermaid&limit=1000": {"dependencies", "--format", "mermaid", "--app", appID},
		"GET /api/config":                               {"export"},
		"PUT /api/config" + text:                        {"apply", "-f", file},
		"PUT /api/config?dryRun=true&prune=true" + text: {"apply", "-f", file, "--dry-run", "--prune"},
		"GET /api/notifications":                        {"notifications"},
		"PUT /api/notifications/n" + thing:              {"notifications", "set", "n", "-f", file},
		"POST /api/notifications/n/test":                {"notifications", "test", "n"},
		"GET /api/groups/g":                             {"groups", "show", "g"},
		"DELETE /api/tasks/t":                           {"tasks", "delete", "t"},
		"GET /api/keys":                                 {"keys", "list"},
		"DELETE /api/keys/k":                            {"keys", "revoke", "k"},
		`POST /api/keys {"applications":["` + appID + `"],"expires":"2026-03-31T12:00:00Z","name":"ci","role":"operator"}`: {
			"keys", "create", "ci", "--role", "operator", "--app", appID, "--expires-in", "30d"},
		"GET /api/deadletters?entity=rotated.vercel":        {"deadletters", "--entity", "rotated.vercel"},
		"GET /api/deadletters/rotated.vercel/7":             {"deadletters", "show", "rotated.vercel", "7"},
		"POST /api/deadletters/rotation-requests/7/replay":  {"deadletters", "replay", "rotation-requests", "7"},
		"POST /api/deadletters/rotation-requests/7/discard": {"deadletters", "discard", "rotation-requests", "7"},
		"GET /api/health": {"version"},
	} {
		t.Run(want, func(t *testing.T) {
			var got []string
			around := before(t, func(w http.ResponseWriter, r *http.Request) {
				request := r.Method + " " + r.RequestURI
				if body := readAll(t, r.Body); body != "" {
					request += " " + body
				}
				got = append(got, request)
				_, _ = io.WriteString(w, `{"items":[],"next":null,"ok":true}`)
			})
			r := run(t, around, args...)
			assert.Equal(t, 0, r.code, r.err)
			assert.Equal(t, []string{want}, got)
		})
	}
}

func TestWhatReplacesSaysWhatItReplaces(t *testing.T) {
	var got http.Header
	around := before(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		_, _ = io.WriteString(w, `{}`)
	})
	for want, args := range map[string][]string{
		`If-Match "1"`:                  {"apps", "delete", appID, "--if-match", `"1"`},
		`If-None-Match *`:               {"apps", "set", appID, "--kind", "secret"},
		"Content-Type application/json": {"groups", "set", "g", "-f", "-"},
		"Content-Type application/yaml": {"apply", "-f", "-"},
		"Accept application/yaml":       {"export"},
		"Accept application/json":       {"export", "-o", "json"},
	} {
		run(t, around, args...)
		name, value := "", ""
		_, _ = fmt.Sscan(want, &name, &value)
		assert.Equal(t, value, got.Get(name), want)
	}
	run(t, around, "rotate", appID, "--kind", "secret")
	assert.NotEmpty(t, got.Get("Idempotency-Key"))
}

func TestAnExportIsTheDocumentItself(t *testing.T) {
	const document = "# everything\napplications: {}\n"
	assert.Equal(t, document, run(t, answering(t, 200, document), "export").out)
	assert.Equal(t, "a,b\r\n1,2\r\n", run(t, answering(t, 200, "a,b\r\n1,2\r\n"), "dependencies", "--format", "csv").out)
}

func TestANewKeyIsShownOnce(t *testing.T) {
	r := run(t, answering(t, 201, `{"id":"k1","key":"rk_1","role":"reader","expires":"2026-05-30T12:00:00Z"}`), "keys", "create", "ci")
	assert.Equal(t, result{0, "Key:      rk_1\nId:       k1\nRole:     reader\nExpires:  2026-05-30 12:00 (in 90d)\n", "This is the only time that the key is shown.\n"}, r)
}

const planned = `{"rotation":"r.1","inFlight":false,"refusals":%s,"dueAt":"2026-03-21T12:00:00Z","steps":[
	{"step":"create","at":"2026-03-01T12:00:00Z","what":"a new secret is created","keyId":"{keyId}","calls":[{"service":"Microsoft Graph","method":"POST","path":"/applications/{id}/addPassword"}]},
	{"step":"deliver","at":"2026-03-01T12:00:10Z","target":"shop","what":"keyvault brings it to the target","calls":[]%s}],
	"kept":[{"keyId":"k","name":"by hand","why":"rekey did not make it"}]}`

func TestAPlanSaysWhatWouldBeRefused(t *testing.T) {
	r := run(t, answering(t, 200, fmt.Sprintf(planned, "[]", "")), "plan", appID, "--kind", "secret")
	assert.Equal(t, result{0, lines(`
		Rotation:   r.1
		Due again:  2026-03-21 12:00 (in 20d)

		STEPS
		AT THE EARLIEST            STEP     TARGET  KEY ID   WHAT
		2026-03-01 12:00 (now)     create           {keyId}  a new secret is created
		2026-03-01 12:00 (in 10s)  deliver  shop             keyvault brings it to the target

		CALLS
		STEP    SERVICE          METHOD  PATH
		create  Microsoft Graph  POST    /applications/{id}/addPassword

		KEPT
		KEY ID  NAME     BECAUSE
		k       by hand  rekey did not make it
		`), ""}, r)
	for name, body := range map[string]string{
		"as a whole": fmt.Sprintf(planned, `["it is paused"]`, ""),
		"at a step":  fmt.Sprintf(planned, "[]", `,"refusal":"the vault says no"`),
	} {
		r := run(t, answering(t, 200, body), "plan", appID, "--kind", "secret")
		assert.Equal(t, 3, r.code, name)
		assert.Equal(t, "rekey: it would be refused, or would fail\n", r.err, name)
	}
}

func TestTheDoctorsFindingsAreAFailure(t *testing.T) {
	r := run(t, answering(t, 200, `{"ok":false,"checks":[{"check":"identity","what":"the identity may do what it must","findings":[]},
		{"check":"staging","what":"the staging vault takes a secret","findings":[{"check":"staging","severity":"error","finding":"it is closed","remedy":"open it","since":"2026-02-27T12:00:00Z"}]}],
		"applications":{"items":[{"check":"owner","appId":"a","severity":"warning","finding":"nobody owns it","remedy":"make somebody an owner","since":"2026-03-01T11:00:00Z"}]}}`), "doctor")
	assert.Equal(t, 1, r.code)
	assert.Equal(t, "rekey: something is wrong\n", r.err)
	assert.Contains(t, r.out, "staging   1 found  the staging vault takes a secret\n")
	assert.Contains(t, r.out, "error     staging               2026-02-27 12:00 (2d ago)  it is closed    open it\n")
	assert.Contains(t, r.out, "warning   owner    a            2026-03-01 11:00 (1h ago)  nobody owns it  make somebody an owner\n")
}

func TestWhatWasChangedIsShownAlsoWhenItStopped(t *testing.T) {
	const changes = `"changes":[{"kind":"applications","id":"a","action":"update","line":4,"applied":true,"fields":[{"field":"paused","old":false,"new":true}]},
		{"kind":"groups","id":"g","action":"create","line":9,"applied":false,"problem":"the team is not known"}]`
	const shown = "ACTION  KIND          ID  LINE  DONE  FIELDS  PROBLEM\nupdate  applications  a   4     yes   paused\ncreate  groups        g   9     no            the team is not known\n"
	for status, code := range map[int]int{200: 0, 409: 3} {
		around := answering(t, status, `{"detail":"it stopped","dryRun":false,`+changes+`}`)
		around.In = strings.NewReader("applications: {}")
		r := run(t, around, "apply", "-f", "-")
		assert.Equal(t, code, r.code)
		assert.Equal(t, shown, r.out)
	}
}

func TestDependenciesAreALineEach(t *testing.T) {
	r := run(t, answering(t, 200, `{"items":[{"appId":"a","name":"Shop","targets":[{"target":"t","kind":"secret","integration":"keyvault","enabled":true,"placeKind":"Key Vault","place":"v"}]}],"next":null,"places":[]}`), "dependencies")
	assert.Equal(t, "APPLICATION  NAME  TARGET  KIND    ENABLED  PLACE      ITS NAME\na            Shop  t       secret  yes      Key Vault  v\n", r.out)
}

func TestTheLogIsFollowed(t *testing.T) {
	const first, second = `{"at":"2026-03-01T12:00:01Z","what":"staged","actor":"rekey","detail":"made"}`, `{"at":"2026-03-01T12:00:02Z","what":"published","actor":"rekey","detail":"out"}`
	var asked []string
	around := before(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("from"))
		switch len(asked) {
		case 1:
			_, _ = io.WriteString(w, `{"items":[`+first+`],"next":null}`)
		case 2:
			w.WriteHeader(http.StatusBadGateway)
		default:
			_, _ = io.WriteString(w, `{"items":[`+second+`,`+first+`],"next":null}`)
		}
	})
	around.Pause = func(context.Context, time.Duration) error {
		if len(asked) == 4 {
			return context.Canceled
		}
		return nil
	}
	r := run(t, around, "log", "--follow")
	assert.Equal(t, 130, r.code)
	assert.Equal(t, "2026-03-01 12:00:01  staged  rekey  made\n2026-03-01 12:00:02  published  rekey  out\n", r.out, "each once")
	assert.Equal(t, []string{"2026-03-01T11:59:00Z", "2026-03-01T12:00:01Z", "2026-03-01T12:00:01Z", "2026-03-01T12:00:02Z"}, asked)
	asked = nil
	assert.Equal(t, first+"\n"+second+"\n", run(t, around, "log", "--follow", "-o", "json").out)
}
