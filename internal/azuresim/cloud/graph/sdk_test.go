package graph_test

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/google/uuid"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/applications"
	"github.com/microsoftgraph/msgraph-sdk-go/applicationswithappid"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/serviceprincipals"
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

// A certificate is registered by a PATCH that keeps the other ones, and signs in.
func TestACertificateIsRegisteredAndSignsIn(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	app := n.owned("shop")
	now := time.Now()
	old := entra.NewKey(quickCertificate(t, now.Add(-time.Hour), now.Add(time.Hour)))
	app.Keys = []entra.Key{old}
	n.directory.PutApplication(app)
	client, _ := n.sdk(n.secretCredential(n.rotator.AppID, n.secret))
	certificate, private := certificate(t, now.Add(-time.Hour), now.Add(time.Hour))

	selected := &applications.ApplicationItemRequestBuilderGetRequestConfiguration{
		QueryParameters: &applications.ApplicationItemRequestBuilderGetQueryParameters{Select: []string{"id", "keyCredentials"}}}
	read, err := client.ByApplicationId(app.ObjectID).Get(t.Context(), selected)
	require.NoError(t, err)
	require.Len(t, read.GetKeyCredentials(), 1)
	assert.Equal(t, old.Certificate.Raw, read.GetKeyCredentials()[0].GetKey())

	kept := read.GetKeyCredentials()[0]
	kept.SetKey(nil)
	kind, usage, keyID := "AsymmetricX509Cert", "Verify", uuid.New()
	added := models.NewKeyCredential()
	added.SetTypeEscaped(&kind)
	added.SetUsage(&usage)
	added.SetKey(certificate.Raw)
	added.SetKeyId(&keyID)
	change := models.NewApplication()
	change.SetKeyCredentials([]models.KeyCredentialable{kept, added})
	_, err = client.ByApplicationId(app.ObjectID).Patch(t.Context(), change, nil)
	require.NoError(t, err)

	read, err = client.ByApplicationId(app.ObjectID).Get(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, read.GetKeyCredentials(), 2)
	assert.Equal(t, old.KeyID, read.GetKeyCredentials()[0].GetKeyId().String())
	assert.Equal(t, keyID, *read.GetKeyCredentials()[1].GetKeyId())

	credential, err := azidentity.NewClientCertificateCredential(tenantID, app.AppID, []*x509.Certificate{certificate}, private,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: n.options()})
	require.NoError(t, err)
	_, err = credential.GetToken(t.Context(), vaultScope())
	require.NoError(t, err)
}

func TestACertificateIsUnknownUntilTheReplicasHaveIt(t *testing.T) {
	n := start(t, entra.Options{ReplicationDelay: time.Hour, Replicas: 1}, graph.Options{})
	app := n.owned("shop")
	n.clock.Advance(time.Hour)
	now := n.clock.Now()
	certificate, private := certificate(t, now.Add(-2*time.Hour), now.Add(2*time.Hour))
	credential, err := azidentity.NewClientCertificateCredential(tenantID, app.AppID, []*x509.Certificate{certificate}, private,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: n.options()})
	require.NoError(t, err)
	app.Keys = []entra.Key{entra.NewKey(certificate)}
	n.directory.PutApplication(app)
	_, err = credential.GetToken(t.Context(), vaultScope())
	require.ErrorContains(t, err, "AADSTS700027")
	n.clock.Advance(time.Hour)
	_, err = credential.GetToken(t.Context(), vaultScope())
	require.NoError(t, err)

	n.clock.Advance(time.Hour)
	again, err := azidentity.NewClientCertificateCredential(tenantID, app.AppID, []*x509.Certificate{certificate}, private,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: n.options()})
	require.NoError(t, err)
	_, err = again.GetToken(t.Context(), vaultScope())
	require.ErrorContains(t, err, "The key used is expired.")
}

func TestTheSDKUnderstandsListsAndErrors(t *testing.T) {
	n := start(t, entra.Options{}, graph.Options{})
	for i := range 150 {
		n.owned(fmt.Sprintf("app %d", i))
	}
	foreign := n.directory.AddApplication(entra.Application{DisplayName: "foreign"})
	client, adapter := n.sdk(n.secretCredential(n.rotator.AppID, n.secret))
	first, err := client.Get(t.Context(), nil)
	require.NoError(t, err)
	pages, err := core.NewPageIterator[models.Applicationable](first, adapter, models.CreateApplicationCollectionResponseFromDiscriminatorValue)
	require.NoError(t, err)
	seen := 0
	require.NoError(t, pages.Iterate(t.Context(), func(models.Applicationable) bool { seen++; return true }))
	assert.Equal(t, 152, seen)

	principals := serviceprincipals.NewServicePrincipalsRequestBuilderInternal(map[string]string{"baseurl": adapter.GetBaseUrl()}, adapter)
	filter := "appId eq '" + n.rotator.AppID + "'"
	found, err := principals.Get(t.Context(), &serviceprincipals.ServicePrincipalsRequestBuilderGetRequestConfiguration{
		QueryParameters: &serviceprincipals.ServicePrincipalsRequestBuilderGetQueryParameters{Filter: &filter}})
	require.NoError(t, err)
	require.Len(t, found.GetValue(), 1)
	assert.Equal(t, n.principal.ObjectID, *found.GetValue()[0].GetId())

	_, err = client.ByApplicationId(foreign.ObjectID).AddPassword().Post(t.Context(), applications.NewItemAddPasswordPostRequestBody(), nil)
	var refused *odataerrors.ODataError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusForbidden, refused.GetStatusCode())
	assert.Equal(t, "Authorization_RequestDenied", *refused.GetErrorEscaped().GetCode())
	assert.NotEmpty(t, *refused.GetErrorEscaped().GetInnerError().GetRequestId())
}
