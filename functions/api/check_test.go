package api_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const carefully = `{"integration":"careful","kind":"secret","settings":{"place":"p1"}}`

func TestATargetIsCheckedBeforeItIsSaved(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.careful.notes = []string{"it is down for a minute"}
	saved := w.must(201, "PUT", vaultPath, carefully)
	assert.Equal(t, []any{"it is down for a minute"}, saved["notes"])
	require.Len(t, w.careful.checked, 1)
	assert.JSONEq(t, `{"place":"p1"}`, string(w.careful.checked[0].Settings))

	w.careful.fail = &rotation.Fault{Class: rotation.Denied, Err: errors.New("careful: closed"), Remedy: "open it"}
	refused{status: 422, field: "body.settings", detail: "careful: closed; open it"}.problem(t, w.call("PUT", vaultPath, `{"integration":"careful","kind":"secret","settings":{"place":"p2"}}`))
	assert.Equal(t, map[string]any{"place": "p1"}, w.must(200, "GET", vaultPath, "")["settings"], "nothing was changed")

	w.careful.fail = &rotation.Fault{Class: rotation.Throttled, After: 40 * time.Second, Err: errors.New("careful: busy")}
	a := w.call("PUT", vaultPath, carefully)
	refused{status: 503, detail: "it could not be checked, and nothing was changed: careful: busy"}.problem(t, a)
	assert.Equal(t, "40", a.header.Get("Retry-After"))

	assert.Equal(t, 200, w.call("PUT", vaultPath, `{"integration":"careful","kind":"secret","enabled":false}`).status, "a disabled one is saved as it is")
}

func TestASavedTargetIsChecked(t *testing.T) {
	w := newWorld(t)
	w.manage()
	w.must(201, "PUT", vaultPath, carefully)
	assert.Equal(t, map[string]any{"ok": true, "notes": []any{}}, w.must(200, "POST", vaultPath+"/check", ""))
	w.careful.fail = rotation.Permanently("careful: it is gone")
	assert.Equal(t, map[string]any{"ok": false, "reason": "careful: it is gone", "notes": []any{}}, w.must(200, "POST", vaultPath+"/check", ""))
	refused{status: 404, detail: `target "other": there is no such target`}.problem(t, w.call("POST", appPath+"/targets/other/check", ""))
	w.must(201, "PUT", appPath+"/targets/plain", `{"integration":"plain","kind":"secret"}`)
	refused{status: 409, detail: "the integration plain cannot check its targets"}.problem(t, w.call("POST", appPath+"/targets/plain/check", ""))
}

func TestChoicesAreListed(t *testing.T) {
	w := newWorld(t)
	const path = "/api/integrations/careful/choices"
	assert.Equal(t, map[string]any{"items": []any{map[string]any{"value": "p1", "name": "of Elm Street", "unusable": "it is closed"}}},
		w.must(200, "GET", path+"?setting=place&street=Elm+Street", ""))
	refused{status: 422, field: "query.setting", detail: "must be there"}.problem(t, w.call("GET", path, ""))
	refused{status: 422, field: "query.setting", detail: "must be place"}.problem(t, w.call("GET", path+"?setting=street", ""))
	refused{status: 404, detail: `there is no integration "nobody"; there are careful, place, plain`}.problem(t, w.call("GET", "/api/integrations/nobody/choices?setting=x", ""))
	refused{status: 404, detail: "the integration plain offers no choices"}.problem(t, w.call("GET", "/api/integrations/plain/choices?setting=x", ""))
	w.careful.fail = &rotation.Fault{Class: rotation.Denied, Err: errors.New("careful: no"), Remedy: "ask for access"}
	refused{status: 409, detail: "careful: no; ask for access"}.problem(t, w.call("GET", path+"?setting=place", ""))
}

const nights = `[{"days":["saturday"],"from":"22:00","to":"04:00","timeZone":"Europe/Berlin"}]`

func TestWindowsAreSavedAndShown(t *testing.T) {
	w := newWorld(t)
	want := []any{map[string]any{"days": []any{"saturday"}, "from": "22:00", "to": "04:00", "timeZone": "Europe/Berlin"}}
	assert.Equal(t, want, w.must(201, "PUT", appPath, `{"policies":{"secret":{}},"windows":`+nights+`}`)["windows"])
	assert.Equal(t, want, w.must(200, "GET", appPath, "")["windows"])
	w.must(201, "PUT", vaultPath, `{"integration":"plain","kind":"secret","windows":`+nights+`}`)
	assert.Equal(t, want, w.must(200, "GET", vaultPath, "")["windows"])
	const wrong = `[{"from":"22:00","to":"25:00","timeZone":"UTC"}]`
	const detail = `must be a time of day from "00:00" to "23:59", not "25:00"`
	refused{status: 422, field: "body.windows[0].to", detail: detail}.problem(t, w.call("PUT", appPath, `{"policies":{"secret":{}},"windows":`+wrong+`}`))
	refused{status: 422, field: "body.windows[0].to", detail: detail}.problem(t, w.call("PUT", vaultPath, `{"integration":"plain","kind":"secret","windows":`+wrong+`}`))
}

func TestARollbackIsAsked(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	w.run(time.Minute)
	refused{status: 409, detail: `"` + appID + `" cannot be rolled back: no earlier credential of rekey's is left; ask for a rotation instead`}.problem(t,
		w.call("POST", appPath+"/rollback", `{"kind":"secret"}`))
	w.must(202, "POST", appPath+"/rotations", `{"kind":"secret"}`)
	w.run(time.Minute)
	a := w.call("POST", appPath+"/rollback", `{"kind":"secret"}`)
	require.Equal(t, 202, a.status, a.body)
	assert.Equal(t, "/api/rotations/"+appID+".secret.3", a.header.Get("Location"))
	assert.Equal(t, "rollback", a.decoded(t)["source"])
	w.run(time.Minute)
	assert.Equal(t, true, w.must(200, "GET", appPath, "")["kinds"].(map[string]any)["secret"].(map[string]any)["schedulePaused"])
}
