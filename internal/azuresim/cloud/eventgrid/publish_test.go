package eventgrid_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/messaging"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/eventgrid/azeventgrid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
)

func cloudEvents(t *testing.T, subjects ...string) []messaging.CloudEvent {
	t.Helper()
	var events []messaging.CloudEvent
	for _, subject := range subjects {
		e, err := messaging.NewCloudEvent("/rekey", "rotated", map[string]string{"appId": "42"}, &messaging.CloudEventOptions{Subject: &subject})
		require.NoError(t, err)
		e.Extensions = map[string]any{"traceid": "t"}
		events = append(events, e)
	}
	return events
}

func TestWhoMayPublish(t *testing.T) {
	w := start(t, eventgrid.CloudEventSchemaV1_0, eventgrid.Options{})
	for name, c := range map[string]struct {
		client *azeventgrid.Client
		status int
	}{
		"who has the role":          {w.as(t, sender), 200},
		"not who lacks the role":    {w.as(t, "reader"), 403},
		"who has the key":           {w.with(t, key), 200},
		"not who has another":       {w.with(t, "another"), 401},
		"not who has part of a key": {w.with(t, key[:5]), 401},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.client.PublishCloudEvents(t.Context(), cloudEvents(t, "app"), nil)
			if c.status == 200 {
				require.NoError(t, err)
				return
			}
			var response *azcore.ResponseError
			require.ErrorAs(t, err, &response)
			assert.Equal(t, c.status, response.StatusCode)
		})
	}
	resp, err := w.client.Post(w.endpoint, "application/json", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "neither key nor token")
}

func TestPublishedEventsAreKept(t *testing.T) {
	w := start(t, eventgrid.CloudEventSchemaV1_0, eventgrid.Options{})
	_, err := w.as(t, sender).PublishCloudEvents(t.Context(), cloudEvents(t, "one", "two"), nil)
	require.NoError(t, err)
	received := w.service.Received(topicID)
	require.Len(t, received, 2)
	assert.Contains(t, string(received[0]), `"subject":"one"`)
	assert.Contains(t, string(received[0]), `"traceid":"t"`)
	assert.Len(t, w.service.State().Topics[0].Received, 2)
}

func TestEventGridSchemaIsPublished(t *testing.T) {
	w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
	_, err := w.with(t, key).PublishEvents(t.Context(), []azeventgrid.Event{{
		ID: new("1"), Subject: new("app"), EventType: new("rotated"), EventTime: new(time.Now()), DataVersion: new("1"), Data: map[string]string{"appId": "42"},
	}}, nil)
	require.NoError(t, err)
	require.Len(t, w.service.Received(topicID), 1)
	assert.Contains(t, string(w.service.Received(topicID)[0]), `"topic":"`+topicID+`"`)
}

const (
	batch  = "application/cloudevents-batch+json; charset=utf-8"
	single = "application/cloudevents+json; charset=utf-8"
)

func TestEventsAreChecked(t *testing.T) {
	cloud, grid := eventgrid.CloudEventSchemaV1_0, eventgrid.EventGridSchema
	valid := `{"id":"1","source":"/s","type":"t","specversion":"1.0"}`
	for name, c := range map[string]struct {
		schema      eventgrid.Schema
		contentType string
		body        string
		status      int
	}{
		"one CloudEvent":                       {cloud, single, valid, 200},
		"a batch of CloudEvents":               {cloud, batch, "[" + valid + "," + valid + "]", 200},
		"a batch is an array":                  {cloud, batch, valid, 400},
		"one is not an array":                  {cloud, single, "[" + valid + "]", 400},
		"all of a batch are valid":             {cloud, batch, "[" + valid + ",{}]", 400},
		"an id is required":                    {cloud, single, `{"source":"/s","type":"t","specversion":"1.0"}`, 400},
		"an id is not empty":                   {cloud, single, `{"id":"","source":"/s","type":"t","specversion":"1.0"}`, 400},
		"a type is a string":                   {cloud, single, `{"id":"1","source":"/s","type":1,"specversion":"1.0"}`, 400},
		"the version is 1.0":                   {cloud, single, `{"id":"1","source":"/s","type":"t","specversion":"0.3"}`, 400},
		"the time is one":                      {cloud, single, `{"id":"1","source":"/s","type":"t","specversion":"1.0","time":"now"}`, 400},
		"names have lower case":                {cloud, single, `{"id":"1","source":"/s","type":"t","specversion":"1.0","traceId":"x"}`, 400},
		"data comes once":                      {cloud, single, `{"id":"1","source":"/s","type":"t","specversion":"1.0","data":1,"data_base64":"AA=="}`, 400},
		"a topic has its schema":               {cloud, "application/json", "[" + valid + "]", 400},
		"the other topic has its schema":       {grid, batch, "[" + valid + "]", 400},
		"a content type is known":              {cloud, "text/plain", valid, 415},
		"an Event Grid event":                  {grid, "application/json", `[{"id":"1","subject":"s","eventType":"t","eventTime":"2026-01-02T03:04:05Z","data":{},"dataVersion":"1"}]`, 200},
		"an Event Grid event has a subject":    {grid, "application/json", `[{"id":"1","eventType":"t","eventTime":"2026-01-02T03:04:05Z","data":{},"dataVersion":"1"}]`, 400},
		"an Event Grid event has no source":    {grid, "application/json", `[{"id":"1","subject":"s","source":"/s","eventType":"t","eventTime":"2026-01-02T03:04:05Z"}]`, 400},
		"an Event Grid event has this topic":   {grid, "application/json", `[{"id":"1","subject":"s","topic":"/other","eventType":"t","eventTime":"2026-01-02T03:04:05Z"}]`, 400},
		"a request has at most a megabyte":     {cloud, single, strings.Replace(valid, "/s", strings.Repeat("s", 1<<20), 1), 413},
		"a request of just under it is served": {cloud, single, strings.Replace(valid, "/s", strings.Repeat("s", 1<<20-100), 1), 200},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, c.schema, eventgrid.Options{})
			status, body := w.post(t, c.contentType, c.body)
			assert.Equal(t, c.status, status, body)
			if c.status != 200 {
				assert.Contains(t, body, `"details":[{"code":`)
				assert.Empty(t, w.service.Received(topicID))
			}
		})
	}
}

func TestATopicThatIsNotThereDoesNotAnswer(t *testing.T) {
	w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
	resp, err := w.client.Post("https://death.westeurope-1.eventgrid.azure.net/api/events", "application/json", nil)
	if err == nil {
		resp.Body.Close()
	}
	require.Error(t, err)
}
