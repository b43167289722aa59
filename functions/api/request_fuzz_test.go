package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// operation is one that the API itself says it has.
type operation struct{ method, path string }

// operations reads them from the API's own description.
func (w *world) operations() (all []operation) {
	w.t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	require.NoError(w.t, json.Unmarshal([]byte(w.call(http.MethodGet, "/api/openapi.json", "").body), &document))
	for path, methods := range document.Paths {
		for method := range methods {
			if method = strings.ToUpper(method); slices.Contains([]string{"GET", "PUT", "POST", "DELETE", "PATCH"}, method) {
				all = append(all, operation{method, path})
			}
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

var (
	parameter = regexp.MustCompile(`[{][a-zA-Z]+[}]`)
	// goWords are those of the language, which say nothing to whoever sent a request.
	goWords = regexp.MustCompile(`Go value|Go struct|runtime error|goroutine|interface [{]|nil pointer|%![a-z]|RawMessage|strconv\.|base64\.`)
	// places are the parts of a request that can be wrong.
	places = regexp.MustCompile(`^(body|path|query|header)([.\[].*)?$`)
)

// FuzzRequests sends any path, query, header and body to every operation. A request is
// taken, or refused with a problem document that names what was wrong, in words of the
// request, and nothing is changed; it never breaks anything.
func FuzzRequests(f *testing.F) {
	all := newWorld(f).operations()
	for n := range all {
		f.Add(n, "", "", "", "", "", "", managed)
		f.Add(n, "x", "A.b", "limit=0&cursor=eA&kind=x", "eA", `"x"`, "text/plain", `[]`)
		f.Add(n, ".secret.1", "%2F..%00", "setting=vault&setting=&limit=1e9&appId=", "*", "*", "application/json", `{"kind":"secret","revokeNow":1,"settings":{"a":[null]}}`)
		f.Add(n, strings.Repeat("a", 300), "\xff", "cursor=%ff&x=%zz", `W/"1"`, "", "application/x-www-form-urlencoded", "null")
		f.Add(n, "", "", "kind=certificate&limit=1", strings.Repeat("x", 300), "", "application/json; charset=latin1", `{"name":"G","team":"t","token":"secret-token","applications":["x"],"steps":[{"name":"s","runbook":{}}]}`)
	}
	f.Fuzz(func(t *testing.T, n int, first, second, query, ifMatch, ifNoneMatch, contentType, body string) {
		w := newWorld(t)
		w.manage("vault")
		o := all[int(uint(n)%uint(len(all)))]
		before := w.everything()
		a, sent := w.request(o, []string{first, second}, query, body, map[string]string{
			"If-Match": ifMatch, "If-None-Match": ifNoneMatch, "Content-Type": contentType, "Idempotency-Key": first,
		})
		if !sent || a.status < 300 {
			return
		}
		assert.Contains(t, []int{303, 400, 403, 404, 405, 409, 412, 413, 415, 422, 503}, a.status, a.body)
		assert.Equal(t, before, w.everything(), "a refusal changes nothing")
		assertProblem(t, a)
	})
}

func assertProblem(t *testing.T, a answer) {
	t.Helper()
	var problem struct {
		Status        int
		Title, Detail string
		Errors        []struct{ Location, Message string }
	}
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), a.body)
	require.NoError(t, json.Unmarshal([]byte(a.body), &problem), a.body)
	assert.Equal(t, a.status, problem.Status)
	assert.NotEmpty(t, problem.Detail)
	assert.NotRegexp(t, goWords, a.body)
	assert.NotContains(t, a.body, "secret-token")
	assert.Less(t, len(a.body), 64<<10)
	for _, e := range problem.Errors {
		assert.Regexp(t, places, e.Location, a.body)
		assert.NotEmpty(t, e.Message, a.body)
	}
}

// request sends one with the given values in place of the path's parameters; where they
// are empty, with those of the application that there is.
func (w *world) request(o operation, values []string, query, body string, headers map[string]string) (answer, bool) {
	w.t.Helper()
	usual := map[string]string{"{appId}": appID, "{targetId}": "vault", "{id}": appID + ".secret.1", "{integration}": "place", "{groupId}": "acme"}
	if strings.Contains(o.path, "/tasks/") {
		usual["{id}"] = "deliver"
	}
	at := 0
	path := parameter.ReplaceAllStringFunc(o.path, func(name string) string {
		value := ""
		if at < len(values) {
			value = values[at]
			at++
		}
		if value == "" {
			value = usual[name]
		}
		return url.PathEscape(value)
	})
	request, err := http.NewRequestWithContext(w.t.Context(), o.method, w.server.URL+path+"?"+query, strings.NewReader(body))
	if err != nil {
		return answer{}, false
	}
	for name, value := range headers {
		if value != "" {
			request.Header[name] = []string{value}
		}
	}
	response, err := w.server.Client().Do(request)
	if err != nil {
		return answer{}, false // Go sends no such header
	}
	defer response.Body.Close()
	var text strings.Builder
	_, err = io.Copy(&text, response.Body)
	require.NoError(w.t, err)
	return answer{response.StatusCode, response.Header, text.String()}, true
}
