package keyvault_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

var errNoPrincipal = errors.New("the application has no service principal")

func TestFromNothingToADeliveryWhereRolesDecide(t *testing.T) {
	w := start(t)
	w.rbacVault("safe")
	row := w.row(t, `{"vault":"safe"}`)

	require.NoError(t, w.target.Prepare(t.Context(), w.app, row))
	_, err := w.target.Deploy(t.Context(), w.delivery(row, 1))
	require.Error(t, err)
	assert.Equal(t, rotation.Denied, rotation.ClassOf(err), "the role takes a while")

	w.clock.Advance(propagation)
	again := w.delivery(row, 1)
	again.Tries = 2
	outcome, err := w.target.Deploy(t.Context(), again)
	require.NoError(t, err)
	assert.True(t, outcome.Confirmed)
	versions := w.written("safe", "Web-shop-prod")
	require.Len(t, versions, 1)
	assert.Equal(t, versions[0].Version, outcome.Receipt)
}

func TestFromNothingToADeliveryWhereAccessPoliciesDecide(t *testing.T) {
	w := start(t)
	w.policyVault("safe")
	row := w.row(t, `{"vault":"safe","name":"db"}`)

	require.NoError(t, w.target.Prepare(t.Context(), w.app, row))
	outcome, err := w.target.Deploy(t.Context(), w.delivery(row, 1))
	require.NoError(t, err)
	assert.True(t, outcome.Confirmed)
	assert.Len(t, w.written("safe", "db"), 1)
	assert.Equal(t, []simulated.AccessPolicy{
		{TenantID: tenant, ObjectID: w.self.ObjectID, Permissions: simulated.Permissions{Secrets: []string{"get", "list", "set", "recover"}}},
		{TenantID: tenant, ObjectID: w.principal.ObjectID, Permissions: simulated.Permissions{Secrets: []string{"get", "list", "set"}}},
	}, w.manager.State().Vaults[0].AccessPolicies)
}

// ready is a world whose vault lets rekey write.
func ready(t *testing.T) (*world, rotation.TargetRow) {
	t.Helper()
	w := start(t)
	w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
	return w, w.row(t, `{"vault":"safe","name":"db"}`)
}

func TestAVersionSaysWhoseItIsAndHowLong(t *testing.T) {
	w, row := ready(t)
	d := w.delivery(row, 7)
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)

	versions := w.written("safe", "db")
	require.Len(t, versions, 1)
	v := versions[0]
	assert.Equal(t, outcome.Receipt, v.Version)
	assert.Equal(t, sha(d.Credential.Value.Reveal()), v.SHA256)
	assert.Equal(t, "text/plain", v.ContentType)
	assert.Equal(t, d.Credential.Start.Truncate(time.Second), *v.NotBefore)
	assert.Equal(t, d.Credential.End.Truncate(time.Second), *v.Expires)
	assert.True(t, v.Enabled)
	assert.Equal(t, map[string]string{
		"installation": "test", "appId": w.app.AppID, "kind": "secret", "generation": "7", "keyId": "key", "target": "safe",
	}, v.Tags)
}

func TestTheSteadyStateCostsOneCall(t *testing.T) {
	w, row := ready(t)
	_, err := w.target.Deploy(t.Context(), w.delivery(row, 1))
	require.NoError(t, err)
	w.calls(t)
	for generation := 2; generation <= 4; generation++ {
		_, err := w.target.Deploy(t.Context(), w.delivery(row, generation))
		require.NoError(t, err)
	}
	assert.Equal(t, map[string]int{"PUT safe.vault.azure.net": 3}, w.calls(t))
	for i, v := range w.written("safe", "db") {
		assert.Equal(t, strconv.Itoa(i+1), v.Tags["generation"])
	}
}

func TestALostAnswerWritesNoSecondVersion(t *testing.T) {
	w, row := ready(t)
	_, err := w.target.Deploy(t.Context(), w.delivery(row, 1))
	require.NoError(t, err)

	w.misbehave(t, cloud.Fault{Host: "*.vault.azure.net", Method: "PUT", Lose: true, Count: new(1)})
	d := w.delivery(row, 2)
	_, err = w.target.Deploy(t.Context(), d)
	require.Error(t, err)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
	require.Len(t, w.written("safe", "db"), 2, "the write took effect")

	d.Tries = 2
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	versions := w.written("safe", "db")
	assert.Equal(t, rotation.Outcome{Confirmed: true, Receipt: versions[1].Version}, outcome)
	assert.Len(t, versions, 2)
}

func TestARepeatedTryWritesOverWhatIsNotItsOwn(t *testing.T) {
	for name, change := range map[string]func(*rotation.Delivery){
		"an older generation":          func(d *rotation.Delivery) { d.Credential.Rotation.Generation = 1 },
		"another value under our tags": func(d *rotation.Delivery) { d.Credential.Value = secret.New("edited by hand") },
		"another target's":             func(d *rotation.Delivery) { d.Target.ID = "other" },
		"another credential":           func(d *rotation.Delivery) { d.Credential.KeyID = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			w, row := ready(t)
			there := w.delivery(row, 2)
			change(&there)
			_, err := w.target.Deploy(t.Context(), there)
			require.NoError(t, err)
			d := w.delivery(row, 2)
			d.Tries = 2
			outcome, err := w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			versions := w.written("safe", "db")
			require.Len(t, versions, 2)
			assert.Equal(t, versions[1].Version, outcome.Receipt)
		})
	}
}

func TestWhoMayNotReadMayStillDeliver(t *testing.T) {
	w := start(t)
	w.policyVault("safe", simulated.AccessPolicy{ObjectID: w.self.ObjectID, Permissions: simulated.Permissions{Secrets: []string{"set"}}})
	d := w.delivery(w.row(t, `{"vault":"safe","name":"db"}`), 1)
	d.Tries = 2
	outcome, err := w.target.Deploy(t.Context(), d)
	require.NoError(t, err)
	assert.True(t, outcome.Confirmed)
}

func TestASoftDeletedNameIsRecovered(t *testing.T) {
	for name, prepared := range map[string]func(*world){
		"where roles decide": func(w *world) {
			w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
		},
		"where access policies decide": func(w *world) { w.policyVault("safe", w.ownerPolicy()) },
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			prepared(w)
			row := w.row(t, `{"vault":"safe","name":"db"}`)
			require.NoError(t, w.target.Prepare(t.Context(), w.app, row))
			_, err := w.target.Deploy(t.Context(), w.delivery(row, 1))
			require.NoError(t, err)
			w.softDelete(t, "safe", "db")

			d := w.delivery(row, 2)
			_, err = w.target.Deploy(t.Context(), d)
			require.Error(t, err)
			assert.Equal(t, rotation.Transient, rotation.ClassOf(err))
			assert.Contains(t, err.Error(), `keyvault: the soft-deleted secret "db" is being recovered: `)

			d.Tries = 2
			_, err = w.target.Deploy(t.Context(), d)
			require.Error(t, err)
			assert.Equal(t, rotation.Conflict, rotation.ClassOf(err), "still being recovered")

			w.clock.Advance(time.Minute)
			d.Tries = 3
			outcome, err := w.target.Deploy(t.Context(), d)
			require.NoError(t, err)
			versions := w.written("safe", "db")
			require.Len(t, versions, 2, "the recovered version stays")
			assert.Equal(t, versions[1].Version, outcome.Receipt)
		})
	}
}

func TestASavedRowThatCannotBeReadIsPermanent(t *testing.T) {
	w, row := ready(t)
	row.Settings = []byte(`{"vault":"no vault","grants":"none"}`)
	for _, err := range []error{
		func() error { _, err := w.target.Deploy(t.Context(), w.delivery(row, 1)); return err }(),
		w.target.Prepare(t.Context(), w.app, row),
	} {
		require.Error(t, err)
		assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
		assert.Contains(t, err.Error(), `keyvault: settings of target "safe": grants: is not a setting`)
	}
	assert.Empty(t, w.calls(t))
}

func TestALookThatFailsWritesNothing(t *testing.T) {
	for status, class := range map[int]rotation.Class{429: rotation.Throttled, 500: rotation.Transient, 503: rotation.Transient} {
		w, row := ready(t)
		w.misbehave(t, cloud.Fault{Host: "*.vault.azure.net", Method: "GET", Status: status})
		d := w.delivery(row, 1)
		d.Tries = 2
		_, err := w.target.Deploy(t.Context(), d)
		require.Error(t, err)
		assert.Equal(t, class, rotation.ClassOf(err))
		assert.Empty(t, w.written("safe", "db"))
	}
}

func TestAVaultBehindAFirewallSaysWhatToDo(t *testing.T) {
	w := start(t)
	w.allow(w.manager.AddVault(resourcemanager.Vault{Name: "safe", Subscription: subscription, ResourceGroup: "rg", RBAC: true,
		Firewalled: true, AllowedIPs: []string{"203.0.113.7"}}), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
	_, err := w.target.Deploy(t.Context(), w.delivery(w.row(t, `{"vault":"safe","name":"db"}`), 1))
	require.Error(t, err)
	assert.Contains(t, err.Error(), `vault: set "db" in "safe": 403 Forbidden/ForbiddenByFirewall: Client address is not authorized`)
	assert.Contains(t, err.Error(), "network rules")
}

func TestAVaultThatIsGoneFromTheNetIsTransient(t *testing.T) {
	w := start(t)
	_, err := w.target.Deploy(t.Context(), w.delivery(w.row(t, `{"vault":"nowhere","name":"db"}`), 1))
	require.Error(t, err)
	assert.Equal(t, rotation.Transient, rotation.ClassOf(err), "the name may come back; that it is gone Prepare finds out")
}
