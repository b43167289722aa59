package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/tablestore"
)

// TestTheHostsKeyNamesNothing calls triggers as whoever has the host's master key can,
// or may send to the bus or to the event subscription: with any input. Messages carry
// ids only, and what they name is looked up.
func TestTheHostsKeyNamesNothing(t *testing.T) {
	s := startStack(t, nil)
	app := s.manage(t, 0, fast(nil), rbacVault)
	s.done(t, s.latestDone(t, app))
	before := s.Azure.Vaults.State()
	stranger := s.Tenant.Apps[1].AppID
	id := func(app string) string { return fmt.Sprintf(`{"appId":%q,"kind":"secret","generation":1}`, app) }
	row := fmt.Sprintf(`{"partition":"00","row":"2026-01-01T00:00:00.000Z|%s|secret"}`, app)
	for name, c := range map[string]struct{ function, kind, data string }{
		"to rotate what is not managed":  {"rotate", "advance", fmt.Sprintf(`{"appId":%q,"kind":"secret","row":%s}`, stranger, row)},
		"to deliver what is not managed": {"keyvault", "deploy", fmt.Sprintf(`{"rotation":%s,"target":"vault","row":%s}`, id(stranger), row)},
		"to deliver to what is no target": {"vercel", "deploy",
			fmt.Sprintf(`{"rotation":%s,"target":"https://elsewhere.example","row":%s}`, id(app), row)},
		"to deliver by another integration": {"devops", "deploy", fmt.Sprintf(`{"rotation":%s,"target":"vault","row":%s}`, id(app), row)},
		"with more than ids": {"keyvault", "deploy",
			fmt.Sprintf(`{"rotation":%s,"target":"vault","settings":{"vault":"elsewhere"},"vault":"elsewhere"}`, id(app))},
	} {
		event := fmt.Sprintf(`{"specversion":"1.0","id":"forged","source":"rekey","type":"dev.rekey.%s","data":%s}`, c.kind, c.data)
		assert.Equal(t, http.StatusAccepted, s.admin(t, c.function, event), name)
	}
	near := `{"id":"1","eventType":"Microsoft.KeyVault.SecretNearExpiry","subject":"x","eventTime":"2026-01-01T00:00:00Z","dataVersion":"1","data":{"VaultName":"elsewhere.example/","ObjectName":"x","Version":"1"}}`
	assert.Equal(t, http.StatusAccepted, s.admin(t, "nearexpiry", near))
	eventually(t, "the event is looked at", func() bool {
		log, err := os.ReadFile(s.path("handler.log"))
		return err == nil && strings.Contains(string(log), "cannot be the name of a vault")
	})
	after := s.Azure.Vaults.State()
	assert.Equal(t, len(before.Vaults), len(after.Vaults))
	for vault, state := range before.Vaults {
		assert.Len(t, after.Vaults[vault].Secrets, len(state.Secrets), vault)
	}
	s.checkCalls(t) // nobody was called whom the simulated Azure does not know
}

// admin calls a function as the portal's page "Test/Run" does.
// https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
func (s *Stack) admin(t *testing.T, function, input string) int {
	t.Helper()
	body, err := json.Marshal(map[string]string{"input": input})
	require.NoError(t, err)
	answer, err := http.Post(s.Endpoints.Host+"/admin/functions/"+function, "application/json", strings.NewReader(string(body)))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

// TestAForgedTargetLeadsNowhere writes to the tables as whoever has the account's key
// can: a target's row names a vault that is none, and the ledger names another
// application's copy.
func TestAForgedTargetLeadsNowhere(t *testing.T) {
	s := startStack(t, nil)
	app := s.manage(t, 0, fast(nil), rbacVault)
	other := s.manage(t, 1, fast(nil), policyVault)
	s.done(t, s.latestDone(t, app))
	s.done(t, s.latestDone(t, other))
	store, err := tablestore.FromConnectionString(s.Azure.Endpoints().Tables, tablestore.Options{CallTimeout: 10 * time.Second})
	require.NoError(t, err)
	replace := func(row, property, old, forged string) {
		found, err := store.Get(t.Context(), engine.Key{Table: engine.TableRotations, Partition: app, Row: row})
		require.NoError(t, err)
		text, _ := found.Properties[property].(string)
		require.Contains(t, text, old)
		require.NoError(t, store.Write(t.Context(), engine.Change{Op: engine.Put, Key: found.Key,
			Properties: map[string]any{property: strings.ReplaceAll(text, old, forged)}}))
	}

	replace("live.target.vault", "settings", `"`+rbacVault+`"`, `"elsewhere.example/x#"`)
	id := s.ask(t, app, `{"kind":"secret"}`)
	eventually(t, "the delivery is refused", func() bool {
		r := s.rotation(t, id)
		return len(r.Deployments) == 1 && r.Deployments[0].State == "failed"
	})
	assert.Contains(t, s.rotation(t, id).Deployments[0].LastError, "vault: must be the name of a Key Vault")
	s.checkCalls(t)

	copies := len(s.Azure.Vaults.State().Vaults[rbacVault].Secrets)
	replace("live.target.vault", "settings", `"elsewhere.example/x#"`, `"`+rbacVault+`"`)
	replace("live.head", "secret", "rekey-"+app+"-", "rekey-"+other+"-")
	response, err := http.Post(s.Endpoints.Host+"/api/deployments/"+id+"/vault/resume", "application/json", nil)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), "a row names what is another application's")
	assert.Len(t, s.Azure.Vaults.State().Vaults[rbacVault].Secrets, copies)
}
