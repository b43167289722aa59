package dashboard

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestThePage(t *testing.T) {
	for name, c := range map[string]struct {
		method, path string
		status       int
	}{
		"is at the root":                 {http.MethodGet, "/", http.StatusOK},
		"can be asked for by HEAD":       {http.MethodHead, "/", http.StatusOK},
		"is the only one":                {http.MethodGet, "/rotate", http.StatusNotFound},
		"takes nothing":                  {http.MethodPost, "/", http.StatusMethodNotAllowed},
		"takes nothing elsewhere either": {http.MethodPost, "/rotate", http.StatusMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			serve(recorder, httptest.NewRequest(c.method, c.path, nil))
			assert.Equal(t, c.status, recorder.Code)
		})
	}
}

func TestThePageRunsNoScript(t *testing.T) {
	recorder := httptest.NewRecorder()
	serve(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	assert.Contains(t, recorder.Header().Get("Content-Security-Policy"), "default-src 'none'")
	assert.Contains(t, recorder.Body.String(), `href="/api/openapi.json"`)
}
