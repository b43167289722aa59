package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// served returns the pattern of every operation that the API has.
func served(t *testing.T) []string {
	t.Helper()
	recorder := httptest.NewRecorder()
	newMux(Config{}).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	var document struct{ Paths map[string]map[string]any }
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &document))
	patterns := []string{"GET /api/openapi.json"}
	for path, item := range document.Paths {
		for method := range item {
			patterns = append(patterns, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(patterns)
	return patterns
}

func TestEveryOperationHasItsRuleAndTheReverse(t *testing.T) {
	assert.Equal(t, served(t), slices.Sorted(maps.Keys(rules)))
}

func TestOnlyHealthIsForEverybody(t *testing.T) {
	for pattern, rule := range rules {
		assert.Equal(t, pattern == "GET "+healthPath, rule == everybody, pattern)
	}
}

func TestOwnersMayOnlyWhereThePathNamesTheirApplication(t *testing.T) {
	const id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
	for pattern, rule := range rules {
		_, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{appId}", strings.ToUpper(id), "{id}", id+".secret.7", "{targetId}", "shop", "{groupId}", "shop").Replace(path)
		named := applicationIn(pattern, path)
		assert.True(t, named == id || named == "", "%s: %q", pattern, named)
		if rule.owners {
			assert.Equal(t, id, named, pattern)
		}
	}
}

func TestWhatIsNoClientIDNamesNoApplication(t *testing.T) {
	const pattern = "GET /api/rotations/{id}"
	for path, want := range map[string]string{
		"/api/rotations/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee.secret.1":        "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
		"/api/rotations/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee%2Esecret.1":      "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
		"/api/rotations/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee.secret.1%2Fmore": "",
		"/api/rotations/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee.none.1":          "",
		"/api/rotations/%zz": "",
		"/api/rotations/":    "",
		"/api":               "",
	} {
		assert.Equal(t, want, applicationIn(pattern, path), path)
	}
}
