package devops_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/accounts"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/core"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/profile"
	"github.com/microsoft/azure-devops-go-api/azuredevops/v7/serviceendpoint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
)

// official is the official client, which finds every resource by OPTIONS.
func (w *world) official(base string) azuredevops.Client {
	connection := &azuredevops.Connection{AuthorizationString: "Bearer " + w.token, BaseUrl: base, SuppressFedAuthRedirect: true}
	return *azuredevops.NewClientWithOptions(connection, base, azuredevops.WithHTTPClient(w.front.Client()))
}

func TestTheOfficialClientFindsItsWay(t *testing.T) {
	w := start(t, devops.Options{PageSize: 1})
	ctx := t.Context()
	profiles := w.official("https://" + devops.ProfileHost)
	me, err := (&profile.ClientImpl{Client: profiles}).GetProfile(ctx, profile.GetProfileArgs{Id: new("me")})
	require.NoError(t, err)
	organizations, err := (&accounts.ClientImpl{Client: profiles}).GetAccounts(ctx, accounts.GetAccountsArgs{MemberId: me.Id})
	require.NoError(t, err)
	require.Len(t, *organizations, 1)
	assert.Equal(t, "Fabrikam", *(*organizations)[0].AccountName)

	here := w.official("https://dev.azure.com/fabrikam")
	areas, err := here.GetResourceAreas(ctx)
	require.NoError(t, err)
	require.Len(t, *areas, 4)
	projects := &core.ClientImpl{Client: here}
	page, err := projects.GetProjects(ctx, core.GetProjectsArgs{})
	require.NoError(t, err)
	require.Len(t, page.Value, 1)
	assert.Equal(t, "Shop floor", *page.Value[0].Name)
	assert.Equal(t, "1", page.ContinuationToken)
	page, err = projects.GetProjects(ctx, core.GetProjectsArgs{ContinuationToken: new(1)})
	require.NoError(t, err)
	assert.Equal(t, "Web", *page.Value[0].Name)
	assert.Empty(t, page.ContinuationToken)
}

func TestTheOfficialClientReplacesASecret(t *testing.T) {
	w := start(t, devops.Options{})
	ctx := t.Context()
	client := &serviceendpoint.ClientImpl{Client: w.official("https://dev.azure.com/fabrikam")}
	found, err := client.GetServiceEndpoints(ctx, serviceendpoint.GetServiceEndpointsArgs{Project: new("Web"), Type: new("AzureRM")})
	require.NoError(t, err)
	require.Len(t, *found, 1)
	named, err := client.GetServiceEndpointsByNames(ctx, serviceendpoint.GetServiceEndpointsByNamesArgs{Project: new("Web"), EndpointNames: &[]string{"azure"}})
	require.NoError(t, err)
	require.Len(t, *named, 1)

	id := uuid.MustParse(w.connection)
	endpoint, err := client.GetServiceEndpointDetails(ctx, serviceendpoint.GetServiceEndpointDetailsArgs{Project: new("Web"), EndpointId: &id})
	require.NoError(t, err)
	assert.Empty(t, (*endpoint.Authorization.Parameters)["serviceprincipalkey"], "masked")
	(*endpoint.Authorization.Parameters)["serviceprincipalkey"] = w.secret + "wrong"
	_, err = client.UpdateServiceEndpoint(ctx, serviceendpoint.UpdateServiceEndpointArgs{Endpoint: endpoint, EndpointId: &id})
	require.NoError(t, err)

	test := serviceendpoint.ExecuteServiceEndpointRequestArgs{
		Project: new("Web"), EndpointId: &w.connection,
		ServiceEndpointRequest: &serviceendpoint.ServiceEndpointRequest{
			DataSourceDetails: &serviceendpoint.DataSourceDetails{DataSourceName: new("TestConnection")},
		},
	}
	result, err := client.ExecuteServiceEndpointRequest(ctx, test)
	require.NoError(t, err)
	assert.Equal(t, "badRequest", *result.StatusCode)
	assert.Contains(t, *result.ErrorMessage, "AADSTS7000215: Invalid client secret provided.")
	(*endpoint.Authorization.Parameters)["serviceprincipalkey"] = w.secret
	_, err = client.UpdateServiceEndpoint(ctx, serviceendpoint.UpdateServiceEndpointArgs{Endpoint: endpoint, EndpointId: &id})
	require.NoError(t, err)
	result, err = client.ExecuteServiceEndpointRequest(ctx, test)
	require.NoError(t, err)
	assert.Equal(t, "ok", *result.StatusCode)
}

func TestTheOfficialClientReadsTheErrors(t *testing.T) {
	w := start(t, devops.Options{})
	w.service.SetRole("Fabrikam", w.connection, w.caller.ObjectID, devops.User)
	client := &serviceendpoint.ClientImpl{Client: w.official("https://dev.azure.com/fabrikam")}
	id := uuid.MustParse(w.connection)
	_, err := client.UpdateServiceEndpoint(t.Context(), serviceendpoint.UpdateServiceEndpointArgs{Endpoint: &serviceendpoint.ServiceEndpoint{}, EndpointId: &id})
	var wrapped azuredevops.WrappedError
	require.ErrorAs(t, err, &wrapped)
	assert.Equal(t, 403, *wrapped.StatusCode)
	assert.Equal(t, "ServiceEndpointAccessDeniedException", *wrapped.TypeKey)
	assert.Contains(t, *wrapped.Message, "You need to be an Administrator of the service endpoint")
}
