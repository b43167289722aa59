package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// valid are settings with which the handler starts.
func valid() map[string]string {
	return map[string]string{
		"FUNCTIONS_CUSTOMHANDLER_PORT": "7071",
		"ServiceBusConnection":         "Endpoint=sb://localhost;SharedAccessKeyName=k;SharedAccessKey=not-shown",
		"REKEY_TABLES_CONNECTION":      "AccountKey=not-shown",
		"REKEY_TENANT_ID":              "72F988BF-86f1-41af-91ab-2d7cd011db47",
		"REKEY_STAGING_VAULT":          "contoso-rekey",
	}
}

func read(settings map[string]string) (config, error) {
	return readConfig(func(name string) string { return settings[name] })
}

func TestSettingsHaveDefaults(t *testing.T) {
	c, err := read(valid())
	require.NoError(t, err)
	assert.Equal(t, "72f988bf-86f1-41af-91ab-2d7cd011db47", c.tenantID)
	assert.Equal(t, "default", c.installation)
	assert.Equal(t, 30*time.Second, c.callTimeout)
	assert.False(t, c.openAPI)
}

func TestEveryMistakeIsNamed(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for name, c := range map[string]struct {
		change map[string]string
		want   string
	}{
		"no port":                {map[string]string{"FUNCTIONS_CUSTOMHANDLER_PORT": ""}, "FUNCTIONS_CUSTOMHANDLER_PORT: is missing; it must be the port that the Functions host chose"},
		"a tenant's name":        {map[string]string{"REKEY_TENANT_ID": "contoso"}, `REKEY_TENANT_ID: must be the tenant's id, a GUID, not "contoso"`},
		"no bus":                 {map[string]string{"ServiceBusConnection": ""}, "ServiceBusConnection: is missing; set it to a connection string, or ServiceBusConnection__fullyQualifiedNamespace to use the managed identity"},
		"two ways to the tables": {map[string]string{"REKEY_TABLES_ENDPOINT": "https://x"}, "REKEY_TABLES_CONNECTION: and REKEY_TABLES_ENDPOINT are both set; only one may be"},
		"a vault's address":      {map[string]string{"REKEY_STAGING_VAULT": "https://x"}, `REKEY_STAGING_VAULT: must be the name of rekey's own Key Vault, not "https://x"`},
		"a long installation":    {map[string]string{"REKEY_INSTALLATION": "A b"}, `REKEY_INSTALLATION: must be 1 to 24 lower-case letters, digits and hyphens, not "A b"`},
		"a half client id":       {map[string]string{"REKEY_PROTECTED_APPS": "abc"}, `REKEY_PROTECTED_APPS: must be client ids (GUIDs) separated by commas; "abc" is none`},
		"a topic without TLS": {map[string]string{"REKEY_EVENTGRID_TOPIC_ENDPOINT": "http://life.westeurope-1.eventgrid.azure.net/api/events"},
			"REKEY_EVENTGRID_TOPIC_ENDPOINT: must be the endpoint of an Event Grid topic, https://<topic>.<region>-1.eventgrid.azure.net/api/events, not"},
		"a topic of somebody else": {map[string]string{"REKEY_EVENTGRID_TOPIC_ENDPOINT": "https://life.eventgrid.azure.net@elsewhere.example/api/events"},
			"REKEY_EVENTGRID_TOPIC_ENDPOINT: must be the endpoint of an Event Grid topic"},
		"tables of somebody else": {map[string]string{"REKEY_TABLES_CONNECTION": "", "REKEY_TABLES_ENDPOINT": "https://rekey.table.core.windows.net.elsewhere.example"},
			"REKEY_TABLES_ENDPOINT: must be the table endpoint of a storage account, https://<account>.table.core.windows.net, not"},
		"a bus of somebody else": {map[string]string{"ServiceBusConnection": "", "ServiceBusConnection__fullyQualifiedNamespace": "elsewhere.example"},
			"ServiceBusConnection__fullyQualifiedNamespace: must be the name of a namespace, <name>.servicebus.windows.net, not \"elsewhere.example\""},
		"no such file":         {map[string]string{"REKEY_EXTRA_CA_FILE": missing}, "REKEY_EXTRA_CA_FILE: must be a file of PEM certificates that can be read"},
		"a number of seconds":  {map[string]string{"REKEY_CALL_TIMEOUT": "30"}, `REKEY_CALL_TIMEOUT: must be a duration from 1s to 1m0s, such as "30s", not "30"`},
		"a level that is none": {map[string]string{"REKEY_LOG_LEVEL": "loud"}, `REKEY_LOG_LEVEL: must be "debug", "info", "warn" or "error", not "loud"`},
		"the API's name": {map[string]string{"REKEY_API_CLIENT_ID": "api://rekey"},
			`REKEY_API_CLIENT_ID: must be the client id of rekey's own app registration, a GUID, not "api://rekey"`},
		"an audience that is none": {map[string]string{"REKEY_API_AUDIENCE": "rekey"},
			`REKEY_API_AUDIENCE: must be an App ID URI of rekey's own app registration, such as api://rekey.contoso.com, not "rekey"`},
		"an audience of nothing": {map[string]string{"REKEY_API_AUDIENCE": "api://rekey"}, "REKEY_API_AUDIENCE: says nothing without REKEY_API_CLIENT_ID"},
		"neither true nor false": {map[string]string{"REKEY_OPEN_API": "on"}, `REKEY_OPEN_API: must be "true" or "false", not "on"`},
		"an open API in Azure": {map[string]string{"REKEY_OPEN_API": "true", "WEBSITE_SITE_NAME": "app"},
			"REKEY_OPEN_API: must not be true in Azure: it lets anybody on the internet use the API"},
	} {
		t.Run(name, func(t *testing.T) {
			settings := valid()
			for key, value := range c.change {
				settings[key] = value
			}
			_, err := read(settings)
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
			assert.NotContains(t, err.Error(), "not-shown")
		})
	}
}

func TestAllMistakesAreReportedTogether(t *testing.T) {
	_, err := read(map[string]string{})
	require.Error(t, err)
	for _, setting := range []string{"FUNCTIONS_CUSTOMHANDLER_PORT", "REKEY_TENANT_ID", "REKEY_STAGING_VAULT", "ServiceBusConnection", "REKEY_TABLES_CONNECTION"} {
		assert.Contains(t, err.Error(), setting+": is missing")
	}
}

// TestTheReadmeHasEverySetting compares the README's table with what is read.
func TestTheReadmeHasEverySetting(t *testing.T) {
	var reads []string
	_, _ = readConfig(func(name string) string {
		reads = append(reads, name)
		return ""
	})
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	var documented []string
	for _, match := range regexp.MustCompile("(?m)^\\| `([A-Za-z_]+)` \\|").FindAllSubmatch(readme, -1) {
		documented = append(documented, string(match[1]))
	}
	for _, name := range reads {
		if name != "WEBSITE_SITE_NAME" { // the platform's own
			assert.Contains(t, documented, name)
		}
	}
	for _, name := range documented {
		if !strings.HasSuffix(name, "_SCHEDULE") { // the host's
			assert.True(t, slices.Contains(reads, name), "%s is documented and never read", name)
		}
	}
}
