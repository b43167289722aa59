package main

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
)

// TestAServiceConnectionGetsEachNewSecret goes the whole way to Azure DevOps: the
// connection signs in with every rotation's secret, and with none that was removed.
func TestAServiceConnectionGetsEachNewSecret(t *testing.T) {
	t.Parallel()
	const org, project = "contoso", "Shop"
	s, evidence := startTapped(t, func(o *Options) { o.Latency.Processing = 500 * time.Millisecond })
	app, service := s.Tenant.Apps[0].AppID, s.Azure.DevOps
	service.AddOrganization(devops.Organization{Name: org})
	service.AddProject(org, project)
	service.AddMember(org, s.Tenant.Identity.ObjectID, project)
	connection := service.AddConnection(org, devops.Connection{
		Name: "azure", Projects: []string{project}, Data: map[string]string{"creationMode": "Automatic"},
		Parameters: map[string]string{"tenantid": tenantID, "serviceprincipalid": app, "authenticationType": "spnKey", "serviceprincipalkey": "pasted by hand"},
	})
	service.SetRole(org, connection, s.Tenant.Identity.ObjectID, devops.Administrator)

	path := "/api/applications/" + app
	s.put(t, path, fast(nil))
	s.put(t, path+"/targets/pipeline", map[string]any{
		"integration": "devops", "kind": "secret", "settings": map[string]any{"organization": org, "project": project, "serviceConnection": connection},
	})
	eventually(t, "a first rotation", func() bool { return s.latest(t, app).State == "completed" })
	first := service.State().Organizations[org].Connections[connection]
	s.done(t, s.ask(t, app, `{"kind":"secret"}`))

	second := service.State().Organizations[org].Connections[connection]
	assert.NotEqual(t, first.Secrets, second.Secrets)
	found, ok := s.Azure.Directory.ApplicationByAppID(app, 0)
	require.True(t, ok)
	var accepted []string
	for _, password := range found.Passwords {
		accepted = append(accepted, hex.EncodeToString(password.SecretSHA256[:]))
	}
	assert.Contains(t, accepted, second.Secrets["serviceprincipalkey"])
	assert.NotContains(t, accepted, first.Secrets["serviceprincipalkey"], "the old one was removed")
	s.checkNothingLeaked(t, evidence)
}
