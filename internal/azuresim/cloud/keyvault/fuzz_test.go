package keyvault_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

func FuzzSetAndUpdate(f *testing.F) {
	f.Add(`{"value":"v","attributes":{"exp":1,"nbf":0}}`, `{"attributes":null,"tags":{}}`)
	f.Add(`{"value":null}`, `null`)
	f.Add(`{"value":"v","attributes":{"exp":9223372036854775807}}`, `{"attributes":{"enabled":false}}`)
	f.Fuzz(func(t *testing.T, set, update string) {
		a := &access{vault: keyvault.Vault{Name: "safe", TenantID: tenant, Policies: []keyvault.AccessPolicy{
			{ObjectID: alice, Permissions: keyvault.Permissions{Secrets: []string{"all"}}}}}}
		exercise(t, a, []step{{"PUT", "/secrets/db", set}, {"PATCH", "/secrets/db", update}, {"GET", "/secrets/db", ""}, {"DELETE", "/secrets/db", ""}})
	})
}

type step struct{ method, path, body string }

// exercise sends requests to a fresh service, which may refuse them and must not fail.
func exercise(t *testing.T, a *access, steps []step) {
	t.Helper()
	s := keyvault.New(clock.New(), tokens{}, a, make(events, 100), keyvault.Options{})
	for _, step := range steps {
		r := httptest.NewRequest(step.method, "https://safe.vault.azure.net"+step.path+"?api-version=7.4", strings.NewReader(step.body))
		r.Header.Set("Authorization", "Bearer "+alice+" https://vault.azure.net")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		assert.Less(t, w.Code, 500, w.Body)
	}
}
