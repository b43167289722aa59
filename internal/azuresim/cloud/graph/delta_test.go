package graph_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
)

// follow reads pages until a delta link and returns the objects by id.
func follow(t *testing.T, c *caller, link string) (objects map[any]map[string]any, deltaLink string) {
	t.Helper()
	objects = map[any]map[string]any{}
	for {
		given := c.do("GET", link, nil)
		require.Equal(t, http.StatusOK, given.status, given.body)
		page := given.body["value"].([]any)
		require.LessOrEqual(t, len(page), 100)
		for _, one := range page {
			object := one.(map[string]any)
			objects[object["id"]] = object
		}
		if deltaLink, last := given.body["@odata.deltaLink"].(string); last {
			return objects, deltaLink
		}
		link = given.body["@odata.nextLink"].(string)
	}
}

func TestDeltaTellsWhatChanged(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	var apps []entra.Application
	for i := range 205 {
		apps = append(apps, n.owned(fmt.Sprintf("app %d", i)))
	}
	c := n.raw()
	objects, link := follow(t, c, "/applications/delta?$select=displayName")
	assert.Len(t, objects, 206, "with the rotator")
	assert.Equal(t, map[string]any{"id": apps[0].ObjectID, "displayName": "app 0"}, objects[apps[0].ObjectID])

	objects, link = follow(t, c, link)
	assert.Empty(t, objects)

	require.Equal(t, http.StatusNoContent, c.do("PATCH", "/applications/"+apps[3].ObjectID, map[string]any{"displayName": "changed"}).status)
	require.Equal(t, http.StatusNoContent, c.do("DELETE", "/applications/"+apps[4].ObjectID, nil).status)
	objects, link = follow(t, c, link)
	assert.Equal(t, map[any]map[string]any{
		apps[3].ObjectID: {"id": apps[3].ObjectID, "displayName": "changed"},
		apps[4].ObjectID: {"id": apps[4].ObjectID, "@removed": map[string]any{"reason": "changed"}},
	}, objects)
	objects, _ = follow(t, c, link)
	assert.Empty(t, objects)
}

func TestDeltaCanBeginNow(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	c := n.raw()
	objects, link := follow(t, c, "/applications/delta?$deltatoken=latest")
	assert.Empty(t, objects)
	require.Equal(t, http.StatusOK, c.do("POST", "/applications/"+app.ObjectID+"/addPassword", nil).status)
	objects, _ = follow(t, c, link)
	assert.Len(t, objects, 1)
}

func TestDeltaBeginsWithAnEmptyPage(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	first := n.raw().do("GET", "/applications/delta()", nil)
	assert.Empty(t, first.body["value"])
	assert.NotContains(t, first.body, "@odata.deltaLink")
}

func TestADeltaTokenExpires(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	c := n.raw()
	_, link := follow(t, c, "/applications/delta")
	n.clock.Advance(7*24*time.Hour + time.Minute)
	expired := c.do("GET", link, nil)
	assert.Equal(t, http.StatusGone, expired.status)
	assert.Equal(t, "syncStateNotFound", expired.code())
	assert.Equal(t, "https://graph.microsoft.com/v1.0/applications/delta", expired.header.Get("Location"))
	assert.Equal(t, "Badly formed token.", c.do("GET", "/applications/delta?$deltatoken=x", nil).message())
	assert.Contains(t, c.do("GET", "/applications/delta?$select=colour", nil).message(), "'colour'")
}
