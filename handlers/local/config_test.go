package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// config sends a request about the configuration as a whole.
func (s *Stack) config(t *testing.T, method, query, document string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.Endpoints.Host+"/api/config"+query, strings.NewReader(document))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/yaml")
	response, err := s.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(text))
	return string(text)
}

// TestAConfigurationIsKeptAsCode takes everything away and applies what was exported
// before: targets of every integration, through their checks, with what they name.
func TestAConfigurationIsKeptAsCode(t *testing.T) {
	t.Parallel()
	s := startStack(t, nil)
	app := s.Tenant.Apps[2].AppID
	require.NoError(t, s.configureShared(t.Context()))
	s.put(t, "/api/applications/"+app, both(false))
	for id, body := range s.Tenant.assignEverything().targets {
		s.put(t, "/api/applications/"+app+"/targets/"+id, body)
	}
	exported := s.config(t, http.MethodGet, "", "")
	assert.Contains(t, exported, "  "+app+": # ")
	assert.NotContains(t, exported, s.Tenant.places.token)

	s.config(t, http.MethodPut, "?prune=true", "groups: {}\ntasks: {}\napplications: {}\n")
	assert.Contains(t, s.config(t, http.MethodGet, "", ""), "\ngroups: {}\ntasks: {}\nnotifications: {}\napplications: {}\n")

	answer := s.config(t, http.MethodPut, "", exported)
	assert.Contains(t, answer, `group \"`+vercelGroup+`\" has no access token`)
	assert.Equal(t, strings.Replace(exported, "    hasToken: true\n", "", 1), s.config(t, http.MethodGet, "", ""))
	require.NoError(t, s.configureShared(t.Context()))
	assert.Equal(t, exported, s.config(t, http.MethodGet, "", ""))
	assert.Contains(t, s.config(t, http.MethodPut, "?prune=true", exported), `"changes":[]`)
}
