package keyvault_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/keyvault"
	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
	"github.com/rekey-dev/rekey/internal/vault"
)

const (
	tenant       = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	subscription = "11111111-2222-4333-8444-555555555555"
	propagation  = 10 * time.Minute
)

// world is a tenant with a vault, rekey and the application 42.
type world struct {
	clock     *clock.Clock
	front     *cloud.Cloud
	directory *entra.Directory
	manager   *resourcemanager.Service
	vaults    *simulated.Service
	self      entra.ServicePrincipal
	owner     entra.ServicePrincipal // of the vaults
	byOwner   *vault.Client
	principal entra.ServicePrincipal // the application's
	app       rotation.Application
	log       *targettest.Log
	own       azcore.TokenCredential // rekey's
	config    keyvault.Config
	target    *keyvault.Target
	signedIn  azcore.TokenCredential // the owner's

	client   *http.Client
	mu       sync.Mutex
	versions map[string]string // api-version by path, of what went to Resource Manager
	bodies   []string          // of what was written there
}

// Do is the transport to Resource Manager.
func (w *world) Do(r *http.Request) (*http.Response, error) {
	if err := w.record(r); err != nil {
		return nil, err
	}
	return w.client.Do(r)
}

func (w *world) record(r *http.Request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.versions[r.URL.Path] = r.URL.Query().Get("api-version")
	if r.Body == nil {
		return nil
	}
	text, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(text))
	if len(text) > 0 {
		w.bodies = append(w.bodies, string(text))
	}
	return err
}

// principals answers as Microsoft Graph would.
type principals struct{ directory *entra.Directory }

func (p principals) ServicePrincipal(_ context.Context, appID string) (string, error) {
	sp, found := p.directory.ServicePrincipalByAppID(appID, 0)
	if !found {
		return "", &rotation.Fault{Class: rotation.NotFound, Err: errNoPrincipal}
	}
	return sp.ObjectID, nil
}

func start(t testing.TB) *world {
	t.Helper()
	clk := clock.New()
	w := &world{clock: clk, front: cloudtest.Start(t, clk), log: &targettest.Log{}, versions: map[string]string{}}
	w.client = w.front.Client()
	w.directory = entra.New(clk, nil, tenant, entra.Options{})
	w.manager = resourcemanager.New(clk, w.directory, w.directory, tenant, resourcemanager.Options{RolePropagation: propagation})
	grid := eventgrid.New(clk, w.directory, w.manager, eventgrid.Options{})
	w.vaults = simulated.New(clk, w.directory, w.manager, grid, simulated.Options{RecoveryDelay: time.Minute})
	w.front.Handle("login.microsoftonline.com", w.directory)
	w.front.Handle("management.azure.com", w.manager)
	w.front.Handle("*.vault.azure.net", w.vaults)

	transport := w.client.Transport.(*http.Transport)
	own, credential := w.signIn(t)
	w.self, w.own = own, credential
	own, ownerCredential := w.signIn(t)
	w.owner, w.byOwner, w.signedIn = own, vault.New(ownerCredential, transport), ownerCredential
	w.allow("/subscriptions/"+subscription, w.owner.ObjectID, resourcemanager.KeyVaultAdministrator)
	application := w.directory.AddApplication(entra.Application{DisplayName: "Web shop (prod)"})
	w.principal = w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: application.AppID})
	w.app = rotation.Application{AppID: application.AppID, ObjectID: application.ObjectID, Name: application.DisplayName}
	w.config = keyvault.Config{
		Vaults: vault.New(credential, transport), Principals: principals{w.directory}, Credential: credential,
		ClientOptions: azcore.ClientOptions{Transport: w, Retry: policy.RetryOptions{MaxRetries: -1}},
		StagingVault:  "staging", Installation: "test", Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	w.target = keyvault.New(w.config)
	return w
}

// signIn makes an identity that gets tokens.
func (w *world) signIn(t testing.TB) (entra.ServicePrincipal, azcore.TokenCredential) {
	t.Helper()
	now := w.clock.Now()
	password, text := entra.NewPassword("identity", now, now.AddDate(1, 0, 0))
	own := w.directory.AddApplication(entra.Application{DisplayName: "identity", Passwords: []entra.Password{password}})
	credential, err := azidentity.NewClientSecretCredential(tenant, own.AppID, text, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: w.front.Client()},
	})
	require.NoError(t, err)
	return w.directory.AddServicePrincipal(entra.ServicePrincipal{AppID: own.AppID}), credential
}

// account is an application that speaks to vaults itself.
func (w *world) account(t *testing.T) (entra.ServicePrincipal, *vault.Client) {
	t.Helper()
	own, credential := w.signIn(t)
	return own, vault.New(credential, w.client.Transport.(*http.Transport))
}

// rbacVault adds a vault that takes roles; rekey may read and grant.
func (w *world) rbacVault(name string) string {
	id := w.manager.AddVault(resourcemanager.Vault{Name: name, Subscription: subscription, ResourceGroup: "rg", RBAC: true})
	w.allow(id, w.self.ObjectID, resourcemanager.Reader)
	w.allow(id, w.self.ObjectID, resourcemanager.KeyVaultDataAccessAdministrator)
	return id
}

// policyVault adds a vault that takes access policies; rekey may add to them.
func (w *world) policyVault(name string, policies ...simulated.AccessPolicy) string {
	id := w.manager.AddVault(resourcemanager.Vault{Name: name, Subscription: subscription, ResourceGroup: "rg", Policies: policies})
	w.allow(id, w.self.ObjectID, resourcemanager.KeyVaultContributor)
	return id
}

func (w *world) allow(scope, principal, role string) string {
	return w.manager.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: scope, PrincipalID: principal, RoleID: role})
}

// row is a target with settings as they are saved.
func (w *world) row(t testing.TB, settings string) rotation.TargetRow {
	t.Helper()
	checked, problems := w.target.CheckSettings(w.app, rotation.Secret, json.RawMessage(settings))
	require.Empty(t, problems)
	return rotation.TargetRow{ID: "safe", Integration: "keyvault", Kind: rotation.Secret, Enabled: true, Settings: checked}
}

// certificateRow is a target for certificates with settings as they are saved.
func (w *world) certificateRow(t testing.TB, settings string) rotation.TargetRow {
	t.Helper()
	checked, problems := w.target.CheckSettings(w.app, rotation.Certificate, json.RawMessage(settings))
	require.Empty(t, problems)
	return rotation.TargetRow{ID: "safe", Integration: "keyvault", Kind: rotation.Certificate, Enabled: true, Settings: checked}
}

// pair is the certificate of all deliveries: making a key takes time.
var pair = sync.OnceValue(func() certificate.Pair {
	begin := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	made, err := certificate.New(certificate.Request{Name: "Web shop", Bits: 2048, Start: begin, End: begin.AddDate(0, 0, 21)})
	if err != nil {
		panic(err)
	}
	return made
})

// certificateDelivery is the first try of a generation of a certificate.
func (w *world) certificateDelivery(t testing.TB, row rotation.TargetRow, generation int) rotation.Delivery {
	t.Helper()
	d := w.delivery(row, generation)
	d.TenantID = tenant
	d.Credential.Rotation.Kind = rotation.Certificate
	d.Credential.Start, d.Credential.End = pair().Certificate.NotBefore, pair().Certificate.NotAfter
	var err error
	d.Credential.Value, err = pair().PEM()
	require.NoError(t, err)
	return d
}

// imported are the versions of a certificate, oldest first.
func (w *world) imported(vault, name string) []simulated.VersionState {
	return w.vaults.State().Vaults[vault].Certificates[name].Versions
}

// delivery is the first try of a generation.
func (w *world) delivery(row rotation.TargetRow, generation int) rotation.Delivery {
	at := time.Date(2031, 2, 3, 4, 5, 6, 789000000, time.UTC)
	return rotation.Delivery{
		Application: w.app, Target: row, Name: "rekey-secret-safe", Tries: 1,
		Credential: rotation.Credential{
			Rotation: rotation.ID{AppID: w.app.AppID, Kind: rotation.Secret, Generation: generation}, Attempt: 1, KeyID: "key",
			Start: at, End: at.AddDate(0, 0, 21), Value: secret.New("nobody may see this"),
		},
	}
}

// written are the versions of a secret, oldest first.
func (w *world) written(vault, name string) []simulated.VersionState {
	return w.vaults.State().Vaults[vault].Secrets[name].Versions
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// access asks for access as the API does, and returns its answer as JSON.
func (w *world) access(t *testing.T, row rotation.TargetRow) string {
	t.Helper()
	access, err := w.target.Access(t.Context(), w.app, row)
	require.NoError(t, err)
	text, err := json.Marshal(access)
	require.NoError(t, err)
	return strings.NewReplacer(w.self.ObjectID, "SELF", w.principal.ObjectID, "APP").Replace(string(text))
}

// misbehave puts rules in force. An answer with a status asks to come back at
// once, because clients believe the server before they believe themselves.
func (w *world) misbehave(t *testing.T, rules ...cloud.Fault) {
	t.Helper()
	cloudtest.Misbehave(t, w.front, rules...)
}

// calls counts the calls since the last time, by host.
func (w *world) calls(t *testing.T) map[string]int {
	t.Helper()
	var answer struct {
		Calls []struct {
			Host, Method string
			Count        int
		}
	}
	cloudtest.Face(t, w.front, http.MethodGet, "/sim/calls?reset=true", "", &answer)
	counts := map[string]int{}
	for _, c := range answer.Calls {
		counts[c.Method+" "+c.Host] += c.Count
	}
	return counts
}

// ownerPolicy lets the vault's owner delete secrets where access policies decide.
func (w *world) ownerPolicy() simulated.AccessPolicy {
	return simulated.AccessPolicy{ObjectID: w.owner.ObjectID, Permissions: simulated.Permissions{Secrets: []string{"delete"}}}
}

// softDelete deletes a secret as the vault's owner.
func (w *world) softDelete(t *testing.T, vaultName, name string) {
	t.Helper()
	require.NoError(t, w.byOwner.Delete(t.Context(), vaultName, name))
}
