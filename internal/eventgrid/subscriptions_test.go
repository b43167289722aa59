package eventgrid_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	topics "github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid/control"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/eventgrid"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	group = "/subscriptions/" + cloudtest.Subscription + "/resourceGroups/apps"
	shop  = group + "/providers/Microsoft.KeyVault/vaults/shop"
	topic = group + "/providers/Microsoft.EventGrid/systemTopics/shop"
	site  = group + "/providers/Microsoft.Web/sites/rekey"
)

// believed is a token that says who its caller is.
type believed string

func (b believed) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(b), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// listed is Event Grid behind Resource Manager, read by somebody with a role.
type listed struct {
	*topics.Service
	manager *cloudtest.Manager
	hook    string
}

func startListed(t *testing.T) *listed {
	t.Helper()
	l := &listed{manager: cloudtest.StartManager(t)}
	l.Service = topics.New(l.manager.Clock, identities{}, identities{}, topics.Options{})
	l.manager.Mount(control.Operations(l.Service)...)
	l.manager.Allow("reader", resourcemanager.Reader, group)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		_, code, _ := strings.Cut(string(text), `"validationCode":"`)
		code, _, _ = strings.Cut(code, `"`)
		_, _ = io.WriteString(w, `{"validationResponse":"`+code+`"}`)
	}))
	t.Cleanup(hook.Close)
	l.hook = hook.URL
	return l
}

func (l *listed) as(t *testing.T, who, app string) eventgrid.Subscriptions {
	options := azcore.ClientOptions{Transport: outbound.To(l.manager.Transport(t), "management.azure.com"), Retry: policy.RetryOptions{MaxRetries: -1}}
	return eventgrid.Subscriptions{Credential: believed(who), ClientOptions: options, Site: app}
}

func TestSubscriptionsAreReadInBothForms(t *testing.T) {
	l := startListed(t)
	all, err := l.as(t, "reader", "rekey").To(t.Context(), shop)
	require.NoError(t, err)
	assert.Empty(t, all)

	l.AddSystemTopic(topics.SystemTopic{ID: topic, Source: shop})
	l.AddSystemTopic(topics.SystemTopic{ID: topic + "2", Source: shop + "2"})
	hook := l.hook + "/runtime/webhooks/eventgrid?functionName=nearexpiry&code=secret"
	types := []string{"Microsoft.KeyVault.SecretNearExpiry"}
	for _, s := range []topics.Subscription{
		{Name: "direct", Source: shop, Endpoint: hook, Function: site + "/functions/nearexpiry", EventTypes: types},
		{Name: "under", Source: shop, SystemTopic: topic, Endpoint: hook, Function: site + "/functions/nearexpiry"},
		{Name: "other-app", Source: shop, Endpoint: hook, Function: site + "2/functions/nearexpiry"},
		{Name: "hook", Source: shop, Endpoint: hook},
		{Name: "elsewhere", Source: shop + "2", Endpoint: hook},
	} {
		require.NoError(t, l.Subscribe(t.Context(), s))
	}
	functions := func(app string) map[string]string {
		all, err := l.as(t, "reader", app).To(t.Context(), shop)
		require.NoError(t, err)
		found := map[string]string{}
		for _, s := range all {
			found[s.Name] = s.Function
			assert.WithinDuration(t, l.manager.Clock.Now(), s.Created, time.Minute)
		}
		return found
	}
	assert.Equal(t, map[string]string{"direct": "nearexpiry", "under": "nearexpiry", "other-app": "", "hook": ""}, functions("rekey"))
	assert.Equal(t, map[string]string{"direct": "nearexpiry", "under": "nearexpiry", "other-app": "nearexpiry", "hook": "nearexpiry"}, functions(""))
	all, err = l.as(t, "reader", "rekey").To(t.Context(), shop)
	require.NoError(t, err)
	assert.Equal(t, doctor.Subscription{Name: "direct", Function: "nearexpiry", EventTypes: types, Created: all[0].Created}, all[0])
}

func TestWhoMayNotReadSubscriptionsIsTold(t *testing.T) {
	l := startListed(t)
	_, err := l.as(t, "nobody", "").To(t.Context(), shop)
	assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
	assert.ErrorContains(t, err, `eventgrid: list subscriptions to "`+shop+`": 403 AuthorizationFailed: `)
	assert.ErrorContains(t, err, "; assign rekey's identity Reader on the vault's resource group and on that of its system topic")
	_, err = l.as(t, "reader", "").To(t.Context(), "shop")
	assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
}

// FuzzSubscriptions gives any answer to what lists subscriptions.
func FuzzSubscriptions(f *testing.F) {
	cloudtest.Seed(f,
		cloudtest.Answer{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"value":[{"name":"x","properties":{"destination":{"endpointType":"AzureFunction","properties":{"resourceId":"` + site + `/functions/nearexpiry"}},"filter":{"includedEventTypes":[null]}}}]}`)},
		cloudtest.Answer{Status: 200, Header: http.Header{}, Body: []byte(`{"value":[null,{"properties":null},{"properties":{"destination":{"endpointType":"WebHook","properties":{"endpointBaseUrl":":"}}}}]}`)},
		cloudtest.Answer{Status: 403, Header: http.Header{}, Body: []byte(`{"error":{"code":"AuthorizationFailed","message":"No."}}`)},
	)
	f.Fuzz(func(t *testing.T, _, status int, retryAfter, contentType string, body []byte, endless bool) {
		odd := cloudtest.Odd(status, retryAfter, contentType, body, endless, "")
		said := cloudtest.Says(odd)
		s := eventgrid.Subscriptions{Credential: believed("reader"), Site: "rekey", ClientOptions: azcore.ClientOptions{
			Transport: outbound.To(cloudtest.Through(said), "management.azure.com"), Retry: policy.RetryOptions{MaxRetries: -1},
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := s.To(ctx, shop)
		assert.NotContains(t, said.Hosts(), cloudtest.Elsewhere)
		if err != nil {
			targettest.AssertFault(t, err)
		}
	})
}
