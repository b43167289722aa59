package connections_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

const (
	tenant = "11111111-1111-1111-1111-111111111111"
	sub    = "22222222-2222-2222-2222-222222222222"
	owner  = "aaaaaaaa-0000-0000-0000-000000000001" // of the subscription
	editor = "bbbbbbbb-0000-0000-0000-000000000002" // Logic App Contributor of the group
	nobody = "cccccccc-0000-0000-0000-000000000003"

	group       = "/subscriptions/" + sub + "/resourceGroups/Rg"
	all         = group + "/providers/Microsoft.Web/connections"
	managedAPIs = "/subscriptions/" + sub + "/providers/Microsoft.Web/locations/westeurope/managedApis/"
	version     = "?api-version=2016-06-01"
)

// tokens are object ids: who says who they are is believed.
type tokens struct{}

func (tokens) Authenticate(r *http.Request, _ string) (entra.Caller, error) {
	who := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if who == "" {
		return entra.Caller{}, errors.New("nobody")
	}
	return entra.Caller{ObjectID: who, AppID: "app-of-" + who, TenantID: tenant}, nil
}

func (tokens) ServicePrincipalVisible(string) bool { return true }

// world is a subscription with a group, and an application that connects.
type world struct {
	clock     *clock.Clock
	directory *entra.Directory
	manager   *resourcemanager.Service
	service   *connections.Service
	client    *http.Client
	app       entra.Application
	secret    string
}

func start(t testing.TB, options connections.Options) *world {
	t.Helper()
	clk := clock.New()
	w := &world{clock: clk, directory: entra.New(clk, nil, tenant, entra.Options{})}
	w.manager = resourcemanager.New(clk, tokens{}, tokens{}, tenant, resourcemanager.Options{})
	w.service = connections.New(clk, w.directory, options)
	w.manager.Mount(w.service.Operations()...)
	w.manager.AddResourceGroup(sub, "Rg", "westeurope")
	w.manager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: "/subscriptions/" + sub, RoleID: resourcemanager.Owner, PrincipalID: owner})
	w.manager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: group, RoleID: resourcemanager.LogicAppContributor, PrincipalID: editor})
	front := cloudtest.Start(t, clk)
	front.Handle("management.azure.com", w.manager)
	w.client = front.Client()

	password, secret := entra.NewPassword("first", clk.Now(), clk.Now().AddDate(1, 0, 0))
	w.secret = secret
	w.app = w.directory.AddApplication(entra.Application{DisplayName: "orders", Passwords: []entra.Password{password}})
	w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: w.app.AppID})
	return w
}

// call sends a request as somebody, and returns its status and body.
func (w *world) call(t testing.TB, who, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://management.azure.com"+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+who)
	answer, err := w.client.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// done makes a call that has to succeed, and returns the answer.
func (w *world) done(t testing.TB, who, method, path, body string) shown {
	t.Helper()
	status, text := w.call(t, who, method, path, body)
	require.Contains(t, []int{200, 201}, status, text)
	var answer shown
	require.NoError(t, json.Unmarshal([]byte(text), &answer))
	assert.NotContains(t, text, w.secret)
	return answer
}

// shown is a connection as it is read, or a list of them.
type shown struct {
	ID, Name, Type, Kind, Location string
	Tags                           map[string]string
	Properties                     struct {
		DisplayName, OverallStatus, CreatedTime, ChangedTime, Unknown string
		Statuses                                                      []struct {
			Status, Target string
			Error          struct{ Code, Message string }
		}
		NonSecretParameterValues map[string]string
		ParameterValueSet        struct {
			Name   string
			Values map[string]struct{ Value any }
		}
		ConnectionParameters    map[string]struct{ Type string }
		ConnectionParameterSets struct {
			Values []struct {
				Name       string
				Parameters map[string]struct{ Type string }
			}
		}
		TestLinks []struct{ RequestURI, Method string }
	}
	Value    []shown
	NextLink string
}

// outlook is a connection of Office 365 Outlook with client credentials.
func (w *world) outlook(secret string) string {
	return w.body("V1", "office365", map[string]any{"parameterValues": map[string]any{
		"token:clientId": w.app.AppID, "token:clientSecret": secret, "token:TenantId": tenant, "token:grantType": "client_credentials",
	}})
}

// body is a connection's, with further properties.
func (w *world) body(kind, api string, properties map[string]any) string {
	properties["api"] = map[string]any{"id": managedAPIs + api}
	properties["displayName"] = "orders"
	text, _ := json.Marshal(map[string]any{"kind": kind, "location": "westeurope", "properties": properties}) // strings have no error
	return string(text)
}

// set is a parameter set with its values wrapped.
func set(name string, values map[string]any) map[string]any {
	wrapped := map[string]any{}
	for key, value := range values {
		wrapped[key] = map[string]any{"value": value}
	}
	return map[string]any{"parameterValueSet": map[string]any{"name": name, "values": wrapped}}
}

func certificateValue(pfx []byte, password string) map[string]any {
	return map[string]any{"pfx": base64.StdEncoding.EncodeToString(pfx), "password": password}
}

// renew replaces the application's secret.
func (w *world) renew() {
	password, secret := entra.NewPassword("next", w.clock.Now(), w.clock.Now().AddDate(1, 0, 0))
	w.secret = secret
	w.app.Passwords = []entra.Password{password}
	w.directory.PutApplication(w.app)
}
