package entra_test

import (
	"context"
	"encoding/json"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	tenant "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const unknown = "b0d3a1de-0001-4b1e-8b7e-0b8e1d5c9f00"

func TestAPasswordIsAddedShownAndRemoved(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	end := w.clock.Now().AddDate(0, 3, 0).Truncate(time.Second)

	added, err := w.client.AddPassword(t.Context(), w.shop.ObjectID, "rekey/test/1.1", end)
	require.NoError(t, err)
	assert.Len(t, added.Value.Reveal(), 40)
	assert.Equal(t, "rekey/test/1.1", added.DisplayName)
	assert.WithinDuration(t, w.clock.Now(), added.Start, time.Minute)
	assert.True(t, end.Equal(added.End), "%s", added.End)

	app, err := w.client.Application(t.Context(), w.shop.AppID, rotation.Secret)
	require.NoError(t, err)
	listed := added
	listed.Value = secret.Value{}
	assert.Equal(t, engine.DirectoryApplication{
		ObjectID: w.shop.ObjectID, AppID: w.shop.AppID, Name: "shop", Credentials: []engine.DirectoryCredential{listed},
	}, app)

	require.NoError(t, w.client.RemovePassword(t.Context(), w.shop.ObjectID, added.KeyID))
	app, err = w.client.Application(t.Context(), w.shop.AppID, rotation.Secret)
	require.NoError(t, err)
	assert.Empty(t, app.Credentials)
	assert.Equal(t, rotation.NotFound, rotation.ClassOf(w.client.RemovePassword(t.Context(), w.shop.ObjectID, added.KeyID)), "gone already")
}

func TestTheServicePrincipalIsTheApplications(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	objectID, err := w.client.ServicePrincipal(t.Context(), w.shop.AppID)
	require.NoError(t, err)
	assert.Equal(t, w.account.ObjectID, objectID)

	_, err = w.client.ServicePrincipal(t.Context(), unknown)
	assert.Equal(t, rotation.NotFound, rotation.ClassOf(err))
	assert.ErrorContains(t, err, `graph: read service principal of "`+unknown+`": 404 Request_ResourceNotFound: `)
}

// everyMethod is each call to Graph, with the path that it takes there.
func everyMethod(w *world) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"GET /v1.0/applications(appId='{id}')": func(ctx context.Context) error {
			_, err := w.client.Application(ctx, w.shop.AppID, rotation.Secret)
			return err
		},
		"GET /v1.0/servicePrincipals(appId='{id}')": func(ctx context.Context) error {
			_, err := w.client.ServicePrincipal(ctx, w.shop.AppID)
			return err
		},
		"POST /v1.0/applications/{id}/addPassword": func(ctx context.Context) error {
			_, err := w.client.AddPassword(ctx, w.shop.ObjectID, "new", w.clock.Now().AddDate(1, 0, 0))
			return err
		},
		"POST /v1.0/applications/{id}/removePassword": func(ctx context.Context) error {
			err := w.client.RemovePassword(ctx, w.shop.ObjectID, unknown)
			if err != nil && rotation.ClassOf(err) == rotation.NotFound {
				return nil // Graph answered, and there is none
			}
			return err
		},
	}
}

// Whatever Graph answers, nothing is sent a second time.
func TestEveryMethodIsOneCall(t *testing.T) {
	for name, faults := range map[string][]cloud.Fault{
		"that succeeds":       nil,
		"that is throttled":   {{Status: 429, RetryAfter: new(json.Number("0"))}},
		"that is too much":    {{Status: 503, RetryAfter: new(json.Number("0"))}},
		"that times out":      {{Status: 504}},
		"that is challenged":  {{Status: 401, Headers: map[string]string{"WWW-Authenticate": `Bearer claims="e30="`}}},
		"that is sent astray": {{Status: 307, Headers: map[string]string{"Location": "https://" + graphHost + "/v1.0/elsewhere"}}},
		"that is cut off":     {{Cut: true}},
		"that is lost":        {{Lose: true}},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, tenant.Options{}, graph.Options{})
			require.NoError(t, everyMethod(w)["GET /v1.0/applications(appId='{id}')"](t.Context()), "from here on there is a token")
			w.misbehave(faults...)
			for path, do := range everyMethod(w) {
				w.calls(graphHost)
				err := do(t.Context())
				assert.Equal(t, faults == nil, err == nil, "%s: %v", path, err)
				seen := w.calls(graphHost)
				require.Len(t, seen, 1, path)
				assert.Equal(t, path, seen[0].Method+" "+seen[0].Path)
				assert.Equal(t, 1, seen[0].Count, path)
			}
		})
	}
}

// The SDK compresses bodies unless it is kept from it.
func TestNothingIsCompressed(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	var mu sync.Mutex
	sent := map[string][]string{}
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteHeaderField: func(name string, values []string) {
		mu.Lock()
		defer mu.Unlock()
		sent[strings.ToLower(name)] = values
	}})
	for _, do := range everyMethod(w) {
		require.NoError(t, do(ctx))
	}
	mu.Lock()
	defer mu.Unlock()
	assert.Contains(t, sent, "content-type")
	assert.NotContains(t, sent, "content-encoding")
}

func TestAnAnswerCanBeLostAfterTheEffect(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	w.misbehave(cloud.Fault{Host: graphHost, Path: "*/addPassword", Lose: true})
	_, err := w.client.AddPassword(t.Context(), w.shop.ObjectID, "lost", w.clock.Now().AddDate(1, 0, 0))
	require.ErrorContains(t, err, `graph: add password to "`+w.shop.ObjectID+`": `)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	assert.False(t, rotation.HadNoEffect(err))

	app, err := w.client.Application(t.Context(), w.shop.AppID, rotation.Secret)
	require.NoError(t, err)
	require.Len(t, app.Credentials, 1)
	assert.Equal(t, "lost", app.Credentials[0].DisplayName)
}

func TestTheContextEndsACall(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	require.NoError(t, everyMethod(w)["GET /v1.0/applications(appId='{id}')"](t.Context()), "from here on there is a token")
	w.misbehave(cloud.Fault{Latency: "1h"})
	for path, do := range everyMethod(w) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err := do(ctx)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded, path)
		assert.Equal(t, rotation.Transient, rotation.ClassOf(err), path)
	}
}
