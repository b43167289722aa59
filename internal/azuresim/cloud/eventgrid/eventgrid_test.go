package eventgrid_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/eventgrid/azeventgrid"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
)

const (
	sender  = "sender"
	topicID = "/subscriptions/s/resourceGroups/Rg/providers/Microsoft.EventGrid/topics/life"
	vaultID = "/subscriptions/s/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults/safe"
	key     = "not-a-real-key"
)

// identity believes tokens "<object id> <audience>" and lets the sender send.
type identity struct{}

func (identity) Authenticate(r *http.Request, audience string) (entra.Caller, error) {
	who, forWhat, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), " ")
	if forWhat != audience {
		return entra.Caller{}, errors.New("wrong audience")
	}
	return entra.Caller{ObjectID: who}, nil
}

func (identity) Allowed(objectID, dataAction, resourceID string) bool {
	return objectID == sender && dataAction == "Microsoft.EventGrid/events/send/action" && resourceID == topicID
}

type credential string

func (c credential) GetToken(_ context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{
		Token:     string(c) + " " + strings.TrimSuffix(opts.Scopes[0], "/.default"),
		ExpiresOn: time.Now().Add(time.Hour),
	}, nil
}

type world struct {
	clock    *clock.Clock
	service  *eventgrid.Service
	client   *http.Client
	endpoint string
}

// start serves one topic with that schema.
func start(t *testing.T, schema eventgrid.Schema, options eventgrid.Options) *world {
	t.Helper()
	clk := clock.New()
	s := eventgrid.New(clk, identity{}, identity{}, options)
	endpoint := s.AddTopic(eventgrid.Topic{ID: topicID, Name: "life", Schema: schema, Key: key})
	front := cloudtest.Start(t, clk)
	front.Handle("*.eventgrid.azure.net", s)
	return &world{clock: clk, service: s, client: front.Client(), endpoint: endpoint}
}

func (w *world) as(t *testing.T, who string) *azeventgrid.Client {
	t.Helper()
	client, err := azeventgrid.NewClient(w.endpoint, credential(who), &azeventgrid.ClientOptions{ClientOptions: w.options()})
	require.NoError(t, err)
	return client
}

func (w *world) with(t *testing.T, key string) *azeventgrid.Client {
	t.Helper()
	client, err := azeventgrid.NewClientWithSharedKeyCredential(w.endpoint, azcore.NewKeyCredential(key), &azeventgrid.ClientOptions{ClientOptions: w.options()})
	require.NoError(t, err)
	return client
}

func (w *world) options() azcore.ClientOptions {
	return azcore.ClientOptions{Transport: w.client, Retry: policy.RetryOptions{MaxRetries: -1}}
}

// post sends a request as the SDK would not.
func (w *world) post(t *testing.T, contentType, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", w.endpoint, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("aeg-sas-key", key)
	resp, err := w.client.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

// request is what a webhook got.
type request struct {
	header http.Header
	body   string
}

// webhook passes the handshake of either schema and hands on what it gets; it
// answers the statuses in turn, and 200 when there is none left.
func webhook(t *testing.T, statuses ...int) (url string, got <-chan request) {
	t.Helper()
	requests := make(chan request, 100)
	answers := make(chan int, len(statuses))
	for _, status := range statuses {
		answers <- status
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Method == http.MethodOptions:
			w.Header().Set("WebHook-Allowed-Origin", r.Header.Get("WebHook-Request-Origin"))
		case r.Header.Get("aeg-event-type") == "SubscriptionValidation":
			_ = json.NewEncoder(w).Encode(map[string]string{"validationResponse": codeIn(body)})
		default:
			select {
			case status := <-answers:
				w.WriteHeader(status)
			default:
			}
			requests <- request{r.Header, string(body)}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func codeIn(body []byte) string {
	var events []struct {
		Data struct{ ValidationCode string }
	}
	if err := json.Unmarshal(body, &events); err != nil || len(events) != 1 {
		return ""
	}
	return events[0].Data.ValidationCode
}

func next(t *testing.T, got <-chan request) request {
	t.Helper()
	select {
	case r := <-got:
		return r
	case <-time.After(5 * time.Second):
		require.FailNow(t, "nothing was delivered")
		return request{}
	}
}
