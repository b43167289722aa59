package keyvault_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

const (
	tenant = "11111111-1111-1111-1111-111111111111"
	alice  = "aaaaaaaa-0000-0000-0000-000000000001"
	bob    = "bbbbbbbb-0000-0000-0000-000000000002"

	vaultID = "/subscriptions/s/resourceGroups/Team/providers/Microsoft.KeyVault/vaults/safe"
)

// tokens are "<object id> <audience>": who says who they are is believed.
type tokens struct{}

func (tokens) Authenticate(r *http.Request, audience string) (entra.Caller, error) {
	who, forWhat, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), " ")
	if forWhat != audience {
		return entra.Caller{}, errors.New("wrong audience")
	}
	return entra.Caller{ObjectID: who, AppID: "app-of-" + who, TenantID: tenant}, nil
}

type credential string

func (c credential) GetToken(_ context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{
		Token:     string(c) + " " + strings.TrimSuffix(opts.Scopes[0], "/.default"),
		ExpiresOn: time.Now().Add(time.Hour),
	}, nil
}

// access is Resource Manager with one vault.
type access struct {
	mu      sync.Mutex
	vault   keyvault.Vault
	gone    bool
	granted map[string]bool // "principal action resource"
}

func (a *access) Vault(name string) (keyvault.Vault, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.vault, !a.gone && strings.EqualFold(name, a.vault.Name)
}

func (a *access) Allowed(objectID, dataAction, resourceID string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.granted[objectID+" "+dataAction+" "+resourceID]
}

func (a *access) change(f func(*access)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(a)
}

// events remembers what was raised.
type events chan eventgrid.SystemEvent

func (e events) Raise(event eventgrid.SystemEvent) { e <- event }

func (e events) next(t *testing.T) eventgrid.SystemEvent {
	t.Helper()
	select {
	case event := <-e:
		return event
	case <-time.After(5 * time.Second):
		require.FailNow(t, "no event")
		return eventgrid.SystemEvent{}
	}
}

type world struct {
	clock   *clock.Clock
	access  *access
	events  events
	service *keyvault.Service
	client  *http.Client
}

// start serves a vault by access policy, with every right for alice.
func start(t *testing.T, options keyvault.Options) *world {
	t.Helper()
	clk := clock.New()
	w := &world{
		clock: clk,
		access: &access{granted: map[string]bool{}, vault: keyvault.Vault{
			ID: vaultID, Instance: "1", Name: "safe", Location: "westeurope", TenantID: tenant, RetentionDays: 90,
			Policies: []keyvault.AccessPolicy{{TenantID: tenant, ObjectID: alice, Permissions: keyvault.Permissions{
				Secrets:      []string{"get", "list", "set", "delete", "recover", "purge"},
				Certificates: []string{"get", "list", "import", "update", "delete", "recover", "purge"}}}},
		}},
		events: make(events, 1000),
	}
	w.service = keyvault.New(clk, tokens{}, w.access, w.events, options)
	front := cloudtest.Start(t, clk)
	front.Handle("*.vault.azure.net", w.service)
	w.client = front.Client()
	return w
}

func (w *world) as(t *testing.T, who string) *azsecrets.Client {
	t.Helper()
	client, err := azsecrets.NewClient("https://safe.vault.azure.net", credential(who), &azsecrets.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: w.client, Retry: policy.RetryOptions{MaxRetries: -1}},
	})
	require.NoError(t, err)
	return client
}

// raw sends a request as the SDK would not.
func (w *world) raw(t *testing.T, method, path, who, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://safe.vault.azure.net"+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+who+" https://vault.azure.net")
	}
	resp, err := w.client.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(text)
}

// refused checks status, code and inner code of an SDK's error.
func refused(t *testing.T, err error, status int, code, inner string) {
	t.Helper()
	var response *azcore.ResponseError
	require.ErrorAs(t, err, &response)
	assert.Equal(t, status, response.StatusCode)
	assert.Equal(t, code, response.ErrorCode)
	var body struct {
		Error struct {
			Inner struct{ Code string } `json:"innererror"`
		}
	}
	require.NoError(t, json.NewDecoder(response.RawResponse.Body).Decode(&body))
	assert.Equal(t, inner, body.Error.Inner.Code)
}

func set(t *testing.T, c *azsecrets.Client, name, value string) azsecrets.SetSecretResponse {
	t.Helper()
	resp, err := c.SetSecret(t.Context(), name, azsecrets.SetSecretParameters{Value: &value}, nil)
	require.NoError(t, err)
	return resp
}
