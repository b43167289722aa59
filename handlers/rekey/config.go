package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// config is everything that the environment says. Each field's setting is named
// in readConfig, and the table of settings in the README is checked against it.
type config struct {
	port            string
	busConnection   string
	busNamespace    string
	tablesConn      string
	tablesEndpoint  string
	tenantID        string
	clientID        string // of a user-assigned identity, or empty
	stagingVault    string
	installation    string
	protectedApps   []string
	devopsOrgs      []string
	eventGridTopic  string
	publicURL       string
	extraCAFile     string
	openAPI         bool
	apiClientID     string // of rekey's own app registration, or empty
	apiAudience     string
	platformAuth    bool
	siteName        string // of the function app; empty outside Azure
	callTimeout     time.Duration
	logLevel        slog.Level
	functionTimeout time.Duration
}

// settings reads the environment and remembers every mistake.
type settings struct {
	lookup   func(string) string
	mistakes []error
}

func (s *settings) wrong(setting, format string, args ...any) {
	s.mistakes = append(s.mistakes, fmt.Errorf(setting+": "+format, args...))
}

// readConfig reads and checks all settings. Its error names every one that is
// wrong, and what would be right.
func readConfig(lookup func(string) string) (config, error) {
	s := &settings{lookup: lookup}
	c := config{
		port:            s.required("FUNCTIONS_CUSTOMHANDLER_PORT", portPattern, "the port that the Functions host chose"),
		tenantID:        strings.ToLower(s.required("REKEY_TENANT_ID", guidPattern, "the tenant's id, a GUID")),
		clientID:        strings.ToLower(s.optional("AZURE_CLIENT_ID", "", guidPattern, "a client id, a GUID")),
		stagingVault:    s.required("REKEY_STAGING_VAULT", vaultPattern, "the name of rekey's own Key Vault"),
		installation:    s.optional("REKEY_INSTALLATION", "default", installationPattern, "1 to 24 lower-case letters, digits and hyphens"),
		protectedApps:   s.list("REKEY_PROTECTED_APPS", guidPattern, "client ids (GUIDs)"),
		devopsOrgs:      s.list("REKEY_DEVOPS_ORGANIZATIONS", organizationPattern, "names of Azure DevOps organizations"),
		eventGridTopic:  lookup("REKEY_EVENTGRID_TOPIC_ENDPOINT"),
		publicURL:       s.optional("REKEY_PUBLIC_URL", "", publicPattern, "the address of the dashboard, https://…, without a query"),
		extraCAFile:     s.file("REKEY_EXTRA_CA_FILE"),
		openAPI:         s.boolean("REKEY_OPEN_API"),
		apiClientID:     strings.ToLower(s.optional("REKEY_API_CLIENT_ID", "", guidPattern, "the client id of rekey's own app registration, a GUID")),
		apiAudience:     s.optional("REKEY_API_AUDIENCE", "", audiencePattern, "an App ID URI of rekey's own app registration, such as api://rekey.contoso.com"),
		platformAuth:    s.boolean("WEBSITE_AUTH_ENABLED"),
		siteName:        lookup("WEBSITE_SITE_NAME"),
		callTimeout:     s.duration("REKEY_CALL_TIMEOUT", 30*time.Second, time.Second, time.Minute),
		functionTimeout: 4 * time.Minute,
		logLevel:        s.level("REKEY_LOG_LEVEL"),
	}
	c.busConnection, c.busNamespace = s.either("ServiceBusConnection", "ServiceBusConnection__fullyQualifiedNamespace")
	c.tablesConn, c.tablesEndpoint = s.either("REKEY_TABLES_CONNECTION", "REKEY_TABLES_ENDPOINT")
	s.azure("ServiceBusConnection__fullyQualifiedNamespace", namespacePattern, "the name of a namespace, <name>.servicebus.windows.net")
	s.azure("REKEY_TABLES_ENDPOINT", tablesPattern, "the table endpoint of a storage account, https://<account>.table.core.windows.net")
	s.azure("REKEY_EVENTGRID_TOPIC_ENDPOINT", topicPattern, "the endpoint of an Event Grid topic, https://<topic>.<region>-1.eventgrid.azure.net/api/events")
	if c.openAPI && c.siteName != "" {
		s.wrong("REKEY_OPEN_API", "must not be true in Azure: it lets anybody on the internet use the API")
	}
	if c.apiAudience != "" && c.apiClientID == "" {
		s.wrong("REKEY_API_AUDIENCE", "says nothing without REKEY_API_CLIENT_ID")
	}
	if len(s.mistakes) > 0 {
		return c, fmt.Errorf("the settings are not right:\n%w", errors.Join(s.mistakes...))
	}
	return c, nil
}

var (
	portPattern         = regexp.MustCompile(`^[1-9][0-9]{0,4}$`)
	guidPattern         = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	vaultPattern        = regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9]){2,23}$`)
	organizationPattern = regexp.MustCompile(`^[a-zA-Z0-9](-?[a-zA-Z0-9]){0,49}$`)
	namespacePattern    = regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9]){5,49}\.servicebus\.windows\.net$`)
	tablesPattern       = regexp.MustCompile(`^https://[a-z0-9]{3,24}\.(table\.core\.windows|z[0-9]{2}\.table\.storage\.azure)\.net/?$`)
	topicPattern        = regexp.MustCompile(`^https://[a-z0-9-]+(\.[a-z0-9-]+)?\.eventgrid\.azure\.net/api/events$`)
	audiencePattern     = regexp.MustCompile(`^(api|https)://[a-zA-Z0-9][a-zA-Z0-9._/-]{0,200}$`)
	publicPattern       = regexp.MustCompile(`^https?://[a-zA-Z0-9.-]{1,253}(:[0-9]{1,5})?(/[a-zA-Z0-9._~/-]*)?$`)
	installationPattern = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){0,23}$`)
)

func (s *settings) required(setting string, pattern *regexp.Regexp, what string) string {
	text := s.lookup(setting)
	if text == "" {
		s.wrong(setting, "is missing; it must be %s", what)
		return ""
	}
	return s.optional(setting, "", pattern, what)
}

func (s *settings) optional(setting, fallback string, pattern *regexp.Regexp, what string) string {
	text := s.lookup(setting)
	if text == "" {
		return fallback
	}
	if !pattern.MatchString(text) {
		s.wrong(setting, "must be %s, not %q", what, text)
	}
	return text
}

// either reads the connection string or, where there is none, the address that
// is used with the managed identity. A connection string is a secret: it is
// never part of a message.
func (s *settings) either(connection, address string) (string, string) {
	c, a := s.lookup(connection), s.lookup(address)
	switch {
	case c == "" && a == "":
		s.wrong(connection, "is missing; set it to a connection string, or %s to use the managed identity", address)
	case c != "" && a != "":
		s.wrong(connection, "and %s are both set; only one may be", address)
	}
	return c, a
}

// list reads names that are separated by commas. Their case means nothing.
func (s *settings) list(setting string, pattern *regexp.Regexp, what string) (names []string) {
	for name := range strings.FieldsFuncSeq(s.lookup(setting), func(r rune) bool { return r == ',' || r == ' ' }) {
		if !pattern.MatchString(name) {
			s.wrong(setting, "must be %s separated by commas; %q is none", what, name)
		}
		names = append(names, strings.ToLower(name))
	}
	return names
}

// azure checks the address of one of Azure's services, if it is given: the managed
// identity's token goes there.
func (s *settings) azure(setting string, pattern *regexp.Regexp, what string) {
	s.optional(setting, "", pattern, what)
}

func (s *settings) file(setting string) string {
	path := s.lookup(setting)
	if path == "" {
		return ""
	}
	if _, err := os.Stat(path); err != nil {
		s.wrong(setting, "must be a file of PEM certificates that can be read: %v", err)
	}
	return path
}

func (s *settings) boolean(setting string) bool {
	text := s.lookup(setting)
	value, err := strconv.ParseBool(text)
	if text != "" && err != nil {
		s.wrong(setting, `must be "true" or "false", not %q`, text)
	}
	return value
}

func (s *settings) duration(setting string, fallback, low, high time.Duration) time.Duration {
	text := s.lookup(setting)
	if text == "" {
		return fallback
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < low || d > high {
		s.wrong(setting, `must be a duration from %s to %s, such as "30s", not %q`, low, high, text)
	}
	return d
}

func (s *settings) level(setting string) slog.Level {
	var level slog.Level
	text := s.lookup(setting)
	if text != "" && level.UnmarshalText([]byte(text)) != nil {
		s.wrong(setting, `must be "debug", "info", "warn" or "error", not %q`, text)
	}
	return level
}

// self returns the client ids that must never be rotated.
func (c config) self() []string {
	if c.clientID == "" {
		return c.protectedApps
	}
	return append(slices.Clone(c.protectedApps), c.clientID)
}
