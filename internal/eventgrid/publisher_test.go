package eventgrid_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	topics "github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/eventgrid"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	sender  = "sender"
	topicID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.EventGrid/topics/life"
)

// identities believes tokens "<object id> <audience>" and lets the sender send.
type identities struct{}

func (identities) Authenticate(r *http.Request, audience string) (entra.Caller, error) {
	who, forWhat, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), " ")
	if forWhat != audience {
		return entra.Caller{}, errors.New("wrong audience")
	}
	return entra.Caller{ObjectID: who}, nil
}

func (identities) Allowed(objectID, _, resourceID string) bool {
	return objectID == sender && resourceID == topicID
}

type credential string

func (c credential) GetToken(_ context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(c) + " " + strings.TrimSuffix(opts.Scopes[0], "/.default"), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// world is a simulated topic.
type world struct {
	t        *testing.T
	cloud    *cloud.Cloud
	service  *topics.Service
	endpoint string
}

func start(t *testing.T) *world {
	t.Helper()
	c := clock.New()
	w := &world{t: t, cloud: cloudtest.Start(t, c), service: topics.New(c, identities{}, identities{}, topics.Options{})}
	w.cloud.Handle("*.eventgrid.azure.net", w.service)
	w.endpoint = w.service.AddTopic(topics.Topic{ID: topicID, Name: "life", Schema: topics.CloudEventSchemaV1_0})
	return w
}

func (w *world) as(who string) *eventgrid.Publisher {
	w.t.Helper()
	transport, ok := w.cloud.Client().Transport.(*http.Transport)
	require.True(w.t, ok)
	w.t.Cleanup(transport.CloseIdleConnections)
	publisher, err := eventgrid.New(w.endpoint, credential(who), transport)
	require.NoError(w.t, err)
	return publisher
}

// misbehave puts rules of faults in force.
func (w *world) misbehave(rules ...cloud.Fault) {
	w.t.Helper()
	body, err := json.Marshal(rules)
	require.NoError(w.t, err)
	w.face(http.MethodPut, "/sim/faults", string(body), nil)
}

// calls counts what the cloud has seen since the last time that anybody asked.
func (w *world) calls() int {
	w.t.Helper()
	var answer struct{ Total int }
	w.face(http.MethodGet, "/sim/calls?reset=true", "", &answer)
	return answer.Total
}

func (w *world) face(method, path, body string, into any) {
	w.t.Helper()
	address, err := w.cloud.Address(w.t.Context())
	require.NoError(w.t, err)
	request, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+address+path, strings.NewReader(body))
	require.NoError(w.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	defer response.Body.Close()
	require.Equal(w.t, http.StatusOK, response.StatusCode)
	if into != nil {
		require.NoError(w.t, json.NewDecoder(response.Body).Decode(into))
	}
}

var deployed = rotation.Event{
	ID: "app.secret.7-deployed-shop", Type: rotation.EventDeployed, Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600)),
	AppID: "app", Name: "Shop", Kind: rotation.Secret, Rotation: "app.secret.7", Target: "shop", KeyID: "key", Reason: "why",
	End: time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC), Days: 3, Owners: []string{"owner"}, Check: "access", Remedy: "grant it",
}

func TestEventsArriveAsCloudEvents(t *testing.T) {
	w := start(t)
	due := rotation.Event{ID: "due", Type: rotation.EventDue, Time: deployed.Time, AppID: "app", Name: "Shop", Kind: rotation.Certificate}
	require.NoError(t, w.as(sender).Publish(t.Context(), deployed, due))

	received := w.service.Received(topicID)
	require.Len(t, received, 2)
	assert.JSONEq(t, `{
		"specversion": "1.0", "id": "app.secret.7-deployed-shop", "source": "rekey", "type": "dev.rekey.deployed",
		"subject": "applications/app", "time": "2026-03-01T11:00:00Z", "datacontenttype": "application/json",
		"data": {"appId": "app", "name": "Shop", "kind": "secret", "rotation": "app.secret.7", "target": "shop", "keyId": "key", "reason": "why",
			"end": "2026-04-01T12:00:00Z", "days": 3, "owners": ["owner"], "check": "access", "remedy": "grant it"}
	}`, string(received[0]))
	assert.JSONEq(t, `{
		"specversion": "1.0", "id": "due", "source": "rekey", "type": "dev.rekey.due",
		"subject": "applications/app", "time": "2026-03-01T11:00:00Z", "datacontenttype": "application/json",
		"data": {"appId": "app", "name": "Shop", "kind": "certificate"}
	}`, string(received[1]))
	assert.Equal(t, 1, w.calls(), "all of them in one call")
}

// A field that is added to the event must be published too.
func TestNothingOfAnEventIsLost(t *testing.T) {
	for field, v := range reflect.ValueOf(deployed).Fields() {
		require.False(t, v.IsZero(), "the example lacks %s", field.Name)
	}
	w := start(t)
	require.NoError(t, w.as(sender).Publish(t.Context(), deployed))
	var arrived struct {
		ID, Type string
		Time     time.Time
		Data     map[string]any
	}
	require.NoError(t, json.Unmarshal(w.service.Received(topicID)[0], &arrived))
	arrived.Data["id"], arrived.Data["type"], arrived.Data["time"] = arrived.ID, arrived.Type, deployed.Time.Format(time.RFC3339)
	got, err := json.Marshal(arrived.Data)
	require.NoError(t, err)
	want, err := json.Marshal(deployed)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(got))
	assert.True(t, arrived.Time.Equal(deployed.Time))
}

func TestNoEventIsNoCall(t *testing.T) {
	w := start(t)
	require.NoError(t, w.as(sender).Publish(t.Context()))
	assert.Zero(t, w.calls())
}

func TestWhoMayNotSendIsTold(t *testing.T) {
	w := start(t)
	err := w.as("reader").Publish(t.Context(), deployed)
	assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
	assert.ErrorContains(t, err, `eventgrid: publish to "`+w.endpoint+`": 403 Forbidden: The principal associated with access token`)
	assert.ErrorContains(t, err, "; give rekey's identity the role EventGrid Data Sender on the topic")
}

func TestEveryStatusHasAClass(t *testing.T) {
	w := start(t)
	publisher := w.as(sender)
	for status, one := range map[int]struct {
		class rotation.Class
		calls int
	}{
		400: {rotation.Permanent, 1}, 401: {rotation.Denied, 1}, 403: {rotation.Denied, 1}, 404: {rotation.NotFound, 1},
		413: {rotation.Permanent, 1}, 415: {rotation.Permanent, 1}, 418: {rotation.Transient, 1},
		429: {rotation.Throttled, 4}, 500: {rotation.Transient, 4}, 503: {rotation.Transient, 4},
	} {
		w.calls()
		w.misbehave(cloud.Fault{Status: status, Code: "Code", Headers: map[string]string{"x-ms-retry-after-ms": "1"}})
		err := publisher.Publish(t.Context(), deployed)
		assert.Equal(t, one.class, rotation.ClassOf(err), status)
		assert.ErrorContains(t, err, " Code: This answer was asked for with PUT /sim/faults.")
		assert.Equal(t, one.calls, w.calls(), "the SDK's own repetitions: %d", status)
	}
	assert.Empty(t, w.service.Received(topicID))
}

func TestAThrottleSaysWhenToComeBack(t *testing.T) {
	w := start(t)
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "soon": 0, "-1": 0} {
		w.misbehave(cloud.Fault{Status: 429, Headers: map[string]string{"x-ms-retry-after-ms": "1", "Retry-After": text}})
		assert.Equal(t, want, rotation.AfterOf(w.as(sender).Publish(t.Context(), deployed)), text)
	}
}

// The SDK asks again, and the repetition has the same id.
func TestAnEventWhoseAnswerWasLostComesTwice(t *testing.T) {
	w := start(t)
	w.misbehave(cloud.Fault{Lose: true, Count: new(1)})
	require.NoError(t, w.as(sender).Publish(t.Context(), deployed))
	received := w.service.Received(topicID)
	require.Len(t, received, 2)
	assert.JSONEq(t, string(received[0]), string(received[1]))
}

func TestAnAnswerWithoutWordsIsAnError(t *testing.T) {
	w := start(t)
	w.misbehave(cloud.Fault{Status: 400, Body: json.RawMessage(`"<html>"`)})
	err := w.as(sender).Publish(t.Context(), deployed)
	assert.EqualError(t, err, `eventgrid: publish to "`+w.endpoint+`": 400 Bad Request: no explanation`)
}

func TestTheContextEndsACall(t *testing.T) {
	w := start(t)
	w.misbehave(cloud.Fault{Latency: "1h"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := w.as(sender).Publish(ctx, deployed)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
}
