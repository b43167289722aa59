package graph_test

import (
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/microsoftgraph/msgraph-sdk-go/applications"
	"github.com/microsoftgraph/msgraph-sdk-go/applicationswithappid"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
)

// The way that matters most: a managed identity adds a secret, and the secret works.
func TestManagedIdentityRotatesASecret(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	identity := n.directory.AddManagedIdentity("functions", entra.RoleApplicationReadWriteOwnedBy)
	app := n.directory.AddApplication(entra.Application{DisplayName: "shop", Owners: []string{identity.ObjectID}})
	n.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: app.AppID, DisplayName: "shop"})
	address, err := n.cloud.Address(t.Context())
	require.NoError(t, err)
	t.Setenv("IDENTITY_ENDPOINT", "http://"+address+"/msi/token")
	t.Setenv("IDENTITY_HEADER", n.directory.IdentityHeader())
	credential, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: n.options()})
	require.NoError(t, err)
	client, adapter := n.sdk(credential)

	found, err := applicationswithappid.NewApplicationsWithAppIdRequestBuilderInternal(
		map[string]string{"baseurl": adapter.GetBaseUrl()}, adapter, &app.AppID).Get(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, app.ObjectID, *found.GetId())

	secret := addPassword(t, client, app.ObjectID, "new")
	listed, err := client.ByApplicationId(app.ObjectID).Get(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, listed.GetPasswordCredentials(), 1)
	assert.Nil(t, listed.GetPasswordCredentials()[0].GetSecretText(), "a secret is shown once")

	_, err = n.secretCredential(app.AppID, *secret.GetSecretText()).GetToken(t.Context(), vaultScope())
	require.NoError(t, err)

	body := applications.NewItemRemovePasswordPostRequestBody()
	body.SetKeyId(secret.GetKeyId())
	require.NoError(t, client.ByApplicationId(app.ObjectID).RemovePassword().Post(t.Context(), body, nil))
	_, err = n.secretCredential(app.AppID, *secret.GetSecretText()).GetToken(t.Context(), vaultScope())
	assert.ErrorContains(t, err, "AADSTS7000215")
}

func vaultScope() policy.TokenRequestOptions {
	return policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}}
}

func addPassword(t *testing.T, client *applications.ApplicationsRequestBuilder, objectID, name string) models.PasswordCredentialable {
	t.Helper()
	credential := models.NewPasswordCredential()
	credential.SetDisplayName(&name)
	body := applications.NewItemAddPasswordPostRequestBody()
	body.SetPasswordCredential(credential)
	added, err := client.ByApplicationId(objectID).AddPassword().Post(t.Context(), body, nil)
	require.NoError(t, err)
	return added
}
