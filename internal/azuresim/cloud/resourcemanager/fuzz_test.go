package resourcemanager_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

func FuzzRequests(f *testing.F) {
	vault := "/subscriptions/" + sub + "/resourceGroups/Rg/providers/Microsoft.KeyVault/vaults/safe"
	f.Add("PUT", vault, "", `{"location":"westeurope","properties":{"tenantId":"`+tenant+`","sku":{},"networkAcls":{"defaultAction":"Deny"}}}`)
	f.Add("PATCH", vault, "", `{"properties":null}`)
	f.Add("PUT", vault+"/accessPolicies/add", "", `{"properties":{"accessPolicies":[{"objectId":null}]}}`)
	f.Add("PUT", vault+"/providers/Microsoft.Authorization/roleAssignments/"+guid1, "", `{"properties":{"principalId":"`+app+`"}}`)
	f.Add("GET", "/providers/Microsoft.Authorization/roleAssignments", "atScope()", "")
	f.Fuzz(func(t *testing.T, method, path, filter, body string) {
		s := resourcemanager.New(clock.New(), tokens{}, tokens{}, tenant, resourcemanager.Options{})
		s.AddVault(resourcemanager.Vault{Name: "safe", Subscription: sub, ResourceGroup: "Rg"})
		s.AddRoleAssignment(resourcemanager.RoleAssignment{Scope: "/", RoleID: resourcemanager.Owner, PrincipalID: owner})
		for _, version := range []string{"2026-02-01", "2022-04-01", "2022-12-01"} {
			r := httptest.NewRequest("GET", "https://management.azure.com/", strings.NewReader(body))
			r.Method, r.URL.Path = method, path
			query := r.URL.Query()
			query.Set("api-version", version)
			query.Set("$filter", filter)
			r.URL.RawQuery = query.Encode()
			r.Header.Set("Authorization", "Bearer "+owner+" https://management.azure.com")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			assert.Less(t, w.Code, 500)
		}
	})
}
