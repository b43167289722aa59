package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
)

// TestACredentialReachesVercel goes the whole way: a group with its token, a
// rotation, an entry that is split, and a redeployment that is waited for.
func TestACredentialReachesVercel(t *testing.T) {
	t.Parallel()
	s, evidence := startTapped(t, func(o *Options) { o.Latency.VercelBuild = time.Second })
	v := s.Azure.Vercel
	team := v.AddTeam(vercel.Team{ID: "team_contoso", Name: "Contoso"})
	project := v.AddProject(vercel.Project{Name: "shop", Team: team})
	v.AddVariable(project, vercel.Variable{Key: "CLIENT_SECRET", Value: "pasted by hand", Targets: []string{vercel.Production, vercel.Preview}})
	v.AddDeployment(project, vercel.Deployment{Environment: vercel.Production})
	token := v.AddToken(vercel.Token{Text: strings.Repeat("vercel-7", 5), Teams: []string{team}})

	app := s.Tenant.Apps[0].AppID
	path := "/api/applications/" + app
	s.put(t, "/api/groups/contoso", map[string]any{"name": "Contoso", "team": team, "accessToken": token, "applications": []string{app}})
	s.put(t, path, fast(nil))
	s.put(t, path+"/targets/web", map[string]any{"integration": "vercel", "kind": "secret", "settings": map[string]any{
		"project": "shop", "variable": "CLIENT_SECRET", "environments": []string{"production"}, "redeploy": []string{"production"},
	}})
	eventually(t, "a first rotation", func() bool { return s.latest(t, app).State == "completed" })

	shop := v.State().Projects["shop"]
	digest := s.stagedDigest(t, s.latest(t, app).KeyID)
	require.Len(t, shop.Deployments, 2)
	assert.Equal(t, vercel.Ready, shop.Deployments[1].State)
	assert.Equal(t, map[string]string{"CLIENT_SECRET": digest}, shop.Deployments[1].Values)
	sum := sha256.Sum256([]byte("pasted by hand"))
	assert.Equal(t, hex.EncodeToString(sum[:]), shop.Environments[vercel.Preview]["CLIENT_SECRET"], "what was not chosen keeps its value")
	assert.Error(t, s.call(t.Context(), http.MethodDelete, "/api/groups/contoso", nil), "it is in use")
	s.checkCalls(t)
	s.checkNothingLeaked(t, evidence)
}

// stagedDigest is the SHA-256 of a credential's staged copy.
func (s *Stack) stagedDigest(t *testing.T, keyID string) string {
	t.Helper()
	for _, secret := range s.Azure.Vaults.State().Vaults[stagingVault].Secrets {
		if secret.Versions[0].Tags["keyId"] == keyID {
			return secret.Versions[0].SHA256
		}
	}
	require.Fail(t, "no staged copy of "+keyID)
	return ""
}
