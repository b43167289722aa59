package entra_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	tenant "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/entra"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const day = 24 * time.Hour

// asReader is a client of an identity with these permissions on Graph.
func (w *world) asReader(roles ...string) *entra.Client {
	password, value := tenant.NewPassword("reader", w.clock.Now(), w.clock.Now().AddDate(1, 0, 0))
	app := w.directory.AddApplication(tenant.Application{DisplayName: "reader", Passwords: []tenant.Password{password}})
	w.directory.AddServicePrincipal(tenant.ServicePrincipal{AppID: app.AppID, Roles: roles})
	return w.as(w.credential(app.AppID, value))
}

func TestPoliciesAreRead(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	client := w.asReader(tenant.RoleApplicationReadWriteOwnedBy, tenant.RolePolicyReadAll)
	p, err := client.TenantPolicy(t.Context())
	require.NoError(t, err)
	assert.Equal(t, doctor.Policy{Name: "Default app management tenant policy"}, p, "it is always there, and off at first")

	since := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	w.graph.SetPolicy(graph.Policy{ID: "p", NoPasswords: true, MaxPasswordLifetime: 90 * day, MaxKeyLifetime: 365 * day, CreatedAfter: since})
	p, err = client.TenantPolicy(t.Context())
	require.NoError(t, err)
	assert.Equal(t, doctor.Policy{Name: "Default app management tenant policy", Enabled: true, Restrictions: []doctor.Restriction{
		{Type: "passwordAddition", Enabled: true, CreatedAfter: since},
		{Type: "passwordLifetime", Enabled: true, MaxLifetime: 90 * day, CreatedAfter: since},
		{Type: "asymmetricKeyLifetime", Enabled: true, MaxLifetime: 365 * day, CreatedAfter: since},
	}}, p)

	own, created, err := client.ApplicationPolicies(t.Context(), w.shop.AppID)
	require.NoError(t, err)
	assert.Empty(t, own)
	assert.WithinDuration(t, w.shop.CreatedAt, created, time.Second)
	w.graph.AssignPolicy(w.shop.ObjectID, graph.Policy{ID: "own", Disabled: []string{graph.PasswordAddition}})
	own, _, err = client.ApplicationPolicies(t.Context(), w.shop.AppID)
	require.NoError(t, err)
	assert.Equal(t, []doctor.Policy{{Name: "own", Enabled: true, Restrictions: []doctor.Restriction{{Type: "passwordAddition"}}}}, own)
}

func TestReadingPoliciesTakesAPermission(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	_, err := w.client.TenantPolicy(t.Context())
	assert.Equal(t, rotation.Denied, rotation.ClassOf(err))
	assert.EqualError(t, err, `graph: read the policy of tenant "`+tenantID+`": 403 Authorization_RequestDenied: Insufficient privileges to complete the operation.; grant rekey's identity the application permission Policy.Read.All on Microsoft Graph`)
	_, _, err = w.client.ApplicationPolicies(t.Context(), w.shop.AppID)
	assert.ErrorContains(t, err, "Policy.Read.All")
	_, _, err = w.asReader(tenant.RolePolicyReadAll).ApplicationPolicies(t.Context(), w.shop.AppID)
	assert.Equal(t, rotation.Denied, rotation.ClassOf(err), "policies alone are not enough")
	_, _, err = w.client.ApplicationPolicies(t.Context(), "x')/y")
	assert.EqualError(t, err, `graph: read policies of "x')/y": it is not a GUID`)
}

// TestTheSimulatedPolicyIsInForce holds what is read against what is refused.
func TestTheSimulatedPolicyIsInForce(t *testing.T) {
	for name, c := range map[string]struct {
		tenant, own graph.Policy
		refused     bool
	}{
		"the tenant's forbids":                   {tenant: graph.Policy{ID: "p", NoPasswords: true}, refused: true},
		"it does for younger applications alone": {tenant: graph.Policy{ID: "p", NoPasswords: true, CreatedAfter: time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"the application's own exempts it":       {tenant: graph.Policy{ID: "p", NoPasswords: true}, own: graph.Policy{ID: "own", Disabled: []string{graph.PasswordAddition}}},
		"its own says nothing of it":             {tenant: graph.Policy{ID: "p", NoPasswords: true}, own: graph.Policy{ID: "own", MaxKeyLifetime: day}, refused: true},
		"its own alone forbids":                  {own: graph.Policy{ID: "own", NoPasswords: true}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, tenant.Options{}, graph.Options{})
			w.graph.SetPolicy(c.tenant)
			if c.own.ID != "" {
				w.graph.AssignPolicy(w.shop.ObjectID, c.own)
			}
			_, err := w.client.AddPassword(t.Context(), w.shop.ObjectID, "x", w.clock.Now().Add(day))
			assert.Equal(t, c.refused, err != nil, "%v", err)
		})
	}
}

func TestOwnersAreListed(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	owners, err := w.client.OwnerIDs(t.Context(), w.shop.AppID)
	require.NoError(t, err)
	assert.Equal(t, []string{w.rekey.ObjectID}, owners)
	_, err = w.client.OwnerIDs(t.Context(), unknown)
	assert.Equal(t, rotation.NotFound, rotation.ClassOf(err))
}

func TestSelfIsWhatTheTokenSays(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	self, err := w.client.Self(t.Context())
	require.NoError(t, err)
	assert.Equal(t, doctor.Self{ObjectID: w.rekey.ObjectID, AppID: w.rekey.AppID, Roles: []string{tenant.RoleApplicationReadWriteOwnedBy}}, self)
}

func TestEntrasClockIsAsked(t *testing.T) {
	w := start(t, tenant.Options{}, graph.Options{})
	now, err := w.client.Time(t.Context())
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), now, 2*time.Second)
	w.misbehave(cloud.Fault{Host: loginHost, Method: http.MethodGet, Path: "*", Cut: true})
	_, err = w.client.Time(t.Context())
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
}
