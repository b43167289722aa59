package entra_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	tenant "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestOwnersAreReadToTheLastPage(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	want := []string{w.rekey.ObjectID}
	for range 1200 {
		want = append(want, uuid.NewString())
	}
	app := w.directory.AddApplication(tenant.Application{DisplayName: "crowd", Owners: want})
	_, err := w.client.OwnerIDs(t.Context(), w.shop.AppID)
	require.NoError(t, err)
	w.calls(graphHost)

	owners, err := w.client.OwnerIDs(t.Context(), app.AppID)
	require.NoError(t, err)
	assert.Equal(t, want, owners)
	assert.Equal(t, []call{{"GET", "/v1.0/applications(appId='{id}')/owners", 200, 2}}, w.calls(graphHost))
}

func TestOwnersThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		appID string
		rule  cloud.Fault
		class rotation.Class
	}{
		"of no application": {uuid.NewString(), cloud.Fault{}, rotation.NotFound},
		"of what is no id":  {"x')/owners", cloud.Fault{}, rotation.Permanent},
		"too often":         {"", cloud.Fault{Host: graphHost, Status: 429}, rotation.Throttled},
		"out of order":      {"", cloud.Fault{Host: graphHost, Status: 503}, rotation.Transient},
		"not allowed":       {"", cloud.Fault{Host: graphHost, Status: 403}, rotation.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, tenant.Options{}, graph.Options{})
			if c.rule.Host != "" {
				w.misbehave(c.rule)
				c.appID = w.shop.AppID
			}
			_, err := w.client.OwnerIDs(t.Context(), c.appID)
			require.Error(t, err)
			assert.Equal(t, c.class, rotation.ClassOf(err))
			assert.Contains(t, err.Error(), fmt.Sprintf("graph: read owners of %q", c.appID))
		})
	}
}
