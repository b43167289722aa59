package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/access"
)

// gate lets everybody in, or says why not.
type gate struct{ refuses error }

func (g gate) Identify(*http.Request) (access.Principal, error) {
	return access.Principal{Kind: access.Anybody}, g.refuses
}

func (gate) Challenge(error) string { return "Bearer" }

func get(g gate, method, path string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	pages{g}.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	return recorder
}

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
			assert.Equal(t, c.status, get(gate{}, c.method, c.path).Code)
		})
	}
}

func TestNobodyUnknownSeesAPage(t *testing.T) {
	for name, c := range map[string]struct {
		refuses error
		status  int
		says    string
	}{
		"who is not signed in":       {access.ErrUnknown, http.StatusUnauthorized, `href="/.auth/login/aad?post_login_redirect_uri=/"`},
		"whose token is wrong":       {fmt.Errorf("%w: the token has expired", access.ErrRefused), http.StatusUnauthorized, "refused: the token has expired"},
		"before it is said who may":  {access.ErrClosed, http.StatusForbidden, "set REKEY_API_CLIENT_ID"},
		"while nobody can be judged": {errors.New("dial tcp 10.1.2.3"), http.StatusServiceUnavailable, "it cannot be found out at the moment who you are; try again"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/", "/rotate"} {
				recorder := get(gate{c.refuses}, http.MethodGet, path)
				assert.Equal(t, c.status, recorder.Code)
				assert.Contains(t, recorder.Body.String(), c.says)
				assert.NotContains(t, recorder.Body.String(), "openapi")
				assert.NotContains(t, recorder.Body.String(), "10.1.2.3")
				assert.Equal(t, c.status == http.StatusUnauthorized, recorder.Header().Get("WWW-Authenticate") != "")
			}
		})
	}
}

func TestThePageRunsNoScript(t *testing.T) {
	recorder := get(gate{}, http.MethodGet, "/")
	assert.Contains(t, recorder.Header().Get("Content-Security-Policy"), "default-src 'none'")
	assert.Equal(t, "no-store", recorder.Header().Get("Cache-Control"))
	assert.Contains(t, recorder.Body.String(), `href="/api/openapi.json"`)
}
