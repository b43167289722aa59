package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/api"
)

const (
	taskPath = "/api/tasks/deliver"
	vm       = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-1"
	aTask    = `{"name":"Deliver","steps":[{"name":"restart","runCommand":{"vm":"` + vm + `","script":"Restart-Service App"}}]}`
)

func TestATaskIsSavedWithItsDefaults(t *testing.T) {
	w := newWorld(t)
	a := w.call("PUT", taskPath, aTask)
	require.Equal(t, 201, a.status, a.body)
	assert.Equal(t, taskPath, a.header.Get("Location"))
	want := map[string]any{"id": "deliver", "name": "Deliver", "steps": []any{map[string]any{
		"name": "restart", "timeoutMinutes": 30.0,
		"runCommand": map[string]any{"vm": vm, "shell": "powershell", "script": "Restart-Service App", "format": "pfx"},
	}}}
	assert.Equal(t, want, a.decoded(t))
	shown := w.call("GET", taskPath, "")
	assert.Equal(t, a.header.Get("ETag"), shown.header.Get("ETag"))
	assert.Equal(t, want, shown.decoded(t))
	assert.Equal(t, map[string]any{"items": []any{want}, "next": nil}, w.must(200, "GET", "/api/tasks", ""))
	assert.Equal(t, 204, w.call("DELETE", taskPath, "").status)
	assert.Equal(t, 404, w.call("GET", taskPath, "").status)
	assert.Equal(t, 404, w.call("DELETE", taskPath, "").status)
}

func TestATasksETagIsHonoured(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, 412, w.call("PUT", taskPath, aTask, "If-Match", "*").status)
	first := w.call("PUT", taskPath, aTask, "If-None-Match", "*").header.Get("ETag")
	assert.Equal(t, 412, w.call("PUT", taskPath, aTask, "If-None-Match", "*").status)
	changed := strings.Replace(aTask, "restart", "again", 1)
	second := w.call("PUT", taskPath, changed, "If-Match", first)
	assert.Equal(t, 200, second.status)
	assert.Equal(t, 412, w.call("PUT", taskPath, aTask, "If-Match", first).status)
	assert.Equal(t, 412, w.call("DELETE", taskPath, "", "If-Match", first).status)
	assert.Equal(t, 204, w.call("DELETE", taskPath, "", "If-Match", second.header.Get("ETag")).status)
}

func TestTasksComeInPages(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"a", "b", "c"} {
		w.must(201, "PUT", "/api/tasks/"+id, aTask)
	}
	page := w.must(200, "GET", "/api/tasks?limit=2", "")
	assert.Len(t, page["items"], 2)
	page = w.must(200, "GET", "/api/tasks?limit=2&cursor="+page["next"].(string), "")
	assert.Len(t, page["items"], 1)
	assert.Nil(t, page["next"])
	assert.Equal(t, 422, w.call("GET", "/api/tasks?cursor=x", "").status)
}

func TestWhatIsWrongWithATaskIsNamedWhereItStands(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"an unknown field": {strings.Replace(aTask, `"vm"`, `"machine"`, 1), "body.steps[0].runCommand.machine: is not a field here; the fields are in /api/openapi.json; body.steps[0].runCommand.vm: must be there"},
		"a wrong value":    {strings.Replace(aTask, vm, "web-1", 1), "body.steps[0].runCommand.vm: must be the resource id of one: /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Compute/virtualMachines/<name>"},
		"no steps":         {`{"name":"Deliver","steps":[]}`, "body.steps: must be 1 to 10"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := w.call("PUT", taskPath, c.body)
			assert.Equal(t, 422, a.status)
			assert.Equal(t, c.want, a.decoded(t)["detail"])
			assert.Equal(t, 404, w.call("GET", taskPath, "").status)
		})
	}
}

func TestATaskThatIsUsedIsNotDeleted(t *testing.T) {
	w := newWorld(t, withAutomation)
	w.must(201, "PUT", taskPath, aTask)
	w.manage()
	w.must(201, "PUT", appPath+"/targets/run", `{"integration":"automation","kind":"secret","settings":{"task":"deliver"}}`)
	a := w.call("DELETE", taskPath, "")
	assert.Equal(t, 409, a.status)
	assert.Equal(t, `task "deliver" is used by `+appID+`/run; delete those targets first, or let them name another task`, a.decoded(t)["detail"])
}

// withAutomation adds an integration whose targets name tasks.
func withAutomation(c *api.Config) { c.Integrations["automation"] = plain{} }
