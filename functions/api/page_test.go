package api_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// walk reads a list page by page and returns one field of every item.
func (w *world) walk(path, separator, field string) (all []any) {
	w.t.Helper()
	for cursor, pages := "", 0; ; pages++ {
		require.Less(w.t, pages, 50, "pages without end")
		page := w.must(200, "GET", path+separator+"limit=2"+cursor, "")
		items := page["items"].([]any)
		require.LessOrEqual(w.t, len(items), 2)
		for _, item := range items {
			all = append(all, item.(map[string]any)[field])
		}
		if page["next"] == nil {
			return all
		}
		cursor = "&cursor=" + page["next"].(string)
	}
}

func TestApplicationsAreListedPageByPage(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, map[string]any{"items": []any{}, "next": nil}, w.must(200, "GET", "/api/applications", ""))
	w.must(200, "POST", "/api/pause", "")
	want := []any{}
	for n := range 5 {
		id := fmt.Sprintf("%d0000000-0000-4000-8000-000000000000", n)
		w.must(201, "PUT", "/api/applications/"+id, managed)
		want = append(want, id)
	}
	assert.Equal(t, want, w.walk("/api/applications", "?", "appId"))
}

func TestRotationsAreListedNewestFirst(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	assert.Equal(t, map[string]any{"items": []any{}, "next": nil}, w.must(200, "GET", appPath+"/rotations", ""))
	want := []any{}
	for n := range 4 {
		w.must(202, "POST", appPath+"/rotations", rotate)
		w.run(2 * time.Minute)
		want = append([]any{fmt.Sprintf("%s.secret.%d", appID, n+1)}, want...)
	}
	assert.Equal(t, want, w.walk(appPath+"/rotations", "?", "id"))
	assert.Equal(t, want, w.walk(appPath+"/rotations?kind=secret", "&", "id"))
	assert.Empty(t, w.walk(appPath+"/rotations?kind=certificate", "&", "id"))
}

func TestTheLogIsListedNewestFirst(t *testing.T) {
	w := newWorld(t)
	w.manage("vault")
	w.run(2 * time.Minute)
	all := w.must(200, "GET", appPath+"/log", "")["items"].([]any)
	require.Greater(t, len(all), 4)
	var details []any
	for _, line := range all {
		details = append(details, line.(map[string]any)["detail"])
	}
	assert.Equal(t, details, w.walk(appPath+"/log", "?", "detail"))
	assert.Equal(t, "managed from now on: secret added", details[len(details)-1])
}
