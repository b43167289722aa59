package api_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAPlanChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	before := w.everything()
	plan := w.must(200, "POST", appPath+"/rotations?dryRun=true", rotate)
	assert.Equal(t, before, w.everything())
	assert.Equal(t, appID+".secret.1", plan["rotation"])
	assert.Empty(t, plan["refusals"])
	assert.Equal(t, []any{"create", "verify", "publish", "deliver", "complete"}, stepsOf(plan))
	kept := plan["kept"].([]any)[0].(map[string]any)
	assert.Equal(t, keyID, kept["keyId"])
	assert.Equal(t, "rekey did not make it and was not handed it", kept["why"])
}

func stepsOf(plan map[string]any) (steps []any) {
	for _, step := range plan["steps"].([]any) {
		steps = append(steps, step.(map[string]any)["step"])
	}
	return steps
}

func TestAPlanSaysWhatWouldRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*world)
		want    string
	}{
		"a pause": {
			func(w *world) { w.must(200, "POST", appPath+"/pause", "") },
			`"` + appID + `" is paused; resume it, or ask for an emergency rotation`,
		},
		"a policy that is not enabled": {
			func(w *world) { w.must(200, "PUT", appPath, `{"policies":{"secret":{"enabled":false}}}`) },
			`secret rotation of "` + appID + `" is not enabled; enable it in the application's policy`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.manage()
			c.prepare(w)
			plan := w.must(200, "POST", appPath+"/rotations?dryRun=true", rotate)
			assert.Equal(t, []any{c.want}, plan["refusals"])
			assert.Empty(t, plan["steps"])
		})
	}
}

func TestAPlanOfWhatIsInFlightGoesOnFromThere(t *testing.T) {
	w := newWorld(t)
	w.manage()
	asked := w.must(202, "POST", appPath+"/rotations", rotate)
	plan := w.must(200, "POST", appPath+"/rotations?dryRun=true", rotate)
	assert.Equal(t, asked["id"], plan["rotation"])
	assert.Equal(t, true, plan["inFlight"])
	emergency := w.must(200, "POST", appPath+"/rotations?dryRun=true", `{"kind":"secret","emergency":true}`)
	assert.Equal(t, asked["id"], emergency["supersedes"])
	assert.Equal(t, appID+".secret.2", emergency["rotation"])
	w.must(404, "POST", "/api/applications/"+unknown+"/rotations?dryRun=true", rotate)
}
