package vercel_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
)

func FuzzCreateAndEdit(f *testing.F) {
	f.Add(`{"key":"DB","value":"v","type":"plain","target":["preview"],"gitBranch":null}`, `{"value":"x","target":"production"}`)
	f.Add(`[{"key":"DB"},7,null]`, `{"customEnvironmentIds":[]}`)
	f.Add(`[]`, `null`)
	f.Fuzz(func(t *testing.T, create, edit string) {
		s := vercel.New(clock.New(), vercel.Options{})
		project := s.AddProject(vercel.Project{})
		id := s.AddVariable(project, vercel.Variable{Key: "DB", Targets: []string{"production"}})
		token := s.AddToken(vercel.Token{})
		for _, step := range [][3]string{{"POST", "/v10/projects/" + project + "/env", create}, {"PATCH", "/v9/projects/" + project + "/env/" + id, edit}} {
			assert.Less(t, status(s, token, step[0], step[1], step[2]), 500)
		}
		_ = s.State()
	})
}

func status(h http.Handler, token, method, path, body string) int {
	r := httptest.NewRequest(method, "https://api.vercel.com"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}
