package resourcemanager_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const (
	tenant = "11111111-1111-1111-1111-111111111111"
	sub    = "22222222-2222-2222-2222-222222222222"
	owner  = "aaaaaaaa-0000-0000-0000-000000000001"
	app    = "bbbbbbbb-0000-0000-0000-000000000002"
	fresh  = "cccccccc-0000-0000-0000-000000000003"

	guid1 = "00000000-0000-4000-8000-000000000001"
	guid2 = "00000000-0000-4000-8000-000000000002"
)

// tokens are "<object id> <audience>": who says who they are is believed.
type tokens struct{}

func (tokens) Authenticate(r *http.Request, audience string) (entra.Caller, error) {
	who, forWhat, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), " ")
	if strings.TrimRight(forWhat, "/") == "https://management.core.windows.net" {
		forWhat = audience // its other name
	}
	if forWhat != audience {
		return entra.Caller{}, errors.New("wrong audience")
	}
	return entra.Caller{ObjectID: who, AppID: "app-of-" + who, TenantID: tenant}, nil
}

// ServicePrincipalVisible knows everyone but the fresh one.
func (tokens) ServicePrincipalVisible(objectID string) bool { return objectID != fresh }

type credential string

func (c credential) GetToken(_ context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{
		Token:     string(c) + " " + strings.TrimSuffix(opts.Scopes[0], "/.default"),
		ExpiresOn: time.Now().Add(time.Hour),
	}, nil
}

type world struct {
	clock   *clock.Clock
	service *resourcemanager.Service
	client  *http.Client
}

// start serves one subscription with a group, whose owner is the owner.
func start(t *testing.T, options resourcemanager.Options) *world {
	t.Helper()
	clk := clock.New()
	s := resourcemanager.New(clk, tokens{}, tokens{}, tenant, options)
	s.AddSubscription(sub, "Team")
	s.AddResourceGroup(sub, "Rg", "westeurope")
	s.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: "/subscriptions/" + sub, RoleID: resourcemanager.Owner, PrincipalID: owner})
	front := cloudtest.Start(t, clk)
	front.Handle("management.azure.com", s)
	return &world{clock: clk, service: s, client: front.Client()}
}

func (w *world) grant(who, role, scope string) {
	w.service.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: scope, RoleID: role, PrincipalID: who})
}

func (w *world) options(version string) *arm.ClientOptions {
	return &arm.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: w.client, APIVersion: version, Retry: policy.RetryOptions{MaxRetries: -1},
	}, DisableRPRegistration: true}
}

func (w *world) vaults(t *testing.T, who string) *armkeyvault.VaultsClient {
	t.Helper()
	client, err := armkeyvault.NewVaultsClient(sub, credential(who), w.options("2026-02-01"))
	require.NoError(t, err)
	return client
}

func (w *world) roles(t *testing.T, who string) *armauthorization.RoleAssignmentsClient {
	t.Helper()
	client, err := armauthorization.NewRoleAssignmentsClient(sub, credential(who), w.options(""))
	require.NoError(t, err)
	return client
}

// raw sends a request as the SDK would not.
func (w *world) raw(t *testing.T, method, path, who, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://management.azure.com"+path, strings.NewReader(body))
	require.NoError(t, err)
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+who+" https://management.azure.com")
	}
	resp, err := w.client.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(text)
}

func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	var response *azcore.ResponseError
	require.ErrorAs(t, err, &response)
	assert.Equal(t, status, response.StatusCode)
	assert.Equal(t, code, response.ErrorCode)
}
