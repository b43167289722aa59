package devops_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/devops"
	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	tenant     = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	processing = 3 * time.Second
)

// world is an organization with a connection of the application 42, and rekey.
type world struct {
	clock      *clock.Clock
	front      *cloud.Cloud
	directory  *entra.Directory
	service    *simulated.Service
	self       entra.ServicePrincipal
	app        rotation.Application
	connection string                 // its id
	credential azcore.TokenCredential // rekey's own
	target     *devops.Target

	transport http.RoundTripper
	mu        sync.Mutex
	calls     []string
	bodies    []string // of what was put
}

// RoundTrip is the transport to everything. It keeps what was asked.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, r.Method+" "+r.URL.Path)
	if r.Method == http.MethodPut {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		w.bodies = append(w.bodies, string(text))
		r.Body = io.NopCloser(bytes.NewReader(text))
	}
	return w.transport.RoundTrip(r)
}

func start(t testing.TB, options simulated.Options, organizations ...string) *world {
	t.Helper()
	clk := clock.New()
	w := &world{clock: clk, front: cloudtest.Start(t, clk), directory: entra.New(clk, nil, tenant, entra.Options{})}
	w.service = simulated.New(clk, w.directory, w.directory, tenant, options)
	w.front.Handle("login.microsoftonline.com", w.directory)
	w.front.Handle(simulated.Host, w.service)
	w.front.Handle(simulated.ProfileHost, w.service)
	w.transport = w.front.Client().Transport

	application := w.directory.AddApplication(entra.Application{DisplayName: "Web shop"})
	w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: application.AppID})
	w.app = rotation.Application{AppID: application.AppID, ObjectID: application.ObjectID, Name: application.DisplayName}
	w.service.AddOrganization(simulated.Organization{Name: "Fabrikam"})
	w.service.AddProject("Fabrikam", "Web shop")
	w.service.AddProject("Fabrikam", "Floor")
	w.credential = w.signIn(t)
	w.service.AddMember("Fabrikam", w.self.ObjectID, "Web shop", "Floor")
	w.connection = w.add(simulated.Connection{Name: "azure (prod)"})
	w.target = devops.New(devops.Config{
		Credential: w.credential, Transport: w, TenantID: tenant, Organizations: organizations, Now: clk.Now,
	})
	return w
}

// signIn makes rekey's identity.
func (w *world) signIn(t testing.TB) azcore.TokenCredential {
	t.Helper()
	now := w.clock.Now()
	password, text := entra.NewPassword("rekey", now, now.AddDate(1, 0, 0))
	own := w.directory.AddApplication(entra.Application{DisplayName: "rekey", Passwords: []entra.Password{password}})
	w.self = w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: own.AppID})
	credential, err := azidentity.NewClientSecretCredential(tenant, own.AppID, text, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: w.front.Client()},
	})
	require.NoError(t, err)
	return credential
}

// add adds a connection of the application that rekey administers.
func (w *world) add(c simulated.Connection) string {
	if c.Projects == nil {
		c.Projects = []string{"Web shop"}
	}
	if c.Parameters == nil {
		c.Parameters = map[string]string{
			"tenantid": tenant, "serviceprincipalid": w.app.AppID, "authenticationType": "spnKey", "serviceprincipalkey": "the old one",
		}
	}
	if c.Data == nil {
		c.Data = map[string]string{"creationMode": "Manual", "environment": "AzureCloud"}
	}
	id := w.service.AddConnection("Fabrikam", c)
	w.service.SetRole("Fabrikam", id, w.self.ObjectID, simulated.Administrator)
	return id
}

// row is a target of a connection, by its id or name, as it is saved.
func (w *world) row(t testing.TB, kind rotation.Kind, connection string) rotation.TargetRow {
	t.Helper()
	settings := fmt.Sprintf(`{"organization":"https://dev.azure.com/Fabrikam/","project":"Web shop","serviceConnection":%q}`, connection)
	checked, problems := w.target.CheckSettings(w.app, kind, json.RawMessage(settings))
	require.Empty(t, problems)
	return rotation.TargetRow{ID: "pipeline", Integration: "devops", Kind: kind, Enabled: true, Settings: checked}
}

// delivery is the first try of a credential that the directory accepts.
func (w *world) delivery(t testing.TB, row rotation.TargetRow) rotation.Delivery {
	t.Helper()
	start := w.clock.Now().Add(-time.Minute).Truncate(time.Second)
	d := rotation.Delivery{
		Application: w.app, TenantID: tenant, Target: row, Name: "rekey-pipeline", Tries: 1,
		Credential: rotation.Credential{
			Rotation: rotation.ID{AppID: w.app.AppID, Kind: row.Kind, Generation: 1}, KeyID: "key",
			Start: start, End: start.AddDate(0, 0, 21), Value: secret.New("nobody may see <this>"),
		},
	}
	if row.Kind == rotation.Certificate {
		pair, err := certificate.New(certificate.Request{Name: w.app.Name, Bits: 2048, Start: start, End: d.Credential.End})
		require.NoError(t, err)
		d.Credential.Value, err = pair.PEM()
		require.NoError(t, err)
	}
	w.issue(t, d)
	return d
}

// issue lets the directory accept a credential.
func (w *world) issue(t testing.TB, d rotation.Delivery) {
	t.Helper()
	app, found := w.directory.Application(w.app.ObjectID, 0)
	require.True(t, found)
	app = app.Clone()
	c := d.Credential
	if c.Rotation.Kind == rotation.Certificate {
		pair, err := certificate.Parse(c.Value)
		require.NoError(t, err)
		app.Keys = append(app.Keys, entra.NewKey(pair.Certificate))
	} else {
		app.Passwords = append(app.Passwords, entra.Password{KeyID: c.KeyID, SecretSHA256: sha256.Sum256([]byte(c.Value.Reveal())), Start: c.Start, End: c.End})
	}
	w.directory.PutApplication(app)
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (w *world) held(id string) simulated.ConnectionState {
	return w.service.State().Organizations["Fabrikam"].Connections[id]
}

// misbehave puts rules in force.
func (w *world) misbehave(t *testing.T, rules ...cloud.Fault) {
	t.Helper()
	cloudtest.Misbehave(t, w.front, rules...)
}

// outside returns the calls since the last time, the id of the connection left out.
func (w *world) outside() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}
