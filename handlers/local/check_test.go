package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// checkEntra wants exactly the right credentials: rekey's current one, and what
// was never handed over.
func (s *Stack) checkEntra(t *testing.T, managed ...string) {
	t.Helper()
	for n, app := range s.Tenant.Apps {
		now, ok := s.Azure.Directory.ApplicationByAppID(app.AppID, 0)
		require.True(t, ok)
		keys := map[string]bool{}
		for _, p := range now.Passwords {
			keys[p.KeyID] = true
		}
		want := map[string]bool{}
		if n != 0 { // the first one's was adopted, and so removed
			want[app.Passwords[0].KeyID] = true
		}
		if n < len(managed) {
			want[s.latest(t, app.AppID).KeyID] = true
		}
		assert.Equal(t, want, keys, app.DisplayName)
	}
}

// checkVaults wants one version for each rotation, the newest of the current
// credential, and one staged copy of it and no other.
func (s *Stack) checkVaults(t *testing.T, rotations map[string]int) {
	t.Helper()
	vaults := s.Azure.Vaults.State().Vaults
	staged := map[string]int{}
	for name, secret := range vaults[stagingVault].Secrets {
		if secret.Deleted == nil && name != "rekey-write-check" {
			id := secret.Versions[0].Tags["rotation"]
			staged[id[:strings.IndexByte(id, '.')]]++
			assert.Len(t, secret.Versions, 1, name)
		}
	}
	for app, count := range rotations {
		assert.Equal(t, 1, staged[app], "staged copies of %s", app)
		current := s.latest(t, app)
		versions := vaults[s.vaultOf(t, app)].Secrets[s.secretName(t, app)].Versions
		require.Len(t, versions, count, app)
		newest := versions[count-1]
		assert.Equal(t, current.KeyID, newest.Tags["keyId"])
		assert.Equal(t, newest.Version, s.rotation(t, current.ID).Deployments[0].Receipt)
		assert.NotNil(t, newest.Expires)
		assert.NotNil(t, newest.NotBefore)
		assert.NotEmpty(t, newest.ContentType)
	}
}

func (s *Stack) vaultOf(t *testing.T, appID string) string {
	t.Helper()
	for name, vault := range s.Azure.Vaults.State().Vaults {
		for _, secret := range vault.Secrets {
			if secret.Versions[0].Tags["appId"] == appID && secret.Versions[0].Tags["target"] != "" {
				return name
			}
		}
	}
	require.Fail(t, "no vault of "+appID)
	return ""
}

// checkAssignments wants the system's identity and the applications' principals
// to have what they need on the vaults, and nobody else anything on the stage.
func (s *Stack) checkAssignments(t *testing.T) {
	t.Helper()
	state := s.Azure.ResourceManager.State()
	officers := map[string][]string{}
	for _, a := range state.RoleAssignments {
		if a.RoleID == resourcemanager.KeyVaultSecretsOfficer {
			vault := a.Scope[strings.LastIndexByte(a.Scope, '/')+1:]
			officers[vault] = append(officers[vault], a.PrincipalID)
		}
	}
	principal := func(n int) string {
		sp, ok := s.Azure.Directory.ServicePrincipalByAppID(s.Tenant.Apps[n].AppID, 0)
		require.True(t, ok)
		return sp.ObjectID
	}
	assert.Equal(t, []string{s.Tenant.Identity.ObjectID}, officers[stagingVault])
	assert.ElementsMatch(t, []string{s.Tenant.Identity.ObjectID, principal(0), principal(2)}, officers[rbacVault])
	for _, vault := range state.Vaults {
		if vault.Name != policyVault {
			continue
		}
		got := map[string][]string{}
		for _, p := range vault.AccessPolicies {
			got[p.ObjectID] = p.Permissions.Secrets
		}
		assert.ElementsMatch(t, []string{"get", "list", "set", "recover"}, lower(got[s.Tenant.Identity.ObjectID]))
		assert.ElementsMatch(t, []string{"get", "list", "set"}, lower(got[principal(1)]))
		assert.Len(t, got, 2)
	}
}

func lower(words []string) (all []string) {
	for _, word := range words {
		all = append(all, strings.ToLower(word))
	}
	return all
}

type outsideCalls struct {
	Total int
	Calls []struct {
		Host, Method, Path string
		Status, Count      int
	}
}

func (s *Stack) outsideCalls(t *testing.T) (calls outsideCalls) {
	t.Helper()
	response, err := http.Get(s.Endpoints.Proxy + "/sim/calls")
	require.NoError(t, err)
	defer response.Body.Close()
	require.NoError(t, json.NewDecoder(response.Body).Decode(&calls))
	return calls
}

// checkCalls wants no call to a host that the simulator does not know.
func (s *Stack) checkCalls(t *testing.T) {
	t.Helper()
	calls := s.outsideCalls(t)
	assert.Positive(t, calls.Total)
	for _, call := range calls.Calls {
		assert.NotEqual(t, http.StatusNotImplemented, call.Status, "%s %s%s", call.Method, call.Host, call.Path)
	}
}

// checkNothingLeaked searches what the run has left behind for every credential.
func (s *Stack) checkNothingLeaked(t *testing.T, e *evidence) {
	t.Helper()
	messages, err := os.ReadFile(s.path("messages.tap"))
	require.NoError(t, err)
	require.Contains(t, string(messages), "dev.rekey.deploy", "the tap works")
	leaks, err := e.leaks(s)
	require.NoError(t, err)
	assert.Empty(t, leaks)
}
