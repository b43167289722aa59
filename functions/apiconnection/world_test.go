package apiconnection_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/apiconnection"
	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

const (
	tenant       = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	subscription = "11111111-2222-4333-8444-555555555555"
	group        = "/subscriptions/" + subscription + "/resourceGroups/rg"
	appID        = "6f1d1f5e-0c9a-4b55-9d55-2a0f6a1b7c42"
)

// world is a tenant with connections, rekey and the application 42.
type world struct {
	clock       *clock.Clock
	front       *cloud.Cloud
	directory   *entra.Directory
	manager     *resourcemanager.Service
	connections *connections.Service
	vaults      *vault.Client
	self        entra.ServicePrincipal
	entry       entra.Application // in Entra
	app         rotation.Application
	own         azcore.TokenCredential // rekey's
	target      *apiconnection.Target

	client *http.Client
	mu     sync.Mutex
	bodies []string // of what was written at Resource Manager
}

type options struct {
	entra       entra.Options
	connections connections.Options
	noRoles     bool // rekey may do nothing
}

// Do is the transport to Resource Manager.
func (w *world) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(text))
		w.mu.Lock()
		defer w.mu.Unlock()
		w.bodies = append(w.bodies, string(text))
	}
	return w.client.Do(r)
}

func start(t testing.TB, o options) *world {
	t.Helper()
	clk := clock.New()
	w := &world{clock: clk, front: cloudtest.Start(t, clk)}
	w.client = w.front.Client()
	w.directory = entra.New(clk, nil, tenant, o.entra)
	w.manager = resourcemanager.New(clk, w.directory, w.directory, tenant, resourcemanager.Options{Unthrottled: true})
	w.connections = connections.New(clk, w.directory, o.connections)
	w.manager.Mount(w.connections.Operations()...)
	grid := eventgrid.New(clk, w.directory, w.manager, eventgrid.Options{})
	w.front.Handle("login.microsoftonline.com", w.directory)
	w.front.Handle("management.azure.com", w.manager)
	w.front.Handle("*.vault.azure.net", keyvault.New(clk, w.directory, w.manager, grid, keyvault.Options{}))
	w.manager.AddResourceGroup(subscription, "rg", "westeurope")

	w.own = w.signIn(t)
	if !o.noRoles {
		w.allow("/subscriptions/"+subscription, resourcemanager.Reader)
		w.allow(group, resourcemanager.LogicAppContributor)
	}
	w.entry = w.directory.AddApplication(entra.Application{AppID: appID, DisplayName: "Web shop"})
	w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: appID})
	w.app = rotation.Application{AppID: appID, ObjectID: w.entry.ObjectID, Name: w.entry.DisplayName}
	w.vaults = vault.New(w.own, w.client.Transport.(*http.Transport))
	w.target = apiconnection.New(apiconnection.Config{
		Vaults: w.vaults, StagingVault: "staging", Credential: w.own,
		ClientOptions: azcore.ClientOptions{Transport: w, Retry: policy.RetryOptions{MaxRetries: -1}},
	})
	return w
}

// signIn makes rekey's identity.
func (w *world) signIn(t testing.TB) azcore.TokenCredential {
	t.Helper()
	password, text := entra.NewPassword("identity", w.clock.Now(), w.clock.Now().AddDate(1, 0, 0))
	own := w.directory.AddApplication(entra.Application{DisplayName: "rekey", Passwords: []entra.Password{password}})
	w.self = w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: own.AppID})
	credential, err := azidentity.NewClientSecretCredential(tenant, own.AppID, text, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: w.client},
	})
	require.NoError(t, err)
	return credential
}

func (w *world) allow(scope, role string) {
	w.manager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: scope, PrincipalID: w.self.ObjectID, RoleID: role})
}

// add adds a connection to the group.
func (w *world) add(c connections.Connection) string {
	c.Subscription, c.ResourceGroup = subscription, "rg"
	return w.connections.AddConnection(c)
}

// outlook adds a connection of Office 365 Outlook with the application's credentials.
func (w *world) outlook() string {
	return w.add(connections.Connection{Name: "mail", API: "office365", Tags: map[string]any{"team": "shop"}, Values: map[string]any{
		"token:clientId": appID, "token:clientSecret": "an old one", "token:TenantId": tenant, "token:grantType": "client_credentials",
	}})
}

// row is a target with settings as they are saved.
func (w *world) row(t testing.TB, kind rotation.Kind, settings string) rotation.TargetRow {
	t.Helper()
	checked, problems := w.target.CheckSettings(w.app, kind, json.RawMessage(settings))
	require.Empty(t, problems)
	return rotation.TargetRow{ID: "connected", Integration: "apiconnection", Kind: kind, Enabled: true, Settings: checked}
}

// onConnection is a target for secrets with no more than its connection.
func (w *world) onConnection(t testing.TB, id string) rotation.TargetRow {
	t.Helper()
	return w.row(t, rotation.Secret, `{"connection":"`+id+`"}`)
}

// delivery is the first try of a generation, of which Entra has heard.
func (w *world) delivery(row rotation.TargetRow, text string) rotation.Delivery {
	d := w.unheard(row, text)
	w.issue(d)
	return d
}

// unheard is a delivery of which Entra knows nothing.
func (w *world) unheard(row rotation.TargetRow, text string) rotation.Delivery {
	now := w.clock.Now()
	return rotation.Delivery{
		Application: w.app, TenantID: tenant, Target: row, Name: "rekey-connected", Tries: 1,
		Credential: rotation.Credential{
			Rotation: rotation.ID{AppID: appID, Kind: row.Kind, Generation: 1}, Attempt: 1, KeyID: "key",
			Start: now, End: now.AddDate(0, 0, 21), Value: secret.New(text),
		},
	}
}

// issue has Entra accept a credential and no other.
func (w *world) issue(d rotation.Delivery) {
	entry := w.entry.Clone()
	entry.Passwords, entry.Keys = nil, nil
	if pair, err := certificate.Parse(d.Credential.Value); err == nil {
		entry.Keys = []entra.Key{entra.NewKey(pair.Certificate)}
	} else {
		password, _ := entra.NewPassword("rekey", d.Credential.Start, d.Credential.End)
		password.SecretSHA256 = sha256.Sum256([]byte(d.Credential.Value.Reveal()))
		entry.Passwords = []entra.Password{password}
	}
	w.directory.PutApplication(entry)
}

// state is what the service has of a connection.
func (w *world) state(name string) connections.ConnectionState {
	for _, c := range w.connections.State().Connections {
		if strings.HasSuffix(c.ID, "/"+name) {
			return c
		}
	}
	return connections.ConnectionState{}
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// misbehave puts rules in force.
func (w *world) misbehave(t *testing.T, rules ...cloud.Fault) {
	t.Helper()
	cloudtest.Misbehave(t, w.front, rules...)
}

// calls are those since the last time, in the order of their names.
func (w *world) calls(t *testing.T) map[string]int {
	t.Helper()
	var answer struct {
		Calls []struct {
			Host, Method, Path string
			Count              int
		}
	}
	cloudtest.Face(t, w.front, http.MethodGet, "/sim/calls?reset=true", "", &answer)
	counts := map[string]int{}
	for _, c := range answer.Calls {
		if c.Host == "management.azure.com" {
			counts[c.Method+" "+c.Path[strings.LastIndexByte(c.Path, '/')+1:]] += c.Count
		}
	}
	return counts
}

// read reads a connection as Resource Manager shows it to rekey.
func (w *world) read(t *testing.T, id string) map[string]any {
	t.Helper()
	token, err := w.signInAgain(t).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://management.azure.com"+id+"?api-version=2018-07-01-preview", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token.Token)
	answer, err := w.client.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	var shown map[string]any
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&shown))
	return shown
}

// signInAgain makes somebody who may read everything.
func (w *world) signInAgain(t *testing.T) azcore.TokenCredential {
	t.Helper()
	self := w.self
	defer func() { w.self = self }()
	credential := w.signIn(t)
	w.allow("/subscriptions/"+subscription, resourcemanager.Reader)
	return credential
}

// keep puts a secret into a vault that rekey may read.
func (w *world) keep(t testing.TB, name, text string) string {
	t.Helper()
	id := w.manager.AddVault(resourcemanager.Vault{Name: "safe", Subscription: subscription, ResourceGroup: "rg", RBAC: true})
	w.allow(id, resourcemanager.KeyVaultSecretsOfficer)
	_, err := w.vaults.Set(t.Context(), "safe", name, vault.Secret{Value: secret.New(text)})
	require.NoError(t, err)
	return "https://safe.vault.azure.net/secrets/" + name
}

// madeCertificate is a credential of the kind certificate.
func madeCertificate(t *testing.T, at time.Time) certificate.Pair {
	t.Helper()
	pair, err := certificate.New(certificate.Request{Name: "Web shop", Bits: 2048, Start: at.Add(-time.Minute), End: at.AddDate(1, 0, 0)})
	require.NoError(t, err)
	return pair
}
