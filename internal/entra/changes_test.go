package entra_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	tenant "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/entra"
	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// round reads pages until the last one and returns what they said, by object id.
func (w *world) round(link string) (all map[string]inventory.Change, next string) {
	w.t.Helper()
	all = map[string]inventory.Change{}
	for {
		page, err := w.client.Changes(w.t.Context(), link)
		require.NoError(w.t, err)
		for _, c := range page.Changes {
			all[c.ObjectID] = c
		}
		if link = page.Next; page.Last {
			return all, link
		}
	}
}

func TestChangesTellWhatIsThereAndThenWhatChanged(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	for range 250 {
		w.directory.AddApplication(tenant.Application{DisplayName: "other"})
	}
	all, link := w.round("")
	assert.Len(t, all, 252)
	shop := all[w.shop.ObjectID]
	assert.Equal(t, w.shop.AppID, *shop.AppID)
	assert.Equal(t, "shop", *shop.Name)
	assert.Empty(t, *shop.Secrets)
	assert.Empty(t, *shop.Certificates)

	end := w.clock.Now().Add(time.Hour).UTC().Truncate(time.Second)
	made, err := w.client.AddPassword(t.Context(), w.shop.ObjectID, "by hand", end)
	require.NoError(t, err)
	all, link = w.round(link)
	require.Len(t, all, 1)
	shop = all[w.shop.ObjectID]
	assert.Nil(t, shop.Name, "what did not change is not told")
	assert.Nil(t, shop.AppID)
	assert.Nil(t, shop.Certificates)
	require.Len(t, *shop.Secrets, 1)
	found := (*shop.Secrets)[0]
	assert.Equal(t, inventory.Credential{Kind: rotation.Secret, KeyID: made.KeyID, Name: "by hand", Start: found.Start, End: end}, found)

	w.directory.DeleteApplication(w.shop.ObjectID)
	all, _ = w.round(link)
	assert.Equal(t, map[string]inventory.Change{w.shop.ObjectID: {ObjectID: w.shop.ObjectID, Removed: true}}, all)
}

func TestALinkThatGraphForgotBeginsAnew(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	_, link := w.round("")
	w.clock.Advance(8 * 24 * time.Hour)
	for name, c := range map[string]struct{ link, want string }{
		"an old one":      {link, `everything has to be read anew: graph: read "changes": 410 syncStateNotFound: The sync state generation is not found; restart the synchronization.`},
		"one of nonsense": {"https://graph.microsoft.com/v1.0/applications/delta?$deltatoken=x", `everything has to be read anew: graph: read "changes": 400 Request_BadRequest: Badly formed token.`},
		"another host":    {"https://elsewhere.example/v1.0/applications/delta", "everything has to be read anew: graph: read changes: what was kept is no link of a delta query"},
		"another call":    {"https://graph.microsoft.com/v1.0/users", "everything has to be read anew: graph: read changes: what was kept is no link of a delta query"},
	} {
		_, err := w.client.Changes(t.Context(), c.link)
		var restart *inventory.Restart
		require.ErrorAs(t, err, &restart, name)
		assert.EqualError(t, err, c.want, name)
		assert.Empty(t, restart.Link, name)
	}
}

func TestOwnersComeTogether(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	ann := w.directory.AddUser(tenant.User{DisplayName: "Ann", UserPrincipalName: "ann@contoso.com"})
	lonely := w.directory.AddApplication(tenant.Application{DisplayName: "lonely"})
	both := w.directory.AddApplication(tenant.Application{DisplayName: "both", Owners: []string{ann.ObjectID, w.account.ObjectID}})
	w.calls(graphHost)
	owners, err := w.client.Owners(t.Context(), []string{both.ObjectID, lonely.ObjectID, keyID})
	require.NoError(t, err)
	assert.Equal(t, map[string][]inventory.Owner{
		lonely.ObjectID: {},
		both.ObjectID: {
			{ID: ann.ObjectID, Kind: "user"}, // rekey may not read users
			{ID: w.account.ObjectID, Name: "shop", Kind: "servicePrincipal"},
		},
	}, owners)
	assert.Equal(t, []call{{Method: "POST", Path: "/v1.0/$batch", Status: 200, Count: 1}}, w.calls(graphHost))
}

func TestWhoMayNotReadApplicationsIsToldWhatIsMissing(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	identity := w.rekey
	identity.Roles = nil
	w.directory.PutServicePrincipal(identity)
	const want = `: 403 Authorization_RequestDenied: Insufficient privileges to complete the operation.; grant rekey's identity Application.Read.All on Microsoft Graph`
	_, err := w.client.Changes(t.Context(), "")
	assert.EqualError(t, err, `graph: read "changes"`+want)
	assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
	_, err = w.client.Owners(t.Context(), []string{w.shop.ObjectID})
	assert.EqualError(t, err, `graph: read "owners"`+want)
}

func TestAThrottledPageSaysWhenToComeBack(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	w.misbehave(cloud.Fault{Host: graphHost, Method: http.MethodGet, Path: "/v1.0/applications/delta", Status: http.StatusTooManyRequests, RetryAfter: new(json.Number("2.5"))})
	_, err := w.client.Changes(t.Context(), "")
	assert.Equal(t, rotation.Throttled, rotation.ClassOf(err))
	assert.Equal(t, 2500*time.Millisecond, rotation.AfterOf(err))
}

func TestALocationIsFollowedWhereItKeepsWhatIsSelected(t *testing.T) {
	b, err := json.Marshal(map[string]any{"error": map[string]any{"code": "resyncRequired", "message": "Start again."}})
	require.NoError(t, err)
	for location, want := range map[string]string{
		"https://graph.microsoft.com/v1.0/applications/delta?$skiptoken=new": "https://graph.microsoft.com/v1.0/applications/delta?$skiptoken=new",
		"https://graph.microsoft.com/v1.0/applications/delta":                "",
		"https://elsewhere.example/v1.0/applications/delta?$skiptoken=new":   "",
	} {
		client := saying(t, http.StatusGone, http.Header{"Location": {location}, "Content-Type": {"application/json"}}, b)
		_, err = client.Changes(t.Context(), "https://graph.microsoft.com/v1.0/applications/delta?$deltatoken=old")
		var restart *inventory.Restart
		require.ErrorAs(t, err, &restart)
		assert.Equal(t, want, restart.Link)
	}
}

// saying is a client to whom Graph says always the same.
func saying(t *testing.T, status int, header http.Header, body []byte) *entra.Client {
	t.Helper()
	said := cloudtest.Says(cloudtest.Answer{Status: status, Header: header, Body: body})
	client, err := entra.New(entra.Options{Transport: cloudtest.Through(said), Credential: admitted{}, TenantID: tenantID})
	require.NoError(t, err)
	return client
}

func TestWhatElseAnApplicationSignsInWith(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	trusting := w.directory.AddApplication(tenant.Application{Federated: []tenant.FederatedCredential{{ID: "1", Issuer: "https://token.actions.githubusercontent.com"}}})
	issuers, err := w.client.Issuers(t.Context(), []string{trusting.ObjectID, w.shop.ObjectID})
	require.NoError(t, err)
	assert.Equal(t, map[string][]string{trusting.ObjectID: {"https://token.actions.githubusercontent.com"}}, issuers)

	_, err = w.client.LastUsed(t.Context(), []string{w.shop.AppID})
	assert.EqualError(t, err, `graph: read "sign-ins": 403 Authorization_RequestDenied: Insufficient privileges to complete the operation.; grant rekey's identity AuditLog.Read.All on Microsoft Graph`)
	w.rekey.Roles = append(w.rekey.Roles, tenant.RoleAuditLogReadAll)
	w.directory.PutServicePrincipal(w.rekey)
	at := w.clock.Now().UTC().Truncate(time.Second)
	w.graph.SetSignIn(graph.SignIn{AppID: w.shop.AppID, KeyID: keyID, KeyType: "clientSecret", At: at})
	w.client = w.as(w.fresh())
	used, err := w.client.LastUsed(t.Context(), []string{w.shop.AppID, trusting.AppID})
	require.NoError(t, err)
	assert.Equal(t, map[string]map[string]time.Time{w.shop.AppID: {keyID: at}, trusting.AppID: {}}, used)
}

// fresh is rekey's identity with the roles that it has now.
func (w *world) fresh() azcore.TokenCredential {
	app, _ := w.directory.ApplicationByAppID(w.rekey.AppID, 0)
	password, value := tenant.NewPassword("again", w.clock.Now(), w.clock.Now().AddDate(1, 0, 0))
	app.Passwords = append(app.Passwords, password)
	w.directory.PutApplication(app)
	return w.credential(app.AppID, value)
}
