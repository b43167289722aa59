package devops_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/devops"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const another = "11111111-2222-4333-8444-555555555555"

// stale is a credential whose tokens nobody accepts.
type stale struct{}

// GetToken implements azcore.TokenCredential.
func (stale) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "stale"}, nil
}

func TestWhatCannotBeIsRefusedWithWhatToDo(t *testing.T) {
	const (
		addUser  = "; add rekey's identity to the organization with the access level Basic (Organization settings > Users) and to the project"
		makeBoss = "; make rekey's identity an Administrator of the connection (Project settings > Service connections > the connection > Security)"
	)
	for name, c := range map[string]struct {
		prepare func(*testing.T, *world) (connection string)
		class   rotation.Class
		want    string
		advice  string
	}{
		"workload identity federation": {
			func(_ *testing.T, w *world) string {
				return w.add(simulated.Connection{Name: "keyless", Scheme: simulated.SchemeFederation, Parameters: map[string]string{"serviceprincipalid": w.app.AppID, "tenantid": tenant}})
			},
			rotation.Permanent, `service connection "keyless": it uses workload identity federation and needs no secret`,
			"; remove this target: there is nothing to rotate in this connection",
		},
		"another application's connection": {
			func(_ *testing.T, w *world) string {
				return w.add(simulated.Connection{Name: "theirs", Parameters: map[string]string{
					"serviceprincipalid": another, "tenantid": tenant, "authenticationType": "spnKey", "serviceprincipalkey": "x"}})
			},
			rotation.Permanent, `service connection "theirs": it signs in as another application, "` + another + `"`,
			"; choose a connection of this application, or configure the target there",
		},
		"a managed identity": {
			func(_ *testing.T, w *world) string {
				return w.add(simulated.Connection{Name: "machine", Scheme: "ManagedServiceIdentity", Parameters: map[string]string{"tenantid": tenant}})
			},
			rotation.Permanent, `it signs in by "ManagedServiceIdentity", which takes no credential of an application`, `; choose a connection that signs in as a service principal`,
		},
		"another type": {
			func(_ *testing.T, w *world) string { return w.add(simulated.Connection{Name: "git", Type: "github"}) },
			rotation.Permanent, `it is of the type "github", not Azure Resource Manager`, `; choose a connection of the type Azure Resource Manager`,
		},
		"no administrator": {
			func(_ *testing.T, w *world) string {
				w.service.SetRole("Fabrikam", w.connection, w.self.ObjectID, simulated.User)
				return w.connection
			},
			rotation.Denied, `change service connection "azure (prod)": 403 ServiceEndpointAccessDeniedException: You do not have permission`, makeBoss,
		},
		"a shared connection without an administrator of the organization": {
			func(_ *testing.T, w *world) string {
				return w.add(simulated.Connection{Name: "shared", Projects: []string{"Web shop", "Floor"}})
			},
			rotation.Denied, "You need to be an organisation/collection level Administrator of the service endpoint to perform this operation",
			"; the connection is shared by several projects: make rekey's identity its Administrator at the level of the organization " +
				"(Project settings > Service connections > the connection > Security > Organization)",
		},
		"a connection that is not there": {
			func(*testing.T, *world) string { return another },
			rotation.NotFound, `service connection "` + another + `" in project "Web shop" of organization "Fabrikam" is not there, or rekey may not see it`,
			"; check the project and the connection, and that rekey's identity is at least a Reader of the connection",
		},
		"an organization of another tenant": {
			func(_ *testing.T, w *world) string {
				w.service.AddOrganization(simulated.Organization{Name: "Fabrikam", TenantID: another})
				return w.connection
			},
			rotation.Denied, "TF400813",
			`; the organization "Fabrikam" is connected to another tenant, ` + another + ", and rekey works in " + tenant + ": let a rekey of that tenant deliver there",
		},
		"an organization of no tenant": {
			func(_ *testing.T, w *world) string {
				w.service.AddOrganization(simulated.Organization{Name: "Fabrikam", TenantID: "00000000-0000-0000-0000-000000000000"})
				return w.connection
			},
			rotation.Denied, "TF400813",
			`; the organization "Fabrikam" is connected to no tenant: connect it to ` + tenant + " (Organization settings > Microsoft Entra)",
		},
		"an organization without rekey": {
			func(_ *testing.T, w *world) string {
				w.service.AddOrganization(simulated.Organization{Name: "Fabrikam"})
				return w.connection
			},
			rotation.Denied, "is not authorized to access this resource.", addUser,
		},
		"a token that is no good": {
			func(_ *testing.T, w *world) string {
				w.target = devops.New(devops.Config{Credential: stale{}, Transport: w, TenantID: tenant})
				return w.connection
			},
			rotation.Denied, ": 401 Unauthorized", addUser,
		},
		"a page to sign in on": {
			func(t *testing.T, w *world) string {
				w.misbehave(t, cloud.Fault{Host: simulated.Host, Status: 203, Headers: map[string]string{"Content-Type": "text/html"}, Body: []byte(`"<html>sign in</html>"`)})
				return w.connection
			},
			rotation.Denied, ": 203: a sign-in page instead of an answer", addUser,
		},
		"a redirect to sign in": {
			func(t *testing.T, w *world) string {
				w.misbehave(t, cloud.Fault{Host: simulated.Host, Status: 302, Headers: map[string]string{"Location": "https://spsprodcus1.vssps.visualstudio.com/_signin"}, Body: []byte(`"<html>moved</html>"`)})
				return w.connection
			},
			rotation.Denied, ": 302: a sign-in page instead of an answer", addUser,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, simulated.Options{})
			connection := c.prepare(t, w)
			_, err := w.target.Deploy(t.Context(), w.delivery(t, w.row(t, rotation.Secret, connection)))
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
			assert.True(t, strings.HasSuffix(err.Error(), c.advice), err)
			assert.Equal(t, c.class.String(), rotation.ClassOf(err).String())
			assert.Zero(t, w.held(connection).Writes)
			for _, call := range w.outside() {
				assert.NotContains(t, call, "_signin", "no redirect is followed")
			}
		})
	}
}

func TestRetryAfterIsReadInEveryForm(t *testing.T) {
	w := start(t, simulated.Options{})
	d := w.delivery(t, w.row(t, rotation.Secret, w.connection))
	began := w.clock.Now()
	for given, want := range map[string]time.Duration{
		"30": 30 * time.Second, "2.515": 2515 * time.Millisecond, "-1": 0, "soon": 0, "NaN": 0, "1e99": time.Hour,
		began.Add(time.Minute).UTC().Format(http.TimeFormat): time.Minute,
	} {
		w.misbehave(t, cloud.Fault{Host: simulated.Host, Status: 429, Headers: map[string]string{"Retry-After": given}})
		_, err := w.target.Deploy(t.Context(), d)
		require.Error(t, err)
		assert.Equal(t, rotation.Throttled, rotation.ClassOf(err))
		passed := w.clock.Now().Sub(began) // a date has whole seconds, and time goes on
		assert.LessOrEqual(t, rotation.AfterOf(err), want, given)
		assert.GreaterOrEqual(t, rotation.AfterOf(err), want-passed-time.Second, given)
	}
}
