package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzBodies sends any body to every operation that takes one. A body is taken,
// or refused with a problem document and nothing changed; it never breaks anything.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		managed, rotate, `{"keyId":"` + keyID + `"}`, `{"integration":"place","kind":"secret","settings":{"vault":"v"}}`,
		`{"policies":{"secret":{"waits":{"lookAgainHours":[1,2,3]},"maxLifetimeDays":null}}}`,
		`{"policies":{"secret":{"lifetimeDays":1e308,"overlapHours":-0.0}}}`, `{"kind":"secret","kind":"certificate"}`, `[[[[`, `null`, "\xff",
	} {
		f.Add(body)
	}
	operations := []struct{ method, path string }{
		{http.MethodPut, appPath}, {http.MethodPut, vaultPath}, {http.MethodPost, appPath + "/rotations"}, {http.MethodPost, appPath + "/adopt"},
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld(t)
		w.manage()
		for _, o := range operations {
			before := w.everything()
			a := w.call(o.method, o.path, body)
			require.True(t, json.Valid([]byte(a.body)), a.body)
			if a.status < 300 {
				require.NotEqual(t, before, w.everything())
				continue
			}
			require.Contains(t, []int{400, 409, 422}, a.status, a.body)
			require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
			require.Equal(t, before, w.everything(), "a refusal changes nothing")
		}
	})
}
