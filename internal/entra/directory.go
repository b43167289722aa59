package entra

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/microsoftgraph/msgraph-sdk-go/applications"
	"github.com/microsoftgraph/msgraph-sdk-go/applicationswithappid"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/serviceprincipalswithappid"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// errIncomplete is an answer of success that lacks what it is about.
var errIncomplete = errors.New("the answer is incomplete")

// Application reads an application. Graph's replicas lag: a read may miss a write
// of a few seconds ago. Certificates are read only where they are wanted: Graph
// answers fewer such reads.
// https://learn.microsoft.com/graph/api/application-get
func (c *Client) Application(ctx context.Context, appID string, kind rotation.Kind) (engine.DirectoryApplication, error) {
	config := &applicationswithappid.ApplicationsWithAppIdRequestBuilderGetRequestConfiguration{
		QueryParameters: &applicationswithappid.ApplicationsWithAppIdRequestBuilderGetQueryParameters{
			Select: []string{"id", "appId", "displayName", credentialsOf(kind)},
		},
	}
	found, err := applicationswithappid.NewApplicationsWithAppIdRequestBuilderInternal(c.base(), c.graph, &appID).Get(ctx, config)
	if err == nil && (found == nil || value(found.GetId()) == "") {
		err = errIncomplete
	}
	if err != nil {
		return engine.DirectoryApplication{}, fault("read application", appID, err)
	}
	app := engine.DirectoryApplication{
		ObjectID: value(found.GetId()), AppID: value(found.GetAppId()), Name: value(found.GetDisplayName()),
	}
	for _, p := range found.GetPasswordCredentials() {
		app.Credentials = append(app.Credentials, password(p))
	}
	for _, k := range found.GetKeyCredentials() {
		app.Credentials = append(app.Credentials, keyOf(k))
	}
	return app, nil
}

// credentialsOf is the property that holds an application's credentials of a kind.
func credentialsOf(kind rotation.Kind) string {
	if kind == rotation.Certificate {
		return "keyCredentials"
	}
	return "passwordCredentials"
}

// ServicePrincipal returns the object id of the application's account in the tenant.
// https://learn.microsoft.com/graph/api/serviceprincipal-get
func (c *Client) ServicePrincipal(ctx context.Context, appID string) (objectID string, err error) {
	config := &serviceprincipalswithappid.ServicePrincipalsWithAppIdRequestBuilderGetRequestConfiguration{
		QueryParameters: &serviceprincipalswithappid.ServicePrincipalsWithAppIdRequestBuilderGetQueryParameters{Select: []string{"id"}},
	}
	found, err := serviceprincipalswithappid.NewServicePrincipalsWithAppIdRequestBuilderInternal(c.base(), c.graph, &appID).Get(ctx, config)
	if err == nil && (found == nil || value(found.GetId()) == "") {
		err = errIncomplete
	}
	if err != nil {
		return "", fault("read service principal of", appID, err)
	}
	return value(found.GetId()), nil
}

// AddPassword creates a password that begins now. Graph chooses and returns the
// value, once.
// https://learn.microsoft.com/graph/api/application-addpassword
func (c *Client) AddPassword(ctx context.Context, objectID, displayName string, end time.Time) (engine.DirectoryCredential, error) {
	wanted := models.NewPasswordCredential()
	wanted.SetDisplayName(&displayName)
	wanted.SetEndDateTime(new(end.UTC()))
	body := applications.NewItemAddPasswordPostRequestBody()
	body.SetPasswordCredential(wanted)
	added, err := c.application(objectID).AddPassword().Post(ctx, body, nil)
	if err == nil && (added == nil || added.GetKeyId() == nil || value(added.GetSecretText()) == "") {
		err = errIncomplete
	}
	if err != nil {
		return engine.DirectoryCredential{}, fault("add password to", objectID, err)
	}
	return password(added), nil
}

// RemovePassword removes a password. One that Graph does not find is NotFound.
// https://learn.microsoft.com/graph/api/application-removepassword
func (c *Client) RemovePassword(ctx context.Context, objectID, keyID string) error {
	id, err := uuid.Parse(keyID)
	if err != nil {
		return rotation.Permanently("graph: remove password from %q: key id %q is not a GUID", objectID, keyID)
	}
	body := applications.NewItemRemovePasswordPostRequestBody()
	body.SetKeyId(&id)
	err = c.application(objectID).RemovePassword().Post(ctx, body, nil)
	if refused, ok := errors.AsType[*refusal](err); ok && refused.unknownKey() {
		return &rotation.Fault{Class: rotation.NotFound, Err: fmt.Errorf("graph: remove password from %q: no password has key id %q", objectID, keyID)}
	}
	if err != nil {
		return fault("remove password from", objectID, err)
	}
	return nil
}

func (c *Client) application(objectID string) *applications.ApplicationItemRequestBuilder {
	return applications.NewApplicationsRequestBuilderInternal(c.base(), c.graph).ByApplicationId(objectID)
}

// base is a new map each time: a builder writes into what it is given.
func (c *Client) base() map[string]string { return map[string]string{"baseurl": c.graph.GetBaseUrl()} }

func password(p models.PasswordCredentialable) engine.DirectoryCredential {
	var keyID string
	if id := p.GetKeyId(); id != nil {
		keyID = id.String()
	}
	return engine.DirectoryCredential{
		KeyID: keyID, DisplayName: value(p.GetDisplayName()),
		Start: value(p.GetStartDateTime()), End: value(p.GetEndDateTime()),
		Value: secret.New(value(p.GetSecretText())),
	}
}

// value reads what may be left out.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
