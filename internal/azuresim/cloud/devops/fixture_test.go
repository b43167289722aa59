package devops_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

const tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"

// world is an organization with two projects and a connection, and whoever calls.
type world struct {
	clock      *clock.Clock
	front      *cloud.Cloud
	directory  *entra.Directory
	service    *devops.Service
	caller     entra.ServicePrincipal
	token      string
	app        entra.Application // the connection's
	secret     string            // the app's
	connection string            // its id
}

func start(t *testing.T, options devops.Options) *world {
	t.Helper()
	clk := clock.New()
	w := &world{clock: clk, front: cloudtest.Start(t, clk), directory: entra.New(clk, nil, tenant, entra.Options{})}
	w.service = devops.New(clk, w.directory, w.directory, tenant, options)
	w.front.Handle("login.microsoftonline.com", w.directory)
	w.front.Handle(devops.Host, w.service)
	w.front.Handle(devops.ProfileHost, w.service)

	own, secret := w.application("caller")
	w.caller = w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: own.AppID})
	w.token = w.signIn(t, own.AppID, secret)
	w.app, w.secret = w.application("web shop")
	w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: w.app.AppID})

	w.service.AddOrganization(devops.Organization{Name: "Fabrikam"})
	w.service.AddProject("Fabrikam", "Web")
	w.service.AddProject("Fabrikam", "Shop floor")
	w.service.AddMember("Fabrikam", w.caller.ObjectID, "Web", "Shop floor")
	w.connection = w.add(devops.Connection{Name: "azure"})
	w.service.SetRole("Fabrikam", w.connection, w.caller.ObjectID, devops.Administrator)
	return w
}

func (w *world) application(name string) (entra.Application, string) {
	now := w.clock.Now()
	password, secret := entra.NewPassword(name, now, now.AddDate(1, 0, 0))
	return w.directory.AddApplication(entra.Application{DisplayName: name, Passwords: []entra.Password{password}}), secret
}

// add adds a connection of the application with its secret.
func (w *world) add(c devops.Connection) string {
	if c.Projects == nil {
		c.Projects = []string{"Web"}
	}
	if c.Parameters == nil {
		c.Parameters = map[string]string{
			"tenantid": tenant, "serviceprincipalid": w.app.AppID, "authenticationType": "spnKey", "serviceprincipalkey": w.secret,
		}
	}
	if c.Data == nil {
		c.Data = map[string]string{"creationMode": "Manual", "environment": "AzureCloud", "scopeLevel": "Subscription"}
	}
	return w.service.AddConnection("Fabrikam", c)
}

func (w *world) signIn(t *testing.T, appID, secret string) string {
	t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {appID}, "client_secret": {secret}, "scope": {entra.DevOpsAudience + "/.default"},
	}
	answer, err := w.front.Client().PostForm("https://login.microsoftonline.com/"+tenant+"/oauth2/v2.0/token", form)
	require.NoError(t, err)
	defer answer.Body.Close()
	var got struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&got))
	require.NotEmpty(t, got.Token)
	return got.Token
}

// answer is what came back, and its body as JSON where it is an object.
type answer struct {
	*http.Response
	text   string
	object map[string]any
}

func (a answer) message() string {
	message, _ := a.object["message"].(string)
	return message
}

// raw is a body that is sent as it is.
type raw string

// send sends one request to dev.azure.com, or to a whole address.
func (w *world) send(t *testing.T, method, path string, body any, headers ...string) answer {
	t.Helper()
	if !strings.HasPrefix(path, "https:") {
		path = "https://" + devops.Host + path
	}
	var content io.Reader
	if text, isRaw := body.(raw); isRaw {
		content = strings.NewReader(string(text))
	} else if body != nil {
		text, err := json.Marshal(body)
		require.NoError(t, err)
		content = strings.NewReader(string(text))
	}
	request, err := http.NewRequestWithContext(t.Context(), method, path, content)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+w.token)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := w.front.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	got, err := client.Do(request)
	require.NoError(t, err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	a := answer{Response: got, text: string(text)}
	_ = json.Unmarshal(text, &a.object) // a page is none
	return a
}

const version = "?api-version=7.1"

func (w *world) read(t *testing.T, id string) map[string]any {
	t.Helper()
	got := w.send(t, http.MethodGet, "/Fabrikam/Web/_apis/serviceendpoint/endpoints/"+id+version, nil)
	require.Equal(t, http.StatusOK, got.StatusCode, got.text)
	return got.object
}

func (w *world) write(t *testing.T, id string, document any) answer {
	t.Helper()
	return w.send(t, http.MethodPut, "/Fabrikam/_apis/serviceendpoint/endpoints/"+id+version, document)
}

// parameters are those of a document that was read.
func parameters(document map[string]any) map[string]any {
	return document["authorization"].(map[string]any)["parameters"].(map[string]any)
}

func (w *world) held(id string) devops.ConnectionState {
	return w.service.State().Organizations["Fabrikam"].Connections[id]
}
