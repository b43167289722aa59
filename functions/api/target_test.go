package api_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const vaultPath = appPath + "/targets/vault"

func TestATargetIsSavedAsTheIntegrationUnderstandsIt(t *testing.T) {
	w := newWorld(t)
	w.manage()
	a := w.call("PUT", vaultPath, `{"integration":"place","kind":"secret","settings":{"vault":"v1"}}`)
	require.Equal(t, 201, a.status, a.body)
	assert.Equal(t, vaultPath, a.header.Get("Location"))
	want := map[string]any{
		"id": "vault", "integration": "place", "kind": "secret", "enabled": true,
		"settings": map[string]any{"vault": "v1", "name": "Shop"},
	}
	shown := w.call("GET", vaultPath, "")
	assert.Equal(t, a.header.Get("ETag"), shown.header.Get("ETag"))
	assert.Equal(t, want, shown.decoded(t))
	assert.Equal(t, []any{want}, w.must(200, "GET", appPath, "")["targets"])

	want["access"] = map[string]any{"granted": "Key Vault Secrets Officer"}
	assert.Equal(t, want, a.decoded(t))
	assert.Equal(t, 204, w.call("DELETE", vaultPath, "").status)
	assert.Empty(t, w.must(200, "GET", appPath, "")["targets"])
}

func TestATargetWithoutSettingsHasNone(t *testing.T) {
	for name, settings := range map[string]string{"left out": ``, "null": `,"settings":null`, "empty": `,"settings":{}`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.manage()
			saved := w.must(201, "PUT", vaultPath, `{"integration":"plain","kind":"secret","enabled":false`+settings+`}`)
			assert.Equal(t, map[string]any{"id": "vault", "integration": "plain", "kind": "secret", "enabled": false, "settings": map[string]any{}}, saved)
		})
	}
}

func TestNothingIsGrantedForADisabledTarget(t *testing.T) {
	w := newWorld(t)
	w.manage()
	saved := w.must(201, "PUT", vaultPath, `{"integration":"place","kind":"secret","enabled":false,"settings":{"vault":"v1"}}`)
	assert.NotContains(t, saved, "access")
	assert.Zero(t, w.place.accessed.Load())
}

func TestATargetIsSavedThoughNothingCouldBeGranted(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a fault is told": {&rotation.Fault{Class: rotation.Denied, Err: errors.New("keyvault: grant: denied"), Remedy: "run az role assignment create"},
			"keyvault: grant: denied; run az role assignment create"},
		"another error is not": {errDown, "nothing could be granted; the cause is in rekey's log"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.manage()
			w.place.failAccess = c.err
			saved := w.must(201, "PUT", vaultPath, `{"integration":"place","kind":"secret","settings":{"vault":"v1"}}`)
			assert.Equal(t, c.want, saved["accessProblem"])
			assert.Equal(t, 200, w.call("GET", vaultPath, "").status)
		})
	}
}
