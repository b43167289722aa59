package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// commanded is what a command left.
type commanded struct {
	code     int
	out, err string
}

// command runs the packaged binary as a client of the stack.
func (s *Stack) command(t *testing.T, given string, args ...string) commanded {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.CommandContext(t.Context(), filepath.Join(dist, "rekey"), args...)
	c.Env = []string{"REKEY_URL=" + s.Endpoints.Host, "TZ=UTC", "HOME=" + t.TempDir()}
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(given), &out, &errs
	err := c.Run()
	exit := &exec.ExitError{}
	if err != nil {
		require.True(t, errors.As(err, &exit), err)
	}
	return commanded{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must runs a command that has to succeed, and returns what it wrote.
func (s *Stack) must(t *testing.T, given string, args ...string) string {
	t.Helper()
	c := s.command(t, given, args...)
	require.Equal(t, 0, c.code, "%v: %s", args, c.err)
	return c.out
}

// TestTheCommandLine does the main job by hand: with the packaged binary alone.
func TestTheCommandLine(t *testing.T) {
	t.Parallel()
	s := startStack(t, nil)
	app := s.Tenant.Apps[0]
	policy, err := json.Marshal(fast(nil))
	require.NoError(t, err)

	assert.Equal(t, "No application is managed yet.\n", s.must(t, "", "apps"))
	s.must(t, string(policy), "apps", "set", app.AppID, "-f", "-")
	s.must(t, "integration: keyvault\nkind: secret\nsettings: {vault: "+rbacVault+"}\n", "targets", "set", app.DisplayName, "vault", "-f", "-")
	assert.Contains(t, s.must(t, "", "apps"), app.AppID+"  "+app.DisplayName)
	assert.Contains(t, s.must(t, "", "choices", "keyvault", "vault"), rbacVault)
	assert.Contains(t, s.must(t, "", "targets", "check", app.AppID, "vault"), "Would work:  yes\n")

	rotated := s.command(t, "", "rotate", app.AppID, "--kind", "secret", "--wait", "--timeout", "2m")
	require.Equal(t, 0, rotated.code, rotated.err)
	assert.Contains(t, rotated.out, "State:         completed\n")
	assert.Contains(t, rotated.err, "completed, 1 of 1 targets confirmed\n")
	assert.Regexp(t, `\nvault +keyvault +confirmed `, rotated.out)

	assert.Regexp(t, app.AppID+` .* secret  current .* 1 confirmed`, s.must(t, "", "status"))
	assert.Regexp(t, `(?s)requested.*staged.*published.*deployed.*completed`, s.must(t, "", "log", app.AppID))
	for path, args := range map[string][]string{
		"/api/applications":                           {"apps", "-o", "json"},
		"/api/rotations/" + s.latest(t, app.AppID).ID: {"status", s.latest(t, app.AppID).ID, "-o", "json"},
	} {
		var api, shown any
		s.read(t, path, &api)
		require.NoError(t, json.Unmarshal([]byte(s.must(t, "", args...)), &shown))
		assert.Equal(t, api, shown)
	}
	assert.Equal(t, 4, s.command(t, "", "apps", "show", "11111111-2222-4333-8444-555555555555").code)
	refused := s.command(t, `{"integration":"keyvault","kind":"secret","settings":{}}`, "targets", "set", app.AppID, "other", "-f", "-")
	assert.Equal(t, 3, refused.code)
	assert.Contains(t, refused.err, "\n  body.settings.vault: ")
	s.checkCommands(t, app.AppID)
}

// checkCommands asks for everything else that the installation can be asked for.
func (s *Stack) checkCommands(t *testing.T, app string) {
	t.Helper()
	for _, args := range [][]string{
		{"inventory"}, {"advice"}, {"keys"}, {"log", "--since", "2h"}, {"notifications"}, {"deadletters"}, {"dependencies"}, {"groups"}, {"tasks"},
	} {
		s.must(t, "", args...)
	}
	assert.Contains(t, s.must(t, "", "plan", app, "--kind", "secret"), "addPassword")
	assert.Contains(t, s.must(t, "", "doctor"), "permissions")
	document := s.must(t, "", "export")
	assert.Equal(t, "Nothing is to be changed.\n", s.must(t, document, "apply", "-f", "-", "--dry-run"))
}
