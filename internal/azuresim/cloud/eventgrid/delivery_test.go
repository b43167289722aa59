package eventgrid_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
)

func (w *world) subscribe(t *testing.T, s eventgrid.Subscription) {
	t.Helper()
	require.NoError(t, w.service.Subscribe(t.Context(), s))
}

func (w *world) raise(kind, subject string) {
	w.service.Raise(eventgrid.SystemEvent{Source: vaultID, Type: kind, Subject: subject, Since: w.clock.Now(), Data: map[string]string{"ObjectName": subject}})
}

// settled waits until the counts of the one subscription are what they should be.
func (w *world) settled(t *testing.T, attempts, delivered, deadLettered int) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		state := w.service.State().Subscriptions[0]
		assert.Equal(c, []int{attempts, delivered, deadLettered}, []int{state.Attempts, state.Delivered, state.DeadLettered})
	}, 5*time.Second, time.Millisecond)
}

func TestSystemEventsAreDelivered(t *testing.T) {
	w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
	url, got := webhook(t)
	w.subscribe(t, eventgrid.Subscription{Name: "near", Source: vaultID, Endpoint: url})
	w.raise("Microsoft.KeyVault.SecretNearExpiry", "db")

	r := next(t, got)
	assert.Equal(t, "Notification", r.header.Get("aeg-event-type"))
	assert.Equal(t, "NEAR", r.header.Get("aeg-subscription-name"))
	assert.Equal(t, "0", r.header.Get("aeg-delivery-count"))
	assert.Regexp(t, `^\[\{"id":"[0-9a-f-]{36}","topic":"`+vaultID+`","subject":"db","eventType":"Microsoft.KeyVault.SecretNearExpiry","eventTime":"20[^"]*\.\d{7}Z","data":\{"ObjectName":"db"\},"dataVersion":"1","metadataVersion":"1"\}\]$`, r.body)
	w.settled(t, 1, 1, 0)
	assert.Len(t, w.service.State().SystemEvents, 1)
}

func TestSystemEventsAreDeliveredAsCloudEvents(t *testing.T) {
	w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
	url, got := webhook(t)
	w.subscribe(t, eventgrid.Subscription{Name: "near", Source: vaultID, Endpoint: url, Schema: eventgrid.CloudEventSchemaV1_0})
	w.raise("Microsoft.KeyVault.SecretNearExpiry", "db")
	r := next(t, got)
	assert.Equal(t, single, r.header.Get("Content-Type"))
	assert.Regexp(t, `^\{"id":"[0-9a-f-]{36}","source":"`+vaultID+`","subject":"db","type":"Microsoft.KeyVault.SecretNearExpiry","time":"[^"]*","data":\{"ObjectName":"db"\},"specversion":"1.0"\}$`, r.body)
}

func TestPublishedEventsAreDeliveredOneByOneOrInBatches(t *testing.T) {
	w := start(t, eventgrid.CloudEventSchemaV1_0, eventgrid.Options{})
	one, gotOne := webhook(t)
	many, gotMany := webhook(t)
	w.subscribe(t, eventgrid.Subscription{Name: "one", Source: topicID, Endpoint: one, Schema: eventgrid.CloudEventSchemaV1_0})
	w.subscribe(t, eventgrid.Subscription{Name: "many", Source: topicID, Endpoint: many, Schema: eventgrid.CloudEventSchemaV1_0, MaxEventsPerBatch: 2})
	_, err := w.as(t, sender).PublishCloudEvents(t.Context(), cloudEvents(t, "a", "b", "c"), nil)
	require.NoError(t, err)

	for range 3 {
		assert.Contains(t, next(t, gotOne).body, `"traceid":"t"`)
	}
	sizes := map[string]int{}
	for range 2 {
		r := next(t, gotMany)
		assert.Equal(t, batch, r.header.Get("Content-Type"))
		sizes[r.body[:1]]++
	}
	assert.Equal(t, map[string]int{"[": 2}, sizes)
	assert.Error(t, w.service.Subscribe(t.Context(), eventgrid.Subscription{Name: "other", Source: topicID, Endpoint: one}), "CloudEvents have no other schema")
}

func TestSubscriptionsFilter(t *testing.T) {
	w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
	url, got := webhook(t)
	w.subscribe(t, eventgrid.Subscription{Name: "near", Source: vaultID, Endpoint: url,
		EventTypes: []string{"Near", "Expired"}, SubjectBeginsWith: "App-", SubjectEndsWith: "-db"})
	early := eventgrid.SystemEvent{Source: vaultID, Type: "Near", Subject: "app-early-db", Since: w.clock.Now().Add(-time.Hour)}
	w.service.Raise(early)
	w.service.Raise(eventgrid.SystemEvent{Source: vaultID + "2", Type: "Near", Subject: "app-elsewhere-db", Since: w.clock.Now()})
	w.raise("New", "app-type-db")
	w.raise("Near", "other-db")
	w.raise("Near", "app-other")
	w.raise("near", "app-1-db")
	assert.Contains(t, next(t, got).body, `"subject":"app-1-db"`)
	w.settled(t, 1, 1, 0)
}

// after moves time on to just before and then past a wait, and returns what is
// delivered only then. A delivery to somebody else gives an early one time to show.
func (w *world) after(t *testing.T, wait time.Duration, got <-chan request) request {
	t.Helper()
	w.clock.Advance(wait - time.Second)
	other, between := webhook(t)
	w.subscribe(t, eventgrid.Subscription{Name: "other", Source: topicID, Endpoint: other})
	w.service.Raise(eventgrid.SystemEvent{Source: topicID, Since: w.clock.Now()})
	next(t, between)
	w.service.UnsubscribeAll(topicID)
	require.Empty(t, got, "not before its time")
	w.clock.Advance(time.Second)
	return next(t, got)
}

func TestDeliveryIsRetriedForADay(t *testing.T) {
	w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
	url, got := webhook(t, slices.Repeat([]int{500}, 20)...)
	w.subscribe(t, eventgrid.Subscription{Name: "near", Source: vaultID, Endpoint: url})
	w.raise("Near", "db")
	first := next(t, got)
	for attempt, wait := range []time.Duration{
		10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute,
		30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		w.settled(t, attempt+1, 0, 0)
		r := w.after(t, wait, got)
		assert.Equal(t, strconv.Itoa(attempt+1), r.header.Get("aeg-delivery-count"))
		assert.Equal(t, first.body, r.body)
	}
	w.settled(t, 11, 0, 1)
}

func TestSomeAnswersMakeTheWaitLonger(t *testing.T) {
	for status, wait := range map[int]time.Duration{404: 5 * time.Minute, 408: 2 * time.Minute, 503: 30 * time.Second} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
			url, got := webhook(t, status)
			w.subscribe(t, eventgrid.Subscription{Name: "near", Source: vaultID, Endpoint: url})
			w.raise("Near", "db")
			next(t, got)
			w.settled(t, 1, 0, 0)
			w.after(t, wait, got)
			w.settled(t, 2, 1, 0)
		})
	}
}

func TestWithoutASubscriptionNothingIsTriedAgain(t *testing.T) {
	for name, unsubscribe := range map[string]func(*world){
		"one is removed":  func(w *world) { w.service.Unsubscribe(vaultID, "near") },
		"all are removed": func(w *world) { w.service.UnsubscribeAll(vaultID) },
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
			url, got := webhook(t, 500)
			other, later := webhook(t)
			w.subscribe(t, eventgrid.Subscription{Name: "near", Source: vaultID, Endpoint: url})
			w.subscribe(t, eventgrid.Subscription{Name: "near", Source: topicID, Endpoint: other})
			w.raise("Near", "db")
			next(t, got)
			w.settled(t, 1, 0, 0)
			unsubscribe(w)
			w.clock.Advance(10 * time.Second)
			require.Len(t, w.service.State().Subscriptions, 1)
			w.service.Raise(eventgrid.SystemEvent{Source: topicID, Type: "Near", Since: w.clock.Now()})
			next(t, later)
			assert.Empty(t, got)
		})
	}
}

func TestRetriesCanBeHurried(t *testing.T) {
	w := start(t, eventgrid.EventGridSchema, eventgrid.Options{RetryScale: 0.0001})
	url, got := webhook(t, 500, 500)
	w.subscribe(t, eventgrid.Subscription{Name: "near", Source: vaultID, Endpoint: url})
	w.raise("Near", "db")
	for range 3 {
		next(t, got)
	}
	w.settled(t, 3, 1, 0)
}

func TestSomeEventsAreGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		status   int
		attempts int
		ttl      time.Duration
	}{
		"a bad request is not tried again":   {http.StatusBadRequest, 1, 0},
		"a forbidden one is not tried again": {http.StatusForbidden, 1, 0},
		"one too large is not tried again":   {http.StatusRequestEntityTooLarge, 1, 0},
		"others are tried as often as asked": {http.StatusInternalServerError, 2, 0},
		"others are tried as long as asked":  {http.StatusInternalServerError, 1, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
			url, _ := webhook(t, c.status, c.status)
			w.subscribe(t, eventgrid.Subscription{Name: "near", Source: vaultID, Endpoint: url, MaxDeliveryAttempts: 2, EventTimeToLive: c.ttl})
			w.raise("Near", "db")
			for range c.attempts - 1 {
				w.settled(t, 1, 0, 0)
				w.clock.Advance(time.Minute)
			}
			w.settled(t, c.attempts, 0, 1)
		})
	}
}

func TestAnEndpointMustPassTheHandshake(t *testing.T) {
	for name, c := range map[string]struct {
		schema eventgrid.Schema
		answer http.HandlerFunc
	}{
		"an answer without the code": {eventgrid.EventGridSchema, func(w http.ResponseWriter, r *http.Request) {}},
		"a code that comes with 202": {eventgrid.EventGridSchema, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(202)
			_, _ = w.Write([]byte(`{"validationResponse":"` + codeIn(body) + `"}`))
		}},
		"an origin that is not allowed": {eventgrid.CloudEventSchemaV1_0, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WebHook-Allowed-Origin", "elsewhere")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
			err := w.service.Subscribe(t.Context(), eventgrid.Subscription{Name: "near", Source: vaultID, Endpoint: server.URL + "?code=not-a-real-key", Schema: c.schema})
			assert.ErrorContains(t, err, `eventgrid: validate the endpoint of subscription "near"`)
			assert.Empty(t, w.service.State().Subscriptions)
		})
	}
	w := start(t, eventgrid.EventGridSchema, eventgrid.Options{})
	err := w.service.Subscribe(t.Context(), eventgrid.Subscription{Name: "near", Source: vaultID, Endpoint: "http://127.0.0.1:1/?code=not-a-real-key"})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "not-a-real-key")
}
